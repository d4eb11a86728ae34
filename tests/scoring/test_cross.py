"""Crossing a set of pairs: from a file to a run directory, its resumption, refusals and the command."""

import copy
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

import mediate
from mediate.cli.cross import cross as command
from mediate.cli.from_spec import FromSpec
from mediate.errors import InputError, ItemError
from mediate.pairs.pair import Item, Pair
from mediate.results.crossing import change
from mediate.results.crossing_folder import read_crossed
from mediate.scoring import cross as crossing_module
from mediate.scoring.cross import cross, make_cross_spec, weight_bytes
from tests import tiny

pytestmark = pytest.mark.usefixtures("undrawn")


def pair_of(name: str, first: int, other: int, group: str) -> Pair:
    base, source = (
        Item(f"Tom has {n} apples.", str(n + 2), f"Tom buys {n} apples. Tom has {n} + 2 = {n + 2}.")
        for n in (first, other)
    )
    return Pair(name, group, base, source)


PAIRS = [pair_of("a", 3, 2, "g1"), pair_of("b", 5, 1, "g2"), pair_of("c", 4, 6, "g2")]
OPTIONS = {"store": False, "progress": False}


@cache
def plain_tuned():
    tuned = copy.deepcopy(tiny.plain_model("llama"))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in tuned.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    return tuned


@cache
def models():
    return tiny.model("llama"), mediate.load(plain_tuned(), tokenizer=tiny.tokenizer(), device="cpu")


def test_a_run_is_written_read_back_and_not_made_again(tmp_path: Path) -> None:
    original, tuned = models()
    maps = ["read:step,layer", "state.z:layer,head"]
    worlds = ("base", "source")
    found = cross(original, tuned, PAIRS, out=tmp_path / "run", maps=maps, worlds=worlds, **OPTIONS)
    assert found.crossing().items == ("a", "a", "b", "b", "c", "c")
    assert found.crossing().worlds == worlds * 3
    assert found.changes()["total"].groups == 2
    kinds = {each.kind for each in found.maps}
    assert len(kinds) == 2 * 4 * 2
    assert "cross.state.z.into_tuned.source" in kinds
    crossing = found.crossing()
    labels = zip(crossing.items, crossing.worlds, strict=True)
    totals = dict(zip(labels, change(crossing.y).total, strict=True))
    for each in found.maps:
        assert each.te == totals[each.item, "source" if each.kind.endswith(".source") else "base"]
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    assert manifest["status"] == "success"
    assert manifest["weight_bytes"] == {"original": weight_bytes(original), "tuned": weight_bytes(tuned)}
    assert manifest["counts"] == {"given": 3, "measured": 3, "rejected": 0, "by_reason": {}}
    assert manifest["model"]["original"]["fingerprint"] != manifest["model"]["tuned"]["fingerprint"]
    back = read_crossed(tmp_path / "run")
    np.testing.assert_array_equal(back.crossing().y, found.crossing().y)
    written = (tmp_path / "run" / "run.json").stat().st_mtime_ns
    again = cross(original, tuned, PAIRS, out=tmp_path / "run", maps=maps, worlds=worlds, **OPTIONS)
    assert (tmp_path / "run" / "run.json").stat().st_mtime_ns == written
    assert again.changes() == found.changes()
    with pytest.raises(InputError, match="holds another run"):
        cross(tuned, original, PAIRS, out=tmp_path / "run", maps=maps, worlds=worlds, **OPTIONS)
    with pytest.raises(InputError, match="holds another run"):
        cross(original, tuned, PAIRS, out=tmp_path / "run", maps=maps, **OPTIONS)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="is not empty and holds no run"):
        cross(original, tuned, PAIRS, out=tmp_path / "other", **OPTIONS)


def test_an_unfinished_run_is_made_anew(tmp_path: Path) -> None:
    original, tuned = models()
    whole = cross(original, tuned, PAIRS, out=tmp_path, **OPTIONS)
    manifest = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(manifest | {"status": "cancelled"}))
    with pytest.raises(InputError, match="status is 'cancelled'"):
        read_crossed(tmp_path)
    assert cross(original, tuned, PAIRS, out=tmp_path, **OPTIONS).changes() == whole.changes()
    assert read_crossed(tmp_path).changes() == whole.changes()


def test_the_same_checkpoint_twice_has_no_change_in_any_estimate() -> None:
    original = models()[0]
    found = cross(original, mediate.load(tiny.plain_model("llama"), tokenizer=tiny.tokenizer()), PAIRS, **OPTIONS)
    changes = found.changes()
    assert all(changes[name].value == 0 for name in ("total", "state", "rest", "interaction", "question", "readers"))
    assert not found.shares()["state"].defined
    assert all((each.values == 0).all() for each in found.maps)


def test_exchanged_checkpoints_change_signs() -> None:
    one, other = (cross(*both, PAIRS, maps=(), **OPTIONS).crossing().y for both in (models(), models()[::-1]))
    np.testing.assert_array_equal(one, other[:, ::-1, ::-1, ::-1])


@pytest.mark.parametrize("writer", ["original", "tuned"])
def test_missing_chains_are_written_by_one_and_read_by_both(writer: str) -> None:
    both = models()
    bare = [replace(each, base=replace(each.base, cot=None), source=replace(each.source, cot=None)) for each in PAIRS]
    choices = {"max_new_tokens": 24, "stop": ("8", "2"), "on_bad_item": "skip", "maps": (), **OPTIONS}
    found = cross(*both, bare, writer=writer, **choices)
    wrote = both[writer == "tuned"]
    other = cross(wrote, wrote, bare, **choices)
    assert found.manifest["spec"]["writer"] == writer
    assert [each.code for each in found.rejects] == [each.code for each in other.rejects]
    assert found.crossing().items
    # The writer's own corner is what it says of its own chains.
    place = int(writer == "tuned")
    np.testing.assert_array_equal(found.crossing().y[:, place, place, place], other.crossing().y[:, 0, 0, 0])


def test_chains_of_a_stored_run_are_read_by_both(tmp_path: Path) -> None:
    original, tuned = models()
    bare = [replace(each, base=replace(each.base, cot=None), source=replace(each.source, cot=None)) for each in PAIRS]
    choices = {"max_new_tokens": 24, "on_bad_item": "skip", "stop": ("8", "2"), "maps": ()}
    mediate.score(original, bare, out=tmp_path / "stored", control_pairs=0, **choices, **OPTIONS)
    written = cross(original, tuned, bare, **choices, **OPTIONS)
    stored = cross(original, tuned, bare, chains=tmp_path / "stored", **choices, **OPTIONS)
    assert stored.crossing().items
    assert set(stored.crossing().items) <= set(written.crossing().items)
    rows = [written.crossing().items.index(item) for item in stored.crossing().items]
    np.testing.assert_array_equal(stored.crossing().y, written.crossing().y[rows])
    assert stored.manifest["spec"]["chains"]["fingerprint"] == original.facts.fingerprint


def test_pairs_that_the_other_checkpoint_cannot_take_are_left_out_and_counted() -> None:
    original, tuned = models()
    short = replace(tuned, facts=replace(tuned.facts, context=20))
    with pytest.raises(ItemError, match="the context of"):
        cross(original, short, PAIRS, **OPTIONS)
    found = cross(original, short, PAIRS, on_bad_item="skip", **OPTIONS)
    assert found.manifest["counts"]["by_reason"] == {"too_long": 3}
    assert found.crossing().items == ()
    assert found.changes()["total"].reason == "no items"


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"worlds": ("left",)}, "worlds left; give base, source or both"),
        ({"worlds": ()}, "worlds none"),
        ({"writer": "me"}, "writer 'me'"),
        ({"keep": ["z"]}, "option 'keep' has no meaning"),
        ({"colour": 1}, "no option 'colour'"),
        ({"maps": ["knockout:step"]}, "between checkpoints there are"),
    ],
)
def test_choices_that_make_no_sense_are_refused(choices: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_cross_spec(**choices)


def test_what_is_no_set_of_pairs_is_refused() -> None:
    original, tuned = models()
    with pytest.raises(InputError, match="no pairs"):
        cross(original, tuned, [], **OPTIONS)
    with pytest.raises(ItemError, match="more than once"):
        cross(original, tuned, [PAIRS[0]] * 2, **OPTIONS)


def test_the_command_writes_tables_and_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, plain in (("before", tiny.plain_model("llama")), ("after", plain_tuned())):
        copy.deepcopy(plain).save_pretrained(tmp_path / name)
        tiny.tokenizer().save_pretrained(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    mediate.write_pairs("pairs.jsonl", PAIRS)
    app = typer.Typer()
    app.command(cls=FromSpec)(command)
    arguments = ["pairs.jsonl", "--model", "before", "--tuned", "after", "--out", "run", "--map", "read:step,layer"]
    done = CliRunner().invoke(app, [*arguments, "--device", "cpu"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "3 of 3 pairs" in done.output
    assert "CoT state, into the original" in done.output
    assert done.output.strip().endswith("run: run\nreport: run/report.html")
    assert {each.name for each in (tmp_path / "run" / "figures").glob("*.png")} == {
        "crossing.png",  # answers are one token, so log-probabilities say the same again
        *(f"cross_read_{view}.png" for view in ("into_original", "into_tuned", "mean", "interaction")),
    }
    found = read_crossed(tmp_path / "run")
    here = cross(*models(), PAIRS, **OPTIONS)
    np.testing.assert_allclose(found.crossing().y, here.crossing().y, atol=1e-5)
    with pytest.raises(InputError, match="holds another run"):
        CliRunner().invoke(app, [*arguments, "--seed", "1", "--device", "cpu"], catch_exceptions=False)


def test_the_command_loads_both_models_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def load(model: str, **choices: object) -> None:
        asked.append(choices["dtype"])
        if len(asked) == 2:
            raise InputError("no model here")

    for name in ("before", "after"):
        copy.deepcopy(tiny.plain_model("llama")).save_pretrained(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mediate.api.load", load)
    mediate.write_pairs("pairs.jsonl", PAIRS)
    app = typer.Typer()
    app.command(cls=FromSpec)(command)
    arguments = ["pairs.jsonl", "--model", "before", "--tuned", "after", "--out", "run"]
    with pytest.raises(InputError, match="no model here"):
        CliRunner().invoke(app, [*arguments, "--dtype", "float64"], catch_exceptions=False)
    assert asked == ["float64"] * 2


def test_a_cancelled_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, tuned = models()
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    real, calls = crossing_module.run_crossed, []

    def interrupted(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    choices = {"maps": ["read:step,layer", "state.z:layer,head"], "worlds": ("base", "source"), "progress": False}
    monkeypatch.setattr(crossing_module, "run_crossed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cross(original, tuned, PAIRS, out=tmp_path / "run", **choices)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "cancelled"
    found = cross(original, tuned, PAIRS, out=tmp_path / "run", **choices)
    assert len(calls) == 3 + 1 + 3, "the three that were done are not computed again"
    whole = cross(original, tuned, PAIRS, store=False, **choices)
    for one, other in zip(found.crossings, whole.crossings, strict=True):
        np.testing.assert_array_equal(one.y, other.y)
        assert (one.items, one.worlds, one.groups) == (other.items, other.worlds, other.groups)
    for one, other in zip(found.maps, whole.maps, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        assert replace(one, values=other.values) == replace(other, values=other.values)
    renamed = [replace(pair, id=f"new {pair.id}", group="h") for pair in PAIRS]
    again = cross(original, tuned, renamed, **choices)
    assert len(calls) == 13, "another name is no other pair"
    assert {each.item for each in again.maps} == {"new a", "new b", "new c"}
    assert set(again.crossing().groups) == {"h"}
    cross(tuned, original, PAIRS, **choices)
    assert len(calls) == 19, "the other way round is another measurement"
    same = cross(original, original, PAIRS, **choices)
    assert len(calls) == 25, "another tuned checkpoint is another measurement"
    assert same.changes()["total"].value == 0
