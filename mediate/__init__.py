"""Measures, inside a language model, how much of an answer its chain of thought carries, and through which channel."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Every public name and the module that defines it. Modules are imported on first use: `import mediate` loads no torch.
_HOME = {
    "load": "mediate.api",
}
__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from mediate.api import load as load


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'mediate' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
