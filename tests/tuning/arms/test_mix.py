"""Several sets with weights: counts worked out by hand, every example with its part, questions on one side."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mediate
from mediate.errors import InputError
from mediate.tuning.arms.mix import apportioned, largest
from mediate.tuning.examples import Example
from tests.tuning.subjects import arranged, base_folder, written

SHORT: dict[str, Any] = {"steps": 2, "batch_size": 2, "ask": 0, "learning_rate": 1e-2, "progress": False}


def set_of(count: int, name: str = "", chain: str = "3 + 4 = 7.") -> list[Example]:
    """Examples of questions that differ."""
    return [
        Example(f"{name}{at}", f"g{at}", f"Start {at % 10}, add {at // 10 + 1}. Hint 5.", "7", chain)
        for at in range(count)
    ]


@pytest.mark.parametrize(("weights", "total", "counts"), [
    ({"long": 0.2, "short": 0.8}, 10, {"long": 2, "short": 8}),
    # 2.2 and 8.8: the larger remainder gets the one that is left.
    ({"long": 0.2, "short": 0.8}, 11, {"long": 2, "short": 9}),
    # 2.6 and 10.4.
    ({"long": 0.2, "short": 0.8}, 13, {"long": 3, "short": 10}),
    # Equal remainders: the first.
    ({"a": 1.0, "b": 1.0, "c": 1.0}, 4, {"a": 2, "b": 1, "c": 1}),
    ({"a": 1.0, "b": 4.0}, 5, {"a": 1, "b": 4}),
    # 0.1 + 0.2 is not 0.3 in binary, and 30 * 0.1 / 0.3 is 10 all the same.
    ({"a": 0.1, "b": 0.2}, 30, {"a": 10, "b": 20}),
])  # fmt: skip
def test_counts_by_hand(weights: dict[str, float], total: int, counts: dict[str, int]) -> None:
    assert apportioned(weights, total) == counts


def test_the_largest_mix_has_no_part_twice() -> None:
    weights = {"long": 0.2, "short": 0.8}
    assert largest(weights, {"long": 100, "short": 8}) == 10
    assert largest(weights, {"long": 2, "short": 100}) == 12  # 2.4 and 9.6; of 13, 2.6 would be 3
    for long in range(1, 9):
        for short in range(1, 9):
            there = {"long": long, "short": short}
            total = largest(weights, there)
            fits = [
                size for size in range(60) if all(apportioned(weights, size)[name] <= there[name] for name in weights)
            ]
            assert total == max(fits)


def mixed(long: int, short: int, **choices: Any) -> Any:
    given = [replace(each, id=f"long/{each.id}") for each in set_of(long)]
    given += [replace(each, id=f"short/{each.id}") for each in set_of(short)]
    return arranged(given, "mix", parts={"long": 0.2, "short": 0.8}, **choices)


def test_a_mix_is_drawn_by_its_seed_and_every_example_has_its_part() -> None:
    found = mixed(10, 30, size=20)
    parts = [each.about["part"] for each in found.taught]
    assert (parts.count("long"), parts.count("short")) == (4, 16)
    assert all(each.example.id.startswith(part + "/") for each, part in zip(found.taught, parts, strict=True))
    ids = [each.example.id for each in found.taught]
    assert len(set(ids)) == 20
    assert found.counts["parts"] == {
        "long": {"weight": 0.2, "there": 10, "examples": 4}, "short": {"weight": 0.8, "there": 30, "examples": 16}
    }  # fmt: skip
    assert [each.example.id for each in mixed(10, 30, size=20).taught] == ids
    assert [each.example.id for each in mixed(10, 30, size=20, seed=1).taught] != ids
    assert len(mixed(10, 30).taught) == 38  # 7.6 and 30.4; of 39, 31.2 would be more than there are
    assert found.counts["questions"] == len({each.example.question for each in found.taught})


def test_parts_that_are_empty_or_too_small_are_named() -> None:
    with pytest.raises(InputError, match="part 'long': has no example to train on"):
        mixed(0, 9)
    with pytest.raises(InputError, match="part 'short': has 9 examples to train on, and 16 are its share of 20; give"):
        mixed(10, 9, size=20)
    with pytest.raises(InputError, match=r"part 'long': gets none of 2 examples at weight 0.2"):
        mixed(10, 9, size=2)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("base") / "m")


def test_a_question_in_both_parts_is_on_one_side(base: Path, tmp_path: Path) -> None:
    long, short = set_of(12, chain="3 + 4 = 7. 7 + 0 = 7."), set_of(12)  # the same ids, the same questions
    out = tmp_path / "out"
    tuned = mediate.tune(base, {"long": (long, 0.2), "short": (short, 0.8)}, out=out, arm="mix", held_out=0.25, **SHORT)
    sides = ((out / f"{name}.jsonl").read_text().splitlines() for name in ("train", "held_out"))
    train, held = ([json.loads(line) for line in side] for side in sides)
    assert not {each["question"] for each in train} & {each["question"] for each in held}
    assert len(train) == tuned.manifest["arranged"]["examples"] == 11  # of 9 each: 2.2 and 8.8
    assert [each["meta"]["part"] for each in train] == ["long"] * 2 + ["short"] * 9
    assert len(held) == 6
    assert "on 11 examples" in repr(tuned)
    assert tuned.manifest["data"]["parts"] == {"long": 0.2, "short": 0.8}
    with pytest.raises(InputError, match=r"data.parts.long is 0.2 there and 0.3 here"):
        mediate.tune(base, {"long": (long, 0.3), "short": (short, 0.8)}, out=out, arm="mix", held_out=0.25, **SHORT)


def test_a_mix_of_files_moves_with_them(base: Path, tmp_path: Path) -> None:
    rows = [{"question": each.question, "chain": each.chain, "answer": each.answer} for each in set_of(8)]
    one, other = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    for file in (one, other):
        written(file, rows)
    data = {"a": (str(one), 1), "b": (other, 1)}
    first = mediate.tune(base, data, out=tmp_path / "out", arm="mix", held_out=0, **SHORT)
    (tmp_path / "moved").mkdir()
    moved = {name: (Path(file).rename(tmp_path / "moved" / Path(file).name), 1) for name, (file, _) in data.items()}
    again = mediate.tune(base, moved, out=tmp_path / "out", arm="mix", held_out=0, **SHORT)
    assert again.manifest == first.manifest
