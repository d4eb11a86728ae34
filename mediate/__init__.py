"""Measures, inside a language model, how much of an answer its chain of thought carries, and through which channel.

`load`, `score`, `attribute`, `cross`, `compare` and `tune` each take their choices as options, which their help lists;
`open` brings back what they wrote.
"""

import os
import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from mediate.version import __version__ as __version__

# How a thread of torch's waits for the others. By OpenMP's own default it spins: loading SmolLM2-135M on two threads
# beside other processes took four times the processor's time. It is read as torch is imported, and of no use later.
WAITING = "PASSIVE"
if "torch" not in sys.modules:
    os.environ.setdefault("OMP_WAIT_POLICY", WAITING)

# Every public name and the module that defines it, as the stub beside this file says. Modules are imported on first
# use: `import mediate` loads no torch.
_HOME = {
    name: module
    for module, name in re.findall(
        r"^from (\S+) import (\w+) as \2$", Path(__file__).with_suffix(".pyi").read_text("utf-8"), re.MULTILINE
    )
}
__all__ = [*_HOME]


class _Package(ModuleType):
    """The package, in which a call comes before a room of its name: importing the room `compare` does not hide it."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'mediate' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
