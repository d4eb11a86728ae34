"""What a run would take, said before it is made, and held against what it takes."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mediate.api import load
from mediate.errors import InputError
from mediate.journal import close_journal, open_journal
from mediate.models.model import Model
from mediate.pairs.pair import Item, Pair
from mediate.scoring.dry_run import DryRun, Tried, _scaled, dry_run, spread
from mediate.scoring.score import score
from mediate.scoring.spec import ScoreSpec, make_spec
from mediate.tasks.modular import modular_pairs

PAIRS = modular_pairs(12, seed=1)


@pytest.fixture(scope="module")
def model() -> Model:
    return load("reference-0.1m")


@pytest.fixture(scope="module")
def found(model: Model) -> DryRun:
    return dry_run(model, PAIRS, make_spec(control_pairs=2))


def test_items_and_tokens_are_those_of_the_run(model: Model, found: DryRun, tmp_path: Path) -> None:
    results = score(model, PAIRS, make_spec(control_pairs=2), out=tmp_path / "run")
    assert (found.given, found.ready, found.left_out) == (12, results.manifest["counts"]["measured"], {})
    lengths = sorted(len(model.tokenizer(pair.base.question + (pair.base.cot or ""))["input_ids"]) for pair in PAIRS)
    assert found.tokens[0] <= found.tokens[1] <= found.tokens[2]
    assert abs(found.tokens[0] - lengths[0]) <= 4
    size = sum(path.stat().st_size for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert found.whole.results == pytest.approx(size, rel=0.3)
    assert [each.name for each in found.maps] == ["read:step,layer"]


def test_what_more_items_take_grows_with_them(model: Model, found: DryRun) -> None:
    more = dry_run(model, modular_pairs(48, seed=1), make_spec(control_pairs=2))
    assert more.tried.items == 32
    assert more.whole.items == 48
    assert more.whole.operations > 2 * found.whole.operations > 0
    assert more.whole.passes > found.whole.passes > 0
    assert more.whole.cache > 2 * found.whole.cache > 0


def test_controls_and_long_maps_come_on_top(model: Model, found: DryRun, monkeypatch: pytest.MonkeyPatch) -> None:
    without = dry_run(model, PAIRS, make_spec(control_pairs=0))
    assert found.whole.operations > without.whole.operations
    monkeypatch.setattr("mediate.scoring.dry_run.LONG", 0.0)
    longer = dry_run(model, PAIRS, make_spec(control_pairs=0))
    assert longer.whole.seconds > sum(each.cost.seconds for each in longer.maps) > 0


def test_random_weights_are_drawn_once_however_many_items_are_controlled(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one item with its control, 9 s are the weights' and 1 s its own: of four items that is 13 s, and not 40."""
    import mediate.scoring.dry_run as place

    def tried(model: Model, given: list[Pair], spec: ScoreSpec) -> Tried:
        controlled = spec.control_pairs > 0
        return Tried(len(given), 2.0 * len(given) + 10.0 * controlled, 1.0, 1.0, 1, 1, 9.0 * controlled)

    monkeypatch.setattr(place, "_try", tried)
    found = dry_run(model, PAIRS, make_spec(control_pairs=4))
    assert found.whole.seconds == pytest.approx(2.0 * len(PAIRS) + 4 * 1.0 + 9.0)


def test_what_a_run_takes_without_items_is_not_counted_for_each(model: Model) -> None:
    """Of three trials the last two, which do nothing for the first time, tell an item's part from the run's."""
    trials = [Tried(count, seconds, 1.0, 1.0, 1, 1) for count, seconds in ((2, 9.0), (8, 5.0), (32, 11.0))]
    assert _scaled(trials, 132.0).seconds == pytest.approx(3.0 + 132 * 0.25)
    assert _scaled(trials[:2], 80.0).seconds == pytest.approx(50.0)
    quicker = [trials[0], trials[1], replace(trials[2], seconds=4.0)]
    assert _scaled(quicker, 64.0).seconds == pytest.approx(2.0 + 2 * 2.0)


def test_nothing_is_written_or_noted(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    open_journal(tmp_path / "log.jsonl")
    dry_run(model, PAIRS[:2], make_spec(control_pairs=1))
    close_journal()
    assert os.listdir(tmp_path) == ["log.jsonl"]
    assert (tmp_path / "log.jsonl").read_text() == ""


def test_what_is_left_out_is_told(model: Model) -> None:
    bad = replace(PAIRS[0], id="bad", base=replace(PAIRS[0].base, cot="4 + 9 = 3. " * 100))
    found = dry_run(model, [*PAIRS[:3], bad], make_spec(on_bad_item="skip", control_pairs=0))
    assert (found.given, found.ready, found.left_out) == (4, 3, {"too_long": 1})
    assert found.lines()[0] == "pairs: 4; 3 would be measured, 1 left out: 1 x too_long"
    with pytest.raises(InputError, match="bad"):
        dry_run(model, [*PAIRS[:3], bad], make_spec())


def test_chains_that_must_be_written_are_for_some(model: Model) -> None:
    asked = [replace(pair, base=replace(pair.base, cot=None), source=replace(pair.source, cot=None)) for pair in PAIRS]
    found = dry_run(model, asked, make_spec(control_pairs=0, on_bad_item="skip", max_new_tokens=40))
    assert found.sample == 8
    assert "of 8 that were looked at" in found.lines()[0]
    assert found.whole.items >= found.tried.items


def test_items_by_themselves_have_a_dry_run(model: Model) -> None:
    items = [replace(pair.base, id=pair.id, group=pair.group) for pair in PAIRS[:3]]
    assert all(isinstance(each, Item) for each in items)
    found = dry_run(model, items, make_spec(maps=(), control_pairs=0, replacements="none"))
    assert (found.noun, found.ready) == ("item", 3)


def test_rows_are_spread_with_the_last() -> None:
    assert spread(list(range(100)), 4) == [24, 49, 74, 99]
    assert spread([1, 2], 8) == [1, 2]
    assert spread([], 3) == []
