"""What a tuning leaves in its folder: the model, the two sides of its data, and what was left out."""

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mediate.errors import ItemError
from mediate.files import write_text
from mediate.pairs.files import write_pairs
from mediate.pairs.pair import Pair
from mediate.tuning.arms.arm import Taught
from mediate.tuning.base import Base
from mediate.tuning.examples import Example
from mediate.tuning.quiet import undisturbed
from mediate.tuning.spec import TuneSpec

SIDES = ("train.jsonl", "held_out.jsonl")
HELD_OUT_PAIRS = "held_out_pairs.jsonl"
REJECTS = "rejects.jsonl"


def save_model(trained: Any, base: Base, spec: TuneSpec, folder: Path) -> str:
    """Writes the model so that `mediate.load` takes the folder: `adapter`, which names its base, or `checkpoint`.

    An adapter on a base that no name finds again, since it had an adapter of its own, is merged.
    """
    with undisturbed():
        if not spec.trains_all and not spec.merge and base.stored:
            trained.peft_config["default"].base_model_name_or_path = base.stored
            # Left to itself, peft asks the hub whether the base's vocabulary has grown.
            trained.save_pretrained(folder, save_embedding_layers=False)
            (folder / "README.md").unlink(missing_ok=True)  # a form to fill in
            return "adapter"
        whole = trained if spec.trains_all else trained.merge_and_unload()
        whole.save_pretrained(folder)
        base.tokenizer.save_pretrained(folder)
        return "checkpoint"


def save_step(trained: Any, base: Base, spec: TuneSpec, folder: Path) -> None:
    """Writes the model as `save_model` does, and leaves it as it is: it is still trained."""
    merged = not spec.trains_all and (spec.merge or not base.stored)
    save_model(copy.deepcopy(trained) if merged else trained, base, spec, folder)


def write_sides(
    folder: Path,
    sides: tuple[Sequence[Taught], Sequence[Example]],
    left_out: Sequence[ItemError],
    pairs: Sequence[Pair],
) -> None:
    """Writes what was trained on, what was held out (also as pairs, ready to be scored), and what was left out."""
    trained, held = ((_line(each.example, each.about) for each in sides[0]), map(_line, sides[1]))
    for name, side in zip(SIDES, (trained, held), strict=True):
        _write_lines(folder / name, side)
    kept = {each.id for each in sides[1]}
    held_out = [pair for pair in pairs if f"{pair.id}/base" in kept]
    if held_out:
        write_pairs(folder / HELD_OUT_PAIRS, held_out)
    if left_out:
        rows = ({"item": each.item, "code": each.code, "reason": each.reason, "place": each.place} for each in left_out)
        _write_lines(folder / REJECTS, rows)


def _line(example: Example, about: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An example as a line of a data file, with what its arm did to it."""
    said = {key: value for key, value in asdict(example).items() if value is not None and key != "place"}
    return said | ({"meta": dict(about)} if about else {})


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
