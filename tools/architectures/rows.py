"""One architecture taken through mediate as a user takes it, and held against plain transformers."""

import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from tools.architectures.models import save
from tools.architectures.shapes import Subject

# What is asked of mediate for a part, by its name.
MAPS: Mapping[str, str] = {"knockout": "knockout:layer", "state": "state.resid_post:layer", "read": "read:layer"}
PARTS = ("cube", *MAPS)
DTYPES = ("float64", "float32")
# Deviations above this are wrong numbers, relative to the largest outcome of a part where that is above 1. GPT-J holds
# its angles in float32 whatever the dtype, so it computes at other positions what differs by 1e-7.
TOLERANCE: Mapping[str, float] = {"float64": 1e-6, "float32": 1e-4}
CHAINS = ("Tom has 2 + 9 = 11.\nThe 11 pears now.", "Tom has 3 + 9 = 12.\nThe 12 pears now.")
ANSWERS = "11", "12"
QUESTIONS: Mapping[str, tuple[str, str]] = {
    "equal": ("Tom has 2 apples and buys 9 pears.", "Tom has 3 apples and buys 9 pears."),
    "unequal": ("Tom has 2 apples.", "Tom has 3 apples and now Tom buys 9 pears."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one architecture.

    Args:
        name: The class, and what sets the model apart.
        parameters: How many weights the tiny model has.
        dtype: That it was measured in; empty where it was not loaded.
        refused: Why it was not loaded.
        errors: By questions and part, such as `equal cube`, the largest deviation from plain transformers.
        reasons: By questions and part, why there is none.
        components: What the model does not offer to patch.
    """

    name: str
    parameters: int = 0
    dtype: str = ""
    refused: str = ""
    errors: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    components: tuple[str, ...] = ()

    @property
    def wrong(self) -> list[str]:
        """The parts whose numbers are not those of plain transformers."""
        return [part for part, error in self.errors.items() if not error <= TOLERANCE[self.dtype]]

    @property
    def crashed(self) -> list[str]:
        """What ended in another error than a refusal."""
        return [part for part, reason in {"load": self.refused, **self.reasons}.items() if reason.startswith(CRASH)]

    @property
    def told(self) -> str:
        """The row in a line."""
        if self.refused:
            return f"{self.name}: {self.refused}"
        state = "wrong: " + ", ".join(self.wrong) if self.wrong else "as plain transformers"
        found = f"{len(self.errors)} of {len(PARTS) * len(QUESTIONS)} parts"
        reasons = "".join(f"\n  {part}: {self.reasons[part]}" for part in self.crashed)
        return f"{self.name}, {self.dtype}: {state} in {found}{reasons}"


CRASH = "crashed: "


def row(subject: Subject, seed: int) -> Row:
    """Builds, saves, loads, measures and compares; whatever happens is told in the row."""
    from tests import tiny

    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder, beside = (Path(temporary) / each for each in (subject.architecture, "tokenizer"))
        try:
            parameters = save(subject, len(tiny.tokenizer()), folder, seed)
            tiny.tokenizer().save_pretrained(beside)
        except Exception as error:
            return Row(subject.name, refused=f"transformers does not build it ({_line(error)})")
        return _measured(subject, folder, beside, parameters)


def _measured(subject: Subject, folder: Path, tokenizer: Path, parameters: int) -> Row:
    import mediate as md

    refused = ""
    for dtype in DTYPES:
        try:
            model = md.load(folder, tokenizer=tokenizer, dtype=dtype, device="cpu")
        except Exception as error:
            refused = refused or _reason(error)
            continue
        errors: dict[str, float] = {}
        reasons: dict[str, str] = {} if not refused else {"float64": refused}
        for questions in QUESTIONS:
            plain = _oracle(folder, dtype)
            for part in PARTS:
                _compare(model, plain, questions, part, errors, reasons)
        components = tuple(sorted(map(str, model.refused)))
        return Row(subject.name, parameters, dtype, "", errors, reasons, components)
    return Row(subject.name, parameters, refused=refused)


def _oracle(folder: Path, dtype: str) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype), attn_implementation="eager")
    if dtype == "float64" and hasattr(plain, "set_experts_implementation"):
        plain.set_experts_implementation("eager")  # the quick one has no float64
    return plain.eval()


def _compare(
    model: Any, plain: Any, questions: str, part: str, errors: dict[str, float], reasons: dict[str, str]
) -> None:
    from tools.architectures.plain import PARTS as ORACLES

    name = f"{questions} {part}"
    try:
        found = _found(model, questions, part)
    except Exception as error:
        reasons[name] = _reason(error)
        return
    try:
        wanted = ORACLES[part](plain, _texts(model.tokenizer, questions))
    except Exception as error:
        reasons[name] = f"no oracle: {_line(error)}"
        return
    if np.ptp(wanted) < 1e-3 and part == "cube":
        reasons[name] = "no oracle: no effect to compare"
        return
    errors[name] = float(np.abs(found - wanted).max() / max(1.0, np.abs(wanted).max()))


def _found(model: Any, questions: str, part: str) -> Float[np.ndarray, "..."]:
    """What mediate measures.

    Raises:
        InputError: It refuses, for the model or for the pair.
    """
    import mediate as md

    worlds = zip(QUESTIONS[questions], ANSWERS, CHAINS, strict=True)
    source, base = (md.Item(question, answer, cot) for question, answer, cot in worlds)
    maps = [MAPS[part]] if part in MAPS else []
    pair = md.Pair(questions, "g", base, source)
    options: dict[str, Any] = {"maps": maps, "control_pairs": 0, "on_bad_item": "error"}
    results = md.score(model, [pair], store=False, progress=False, template="none", **options).results
    if part == "cube":
        return np.concatenate([cube.y for cube in results.cubes])
    values: Float[np.ndarray, " layer"] = results.maps[0].values
    return values


def _texts(tokenizer: Any, questions: str) -> Any:
    from tools.architectures.plain import CUE, Texts

    ids: Callable[[str], list[int]] = partial(_ids, tokenizer)
    source, base = QUESTIONS[questions]
    return Texts(
        (ids(source + "\n"), ids(base + "\n")),
        (ids(CHAINS[0]), ids(CHAINS[1])),
        ids(CUE),
        (ids(" " + ANSWERS[0]), ids(" " + ANSWERS[1])),
    )


def _ids(tokenizer: Any, text: str) -> list[int]:
    found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


def _reason(error: Exception) -> str:
    from mediate.errors import InputError

    line = _line(error)
    return line if isinstance(error, InputError) else f"{CRASH}{type(error).__name__}: {line}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
