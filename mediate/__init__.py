"""Measures, inside a language model, how much of an answer its chain of thought carries, and through which channel."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mediate.version import __version__

# Every public name and the module that defines it. Modules are imported on first use: `import mediate` loads no torch.
_HOME = {
    "load": "mediate.api",
    "score": "mediate.api",
    "prepare": "mediate.api",
    "compare": "mediate.report",
    "Comparison": "mediate.report",
    "cross": "mediate.scoring.cross",
    "CrossResults": "mediate.results.crossing_folder",
    "read_crossed": "mediate.results.crossing_folder",
    "tune": "mediate.tuning.tune",
    "open_tuned": "mediate.tuning.tune",
    "fetch": "mediate.models.fetch",
    "Model": "mediate.models.model",
    "Item": "mediate.pairs.pair",
    "Pair": "mediate.pairs.pair",
    "read_pairs": "mediate.pairs.files",
    "write_pairs": "mediate.pairs.files",
    "generate_pairs": "mediate.tasks.problems",
    "few_shot_prompt": "mediate.tasks.problems",
    "gsm_symbolic_pairs": "mediate.tasks.gsm_symbolic",
    "modular_pairs": "mediate.tasks.modular",
    "ScoreSpec": "mediate.scoring.spec",
    "Template": "mediate.models.prompts",
    "Scores": "mediate.report",
    "open_run": "mediate.report",
    "Component": "mediate.models.sites",
    "Store": "mediate.passes.store",
    "cot_activations": "mediate.passes.activations",
    "InputError": "mediate.errors",
    "ItemError": "mediate.errors",
}
__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from mediate.api import load as load
    from mediate.api import prepare as prepare
    from mediate.api import score as score
    from mediate.errors import InputError as InputError
    from mediate.errors import ItemError as ItemError
    from mediate.models.fetch import fetch as fetch
    from mediate.models.model import Model as Model
    from mediate.models.prompts import Template as Template
    from mediate.models.sites import Component as Component
    from mediate.pairs.files import read_pairs as read_pairs
    from mediate.pairs.files import write_pairs as write_pairs
    from mediate.pairs.pair import Item as Item
    from mediate.pairs.pair import Pair as Pair
    from mediate.passes.activations import cot_activations as cot_activations
    from mediate.passes.store import Store as Store
    from mediate.report import Comparison as Comparison
    from mediate.report import Scores as Scores
    from mediate.report import compare as compare
    from mediate.report import open_run as open_run
    from mediate.results.crossing_folder import CrossResults as CrossResults
    from mediate.results.crossing_folder import read_crossed as read_crossed
    from mediate.scoring.cross import cross as cross
    from mediate.scoring.spec import ScoreSpec as ScoreSpec
    from mediate.tasks.gsm_symbolic import gsm_symbolic_pairs as gsm_symbolic_pairs
    from mediate.tasks.modular import modular_pairs as modular_pairs
    from mediate.tasks.problems import few_shot_prompt as few_shot_prompt
    from mediate.tasks.problems import generate_pairs as generate_pairs
    from mediate.tuning.tune import open_tuned as open_tuned
    from mediate.tuning.tune import tune as tune


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'mediate' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
