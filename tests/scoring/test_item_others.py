"""Items held against other items from the call to the run directory: measured, kept, told, controlled and refused."""

import json
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import mediate as md
from mediate.cli import app
from mediate.errors import InputError
from mediate.mediation.against_others import against_others
from mediate.mediation.contrasts.hidden import run_sights
from mediate.mediation.kinds.cube import run_all_contexts
from mediate.mediation.prepared_item import PreparedItem
from mediate.results.controls import Control
from mediate.results.cube import corners, total_effect
from mediate.scoring.given import check_against
from mediate.scoring.scored import others_of
from mediate.scoring.spec import make_spec


@pytest.fixture(scope="module")
def model() -> Any:
    return md.load("reference-0.1m")


def given(count: int = 4, **changes: Any) -> list[md.Item]:
    pairs = md.modular_pairs(count, steps=(2, 4))
    return [replace(pair.base, **{"id": pair.id, "group": pair.group} | changes) for pair in pairs]


def score(model: Any, items: Any, **options: Any) -> md.Scores:
    usual: dict[str, Any] = {"against": "other", "control_pairs": 0, "store": False, "progress": False}
    return md.score(model, items, **usual | options)


@pytest.fixture(scope="module")
def scored(model: Any, tmp_path_factory: pytest.TempPathFactory) -> md.Scores:
    folder = tmp_path_factory.mktemp("others") / "run"
    return score(model, given(), out=folder, others=2, control_pairs=2)


def test_the_cube_of_an_item_is_the_mean_over_its_others(scored: md.Scores) -> None:
    table = scored.table()
    assert set(table["contrast"]) == {"other"}
    assert list(table["outcome"]) == ["logit"] * 4 + ["logprob"] * 4
    cube = scored.results.cube("logit")
    for row, item in enumerate(cube.items):
        (own,) = (each for each in scored.results.others if (each.item, each.outcome) == (item, "logit"))
        assert len(own.others) == 2
        assert item not in own.others
        np.testing.assert_allclose(own.y.mean(axis=0), cube.y[row], rtol=0, atol=1e-12)
        assert np.ptp(total_effect(own.y)) > 0.01
    assert len(np.unique(cube.y[0])) == 8  # all cells differ, those with another's chain too
    assert len(scored.before_answer()) == 8


def test_a_run_opens_as_it_was_scored(scored: md.Scores) -> None:
    assert scored.folder is not None
    opened = md.open(scored.folder)
    assert isinstance(opened, md.Scores)
    assert repr(opened) == repr(scored)
    assert opened.others().equals(scored.others())
    assert opened.results.others[0].others == scored.results.others[0].others
    spec = opened.results.manifest["spec"]
    assert (spec["against"], spec["others"]) == ("other", 2)


def test_the_spread_is_in_the_table_on_the_page_and_in_the_terminal(scored: md.Scores, tmp_path: Path) -> None:
    table = scored.others()
    assert list(table["n_others"]) == [2] * 8
    own = scored.results.others[0]
    assert table["te_sd"][0] == pytest.approx(np.std(total_effect(own.y), ddof=1))
    assert table["mediated_share_sd"][0] == pytest.approx(np.std(corners(own.y).tie / corners(own.y).te, ddof=1))
    said = " ".join(repr(scored).split())
    assert "held against the 2 items of other groups with another answer that are nearest" in said
    assert "Standard deviation between the others of an item" in said
    assert "take the others of each as given: they do not hold this spread" in said
    page = scored.to_html(tmp_path / "page.html").read_text()
    assert page.count("take the others of each as given") == 2, "in the notes and under the table"
    assert "another item&#39;s question and chain stand in place of its own" in page.replace("'", "&#39;")
    assert "The other items" in page
    assert "source answer" not in page


def test_controls_hold(scored: md.Scores) -> None:
    found = scored.controls()
    exact = found[found["control"].isin([each.value for each in Control if each.exact])]
    assert set(exact["control"]) == {"hide_nothing", "hide_after", "self_other"}
    assert list(exact["effect"]) == [0.0] * 6
    te = found[found["control"] == "random_weights"]["beside"]
    assert set(te) <= set(total_effect(scored.results.cube().y))
    assert "self other: 0 nats" in repr(scored)


def test_stored_items_are_read_back_and_not_measured_again(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path))
    options: dict[str, Any] = {"control_pairs": 2, "store": True}
    hidden = score(model, given(3), against="hidden", **options)
    first = score(model, given(3), **options)
    assert not first.table().equals(hidden.table())

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr("mediate.mediation.contrasts.other.run_all_contexts", never)
    monkeypatch.setattr("mediate.mediation.contrasts.other_controls.prefill", never)
    again = score(model, given(3)[::-1], **options)
    key = ["item", "outcome"]
    assert again.table().sort_values(key, ignore_index=True).equals(first.table().sort_values(key, ignore_index=True))
    assert {each.item: each.others for each in again.results.others} == {
        each.item: each.others for each in first.results.others
    }
    order = ["item", "control"]
    assert (
        again.controls()
        .sort_values(order, ignore_index=True)
        .equals(first.controls().sort_values(order, ignore_index=True))
    )
    with pytest.raises(AssertionError, match="measured again"):  # with fewer others each is another number
        score(model, given(3), others=1, **options)


def test_against_as_many_other_others_an_item_is_measured_again(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path))
    options: dict[str, Any] = {"others": 1, "maps": (), "store": True}
    first = {each.item: each for each in score(model, given(4), **options).results.others if each.outcome == "logit"}
    item, (nearest,) = given(4)[0].id, first[given(4)[0].id].others
    rest = score(model, [each for each in given(4) if each.id != nearest], **options)
    own = next(each for each in rest.results.others if (each.item, each.outcome) == (item, "logit"))
    assert own.others != (nearest,)
    assert not np.allclose(own.y, first[item].y, rtol=0, atol=1e-3)


def test_what_goes_without_saying_is_the_same_run(model: Any, tmp_path: Path) -> None:
    assert "against" not in make_spec().described()
    assert make_spec(against="hidden").described() == make_spec(against="twin").described() == make_spec().described()
    out = tmp_path / "run"
    plain = md.score(model, given(2), out=out, control_pairs=0, maps=(), store=False, progress=False)
    asked = score(model, given(2), out=out, maps=(), against="hidden")
    assert asked.table().equals(plain.table())
    with pytest.raises(InputError, match=r"holds another run \(option 'against' is not given there and 'other' here"):
        score(model, given(2), out=out, maps=())


def test_an_item_held_against_others_has_the_numbers_of_a_run(model: Any, scored: md.Scores) -> None:
    spec = make_spec(on_bad_item="error")
    plain = [md.prepare(model, each, spec, store=False) for each in given()]
    item = against_others(model, plain, 2)[0]
    assert item.id == scored.results.items[0].id
    np.testing.assert_allclose(item.y, np.stack([each.y[0] for each in scored.results.cubes]), rtol=0, atol=1e-4)
    np.testing.assert_allclose(item.before_answer(), np.stack([c.y[0] for c in scored.results.cut]), rtol=0, atol=1e-4)
    assert item.te == pytest.approx(float(total_effect(scored.results.cube().y)[0]), abs=1e-4)
    assert item.controls()[-1].effect == 0
    assert item.controls()[-1].control is Control.SELF_OTHER
    seen = item.sights.seen.part(item.tokens.hidden[1], len(item.sights.seen))
    assert not item.sights.blind.values.equal(seen.values)  # what methods read that hide the question
    wanted = scored.results.maps[0]
    np.testing.assert_allclose(item.map("knockout:step,layer").values, wanted.values, rtol=0, atol=1e-4)


def test_outcomes_that_are_held_against_something(model: Any) -> None:
    found = score(model, given(3), outcomes=["logit", "margin", "kl", "same_answer"], maps=())
    assert [cube.outcome for cube in found.results.cubes] == ["logit", "margin", "kl", "same_answer"]
    kl = found.results.cube("kl")
    assert (kl.y[:, 1, 1, 1] == 0).all()
    assert (kl.y[:, 0, 0, 0] < 0).all()
    assert len(found.results.cube("margin").items) == 3


def test_an_item_without_others_is_left_out_and_counted(model: Any) -> None:
    items = given(4)
    items = [replace(each, group="one" if place < 3 else "two") for place, each in enumerate(items)]
    items[3] = replace(items[3], answer=items[0].answer)
    found = score(model, items, maps=())
    assert [(each.item, each.code) for each in found.rejects] == [(items[0].id, "no_other")]
    assert found.results.manifest["counts"]["by_reason"] == {"no_other": 1}
    said = " ".join(repr(found).split())
    assert "3 items of 3 had fewer, down to 1" in said
    assert "1 item had none and is left out" in said
    with pytest.raises(md.ItemError, match="no other item of another group has another answer"):
        score(model, items, maps=(), on_bad_item="error")


@pytest.mark.parametrize("alike", ["one item", "group", "answer"])
def test_a_set_without_others_is_refused_in_one_line(model: Any, alike: str) -> None:
    items = given(1) if alike == "one item" else given(3, **{alike: "7"})
    with pytest.raises(InputError, match=r"none of .* has another of another group and with another answer; give more"):
        score(model, items)


def test_what_cannot_be_held_against_what_is_asked_for_is_refused(model: Any) -> None:
    with pytest.raises(InputError, match=r"--against twin: items by themselves have no twin; make pairs of them"):
        score(model, given(2), against="twin")
    for against in (None, "hidden", "other"):
        check_against(against)
    with pytest.raises(InputError, match="against"):
        score(model, given(2), against="else")


@pytest.mark.parametrize("against", ["hidden", "other"])
def test_pairs_that_are_held_against_no_twin_are_their_bases(
    model: Any, against: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = [replace(pair, condition="a") for pair in md.modular_pairs(3, steps=(2, 3))]
    alone = [replace(pair.base, id=pair.id, group=pair.group, condition="a") for pair in pairs]
    found, wanted = (score(model, each, against=against, maps=(), progress=True) for each in (pairs, alone))
    assert f"3 pairs: their bases are measured, as items by themselves (--against {against})" in capsys.readouterr().err
    assert found.table().equals(wanted.table())
    assert set(found.table()["contrast"]) == {against}
    assert list(found.table()["group"][:3]) == [pair.group for pair in pairs]
    assert found.results.manifest["pairs"] == wanted.results.manifest["pairs"]
    assert {item.condition for item in found.results.items} == {"a"}


def test_a_pair_that_is_prepared_against_what_is_hidden_is_its_base(model: Any) -> None:
    (pair,) = md.modular_pairs(1)
    prepared = md.prepare(model, pair, make_spec(against="hidden"), store=False)
    assert isinstance(prepared, PreparedItem)
    assert (prepared.id, prepared.tokens.group, prepared.answer) == (pair.id, pair.group, pair.base.answer)


def test_runs_of_two_contrasts_are_not_compared(model: Any, scored: md.Scores) -> None:
    hidden = md.score(model, given(), control_pairs=0, maps=(), store=False, progress=False)
    with pytest.raises(InputError, match=r"the contrast is other in .* and hidden in .*, so their shares are"):
        md.compare([scored, hidden])


def test_prepared_alone_an_item_has_no_others(model: Any) -> None:
    with pytest.raises(InputError, match="none of 1 item has another"):
        md.prepare(model, given(1)[0], make_spec(against="other"), store=False)


def test_the_command_takes_against(tmp_path: Path) -> None:
    file, out = tmp_path / "items.jsonl", tmp_path / "run"
    rows = [{"id": each.id, "question": each.question, "answer": each.answer, "cot": each.cot} for each in given(3)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    call = ["score", str(file), "--model", "reference-0.1m", "--out", str(out), "--no-cache", "--no-report"]
    done = CliRunner().invoke(app, [*call, "--against", "other", "--others", "1", "--controls", "0", "--maps", "none"])
    assert done.exit_code == 0, done.output
    opened = md.open(out)
    assert isinstance(opened, md.Scores)
    assert {len(each.others) for each in opened.results.others} == {1}
    refused = CliRunner().invoke(app, [*call[:4], "--out", str(tmp_path / "none"), "--against", "twin"])
    assert isinstance(refused.exception, InputError)
    assert not (tmp_path / "none").exists()


def test_stored_numbers_are_of_these_others(model: Any) -> None:
    """As many other others are told apart by what the entry says; numbers of another shape would be anyhow."""
    first, *_ = against_others(model, [md.prepare(model, each, store=False) for each in given(3)], 2)
    some = (first.others, first.others[:1], first.others[1:], ())
    kept = [others_of(replace(first, others=others)) for others in some]
    assert len(first.others) == 2
    assert all(one != other for place, one in enumerate(kept) for other in kept[:place])
    assert kept[-1] == {}


@pytest.fixture
def sights_of(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Any]]:
    """What each run of an item with and without sight of its question found, as long as it is there."""
    made: list[weakref.ref[Any]] = []

    def kept(*given: Any) -> Any:
        assert not any(each() is not None for each in made), "kept longer than its item is measured"
        found = run_sights(*given)
        made.extend(weakref.ref(each.blind.keys) for each in found)
        return found

    monkeypatch.setattr("mediate.mediation.contrasts.other.run_sights", kept)
    return made


def test_an_item_is_run_with_its_question_hidden_once(model: Any, sights_of: list[Any]) -> None:
    score(model, given(3), maps=(), others=1, control_pairs=2)
    assert len(sights_of) == 3  # for controls and replacements together
    sights_of.clear()
    score(model, given(3), maps=(), others=1, replacements="none")
    assert not sights_of


def test_what_was_run_of_an_item_goes_before_the_next_is_run(
    model: Any, sights_of: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def others(*given: Any) -> Any:
        assert not any(each() is not None for each in sights_of)
        return run_all_contexts(*given)

    monkeypatch.setattr("mediate.scoring.batches.side_by_side", lambda _: 1)
    monkeypatch.setattr("mediate.mediation.contrasts.other.run_all_contexts", others)
    score(model, given(3), maps=(), others=1, control_pairs=2)
    assert len(sights_of) == 3


def test_a_stored_item_is_run_for_what_is_missing_alone(
    model: Any, tmp_path: Path, sights_of: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path))
    options: dict[str, Any] = {"maps": (), "others": 1, "store": True}
    score(model, given(3), replacements="none", **options)
    assert not sights_of

    def of_the_twin(of: Any, pairs: Any) -> Any:
        assert of is not model, "run among its others again"
        return run_all_contexts(of, pairs)

    monkeypatch.setattr("mediate.mediation.contrasts.other.run_all_contexts", of_the_twin)
    found = score(model, given(3), control_pairs=2, **options)
    assert len(found.controls()) == 2 * 6
    assert len(sights_of) == 3
