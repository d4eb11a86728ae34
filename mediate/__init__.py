"""Measures, inside a language model, how much of an answer its chain of thought carries, and through which channel."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mediate.version import __version__

# Every public name and the module that defines it. Modules are imported on first use: `import mediate` loads no torch.
_HOME = {
    "load": "mediate.api",
    "score": "mediate.api",
    "compare": "mediate.report.comparison",
    "Comparison": "mediate.report.comparison",
    "cross": "mediate.batch.crossing",
    "CrossResults": "mediate.effects.crossing_results",
    "read_crossed": "mediate.effects.crossing_results",
    "tune": "mediate.tuning.tune",
    "open_tuned": "mediate.tuning.tune",
    "fetch": "mediate.models.fetch",
    "Model": "mediate.models.model",
    "Item": "mediate.items.pair",
    "Pair": "mediate.items.pair",
    "read_pairs": "mediate.items.reading",
    "write_pairs": "mediate.items.reading",
    "generate_pairs": "mediate.items.problems",
    "few_shot_prompt": "mediate.items.problems",
    "gsm_symbolic_pairs": "mediate.items.gsm_symbolic",
    "modular_pairs": "mediate.items.modular",
    "ScoreSpec": "mediate.batch.spec",
    "Template": "mediate.models.prompts",
    "Scores": "mediate.report.scores",
    "open_run": "mediate.report.scores",
    "Component": "mediate.models.sites",
    "Store": "mediate.runs.store",
    "cot_activations": "mediate.runs.activations",
    "InputError": "mediate.errors",
    "ItemError": "mediate.errors",
}
__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from mediate.api import load as load
    from mediate.api import score as score
    from mediate.batch.crossing import cross as cross
    from mediate.batch.spec import ScoreSpec as ScoreSpec
    from mediate.effects.crossing_results import CrossResults as CrossResults
    from mediate.effects.crossing_results import read_crossed as read_crossed
    from mediate.errors import InputError as InputError
    from mediate.errors import ItemError as ItemError
    from mediate.items.gsm_symbolic import gsm_symbolic_pairs as gsm_symbolic_pairs
    from mediate.items.modular import modular_pairs as modular_pairs
    from mediate.items.pair import Item as Item
    from mediate.items.pair import Pair as Pair
    from mediate.items.problems import few_shot_prompt as few_shot_prompt
    from mediate.items.problems import generate_pairs as generate_pairs
    from mediate.items.reading import read_pairs as read_pairs
    from mediate.items.reading import write_pairs as write_pairs
    from mediate.models.fetch import fetch as fetch
    from mediate.models.model import Model as Model
    from mediate.models.prompts import Template as Template
    from mediate.models.sites import Component as Component
    from mediate.report.comparison import Comparison as Comparison
    from mediate.report.comparison import compare as compare
    from mediate.report.scores import Scores as Scores
    from mediate.report.scores import open_run as open_run
    from mediate.runs.activations import cot_activations as cot_activations
    from mediate.runs.store import Store as Store
    from mediate.tuning.tune import open_tuned as open_tuned
    from mediate.tuning.tune import tune as tune


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'mediate' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
