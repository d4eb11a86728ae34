"""Items by themselves from the call to the run directory: what is measured, kept, told, controlled and refused."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

import mediate as md
from mediate.mediation.kinds.knockout import knockout_effects
from mediate.mediation.one_answer import greedy_rival
from mediate.models.random_twin import random_twin
from mediate.pairs.response import bridge_states_answer
from mediate.results.controls import Control
from mediate.results.cube import corners
from mediate.scoring.given import check_set
from mediate.scoring.measured_answers import other_options
from mediate.traces.pieces import decode_after


@pytest.fixture(scope="module")
def model() -> Any:
    return md.load("reference-0.1m")


def given(count: int = 3, **changes: Any) -> list[md.Item]:
    pairs = md.modular_pairs(count, steps=(3, 4))
    return [replace(pair.base, id=pair.id, group=pair.group, **changes) for pair in pairs]


@pytest.fixture(scope="module")
def scored(model: Any, tmp_path_factory: pytest.TempPathFactory) -> md.Scores:
    folder = tmp_path_factory.mktemp("items") / "run"
    return md.score(model, given(), out=folder, control_pairs=2, store=False, progress=False)


def test_a_run_has_a_cube_a_map_and_a_cut_of_each_item(scored: md.Scores) -> None:
    table = scored.table()
    assert set(table["contrast"]) == {"hidden"}
    assert list(table["outcome"]) == ["logit"] * 3 + ["logprob"] * 3
    assert (table["y000"] == table["y001"]).all()
    assert (table["y100"] == table["y101"]).all()
    assert {(each.kind, each.dims, each.outcome) for each in scored.results.maps} == {
        ("knockout", ("step", "layer"), "logit")
    }
    assert len(scored.before_answer()) == 6
    assert not scored.rejects


def test_a_run_opens_as_it_was_scored(scored: md.Scores) -> None:
    assert scored.folder is not None
    opened = md.open(scored.folder)
    assert isinstance(opened, md.Scores)
    assert repr(opened) == repr(scored)
    assert opened.shares() == scored.shares()
    assert [each.source for each in opened.results.items] == [None] * 3


def test_hiding_the_whole_chain_is_what_is_lost_without_it(model: Any) -> None:
    item = md.prepare(model, given(1)[0], store=False)
    whole = item.cells("layer")
    everywhere = replace(whole[0], layers=tuple(range(model.facts.layers)))
    lost = knockout_effects(model, item.tokens, [everywhere], item.outcomes)[:, 0]
    np.testing.assert_allclose(lost, corners(item.y).tie, rtol=0, atol=1e-4)
    assert abs(lost).min() > 0.1


def test_controls_hold(scored: md.Scores) -> None:
    found = scored.controls()
    exact = found[found["control"].isin([Control.HIDE_NOTHING.value, Control.HIDE_AFTER.value])]
    assert list(exact["effect"]) == [0.0] * 4
    assert set(found["control"]) == {
        *("hide_nothing", "hide_after", "random_hidden", "shuffled_steps", "random_weights"),
    }
    ranks = found.loc[found["control"] == "random_weights", "rank"]
    assert (ranks.abs() <= 1).all()
    drawn = found[found["control"] == "random_hidden"]
    assert (drawn["draws"] > 4).all()
    assert np.isfinite(drawn["effect"]).all()


def test_knockouts_are_ranked_against_those_of_random_weights(model: Any, scored: md.Scores) -> None:
    ranks = scored.controls().query("control == 'random_weights'").set_index("item")["rank"]
    maps = {each.item: each.values for each in scored.results.maps}
    with random_twin(model, 0) as twin:
        for item, rank in ranks.items():
            own = next(each for each in given() if each.id == item)
            prepared = replace(md.prepare(model, own, store=False), model=twin)
            there = prepared.map("knockout:step,layer").values
            assert rank == pytest.approx(spearmanr(maps[item].ravel(), there.ravel()).statistic, abs=1e-6)
    without = md.score(model, given(1), maps=["knockout:step"], control_pairs=1, store=False, progress=False)
    assert without.controls().query("control == 'random_weights'")["rank"].isna().all()


def test_stored_items_are_read_back_and_not_measured_again(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path))
    first = md.score(model, given(2), control_pairs=1, progress=False)

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr("mediate.mediation.procedures.run_sights", never)
    monkeypatch.setattr("mediate.mediation.prepared_item.run_sights", never)
    again = md.score(model, given(2), control_pairs=1, progress=False)
    assert again.table().equals(first.table())
    assert again.controls().equals(first.controls())


def test_chains_and_answers_are_written_where_none_are_given(model: Any) -> None:
    found = md.score(
        model, given(2, cot=None, answer=""), control_pairs=0, store=False, progress=False, max_new_tokens=80
    )
    for item in found.results.items:
        assert item.base.written
        assert item.base.answer == item.base.said
        assert item.base.answer


def test_the_page_and_the_terminal_speak_of_what_is_hidden(scored: md.Scores, tmp_path: Path) -> None:
    page = scored.to_html(tmp_path / "page.html").read_text()
    assert "can see neither question nor chain" in page
    assert "source answer" not in page
    assert "must be 0: it is" in repr(scored)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"outcomes": ["logit_diff", "logit"]}, "outcome logit_diff is of two answers; an item by itself has one"),
        ({"maps": ["read:step,layer"]}, "map 'read:step,layer' puts a twin's activations in place"),
    ],
)
def test_what_items_cannot_have_is_refused(model: Any, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(md.InputError, match=told):
        md.score(model, given(1), store=False, progress=False, **changes)


def test_pairs_have_no_outcome_of_one_answer(model: Any) -> None:
    with pytest.raises(md.InputError, match="outcome logit is of one answer; a pair has two"):
        md.score(model, md.modular_pairs(1), store=False, progress=False, outcomes=["logit"])


def test_pairs_and_items_are_not_mixed(model: Any) -> None:
    with pytest.raises(md.InputError, match="pairs and items by themselves in one run"):
        md.score(model, [*given(1), *md.modular_pairs(1)], store=False, progress=False)  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"question": "What"}, "unknown_words"),
        ({"question": "3"}, "cannot_hide"),
        ({"options": ("01", "02")}, "answer_no_option"),
        ({"cot": "7 plus 8 is 05 ."}, "unknown_words"),
    ],
)
def test_a_bad_item_is_left_out_with_its_reason(model: Any, changes: dict[str, Any], code: str) -> None:
    good, bad = given(2)
    found = md.score(
        model, [good, replace(bad, **changes)], on_bad_item="skip", control_pairs=0, store=False, progress=False
    )
    assert [each.code for each in found.rejects] == [code]
    assert found.rejects[0].item == bad.id
    with pytest.raises(md.ItemError, match=bad.id):
        md.score(model, [good, replace(bad, **changes)], control_pairs=0, store=False, progress=False)


def test_what_a_length_limit_cut_off_is_left_out_as_what_a_model_wrote(model: Any) -> None:
    good, bad = given(2)
    both = [good, replace(bad, finished=False, place="log.jsonl:2")]
    found = md.score(model, both, maps=[], control_pairs=0, store=False, progress=False)
    assert [(each.item, each.code, each.place) for each in found.rejects] == [(bad.id, "unfinished", "log.jsonl:2")]
    assert found.results.manifest["counts"]["responses"]["unfinished"] == 1
    with pytest.raises(md.ItemError, match=r"log\.jsonl:2: .*cut off by a length limit"):
        md.score(model, both, on_bad_item="error", control_pairs=0, store=False, progress=False)


def test_every_bad_row_is_looked_at_and_not_the_first_alone() -> None:
    unread = [md.ItemError("a", "wrote no answer", written=True), md.ItemError("b", "has no question")]
    with pytest.raises(md.ItemError, match="has no question"):
        check_set(given(1), unread, md.ScoreSpec())
    check_set(given(1), unread[:1], md.ScoreSpec())
    check_set(given(1), unread, md.ScoreSpec(on_bad_item="skip"))


def test_runs_of_two_contrasts_are_not_compared(scored: md.Scores, model: Any, tmp_path: Path) -> None:
    twins = md.score(model, md.modular_pairs(3, steps=(3, 4)), control_pairs=0, store=False, progress=False)
    with pytest.raises(md.InputError, match=r"the contrast is hidden in .* and twin in "):
        md.compare([scored, twins], allow_mixed=True)


def test_an_outcome_without_a_rival_is_left_out_of_that_outcome_alone(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = "mediate.mediation.contrasts.hidden"
    monkeypatch.setattr(f"{room}.greedy_rival", partial(_rival_but_of_one, iter(range(99))))
    found = md.score(
        model, given(3), outcomes=["logit", "margin"], maps=[], control_pairs=0, store=False, progress=False
    )
    logit, margin = found.results.cubes
    assert (len(logit.items), len(margin.items)) == (3, 2)
    told = [each for each in found.rejects if each.part == "margin"]
    assert [each.code for each in told] == ["no_rival"]
    assert {*margin.items, told[0].item} == set(logit.items)


def _rival_but_of_one(calls: Iterator[int], tokens: Any, logits: Any) -> tuple[int, ...]:
    return () if next(calls) == 0 else greedy_rival(tokens, logits)


@pytest.mark.parametrize(("bridge", "kept"), [("the answer is 8 . the answer is ", False), ("the answer is ", True)])
def test_a_bridge_that_states_the_answer_gives_way_to_the_cue(model: Any, bridge: str, kept: bool) -> None:
    item = replace(given(1)[0], answer="8", closed="\n", bridge=bridge)
    cue = md.prepare(model, item, store=False).tokens.readers.cue
    said = decode_after(model.need_tokenizer(), cue)
    assert ("8" in said, said.count("answer")) == (False, 1)
    assert bridge_states_answer(item) is not kept


def test_what_a_logged_response_states_is_the_models_own_answer(model: Any) -> None:
    item = replace(given(1)[0], answer="", stated="3")
    found = md.prepare(model, item, store=False)
    assert (found.answer, found.said) == ("3", None)


def test_an_option_that_begins_with_all_of_the_answer_is_no_rival(model: Any) -> None:
    item = replace(given(1)[0], options=("8 3", "8"), answer="8")
    found = md.prepare(model, item, md.ScoreSpec(outcomes=("margin", "logit"), maps=()), store=False)
    assert np.isnan(found.y[0]).all()
    apart = replace(item, options=("8 3", "8", "5"))
    assert np.isfinite(md.prepare(model, apart, md.ScoreSpec(outcomes=("margin",), maps=()), store=False).y).all()


def told_of(model: Any, items: list[md.Item], **choices: Any) -> md.Scores:
    choices = {"maps": [], "control_pairs": 0, "store": False, "progress": False} | choices
    return md.score(model, items, **choices)


def test_own_is_what_the_model_says_right_or_wrong_and_given_what_is_given(model: Any, tmp_path: Path) -> None:
    right, wrong, none = given(3)
    asked = md.prepare(model, replace(right, answer=""), store=False)
    assert asked.said
    right = replace(right, answer=asked.said.split()[0])
    items = [right, replace(wrong, stated="3", answer="8"), replace(none, answer="")]
    own = told_of(model, items, answer="own", out=tmp_path / "own")
    first, second, third = (item.base for item in own.results.items)
    assert (first.answer, first.given) == (asked.said, right.answer)
    assert (second.answer, second.given, second.said) == ("3", "8", None)
    assert (third.answer, third.given) == (third.said, None)
    answers = own.results.manifest["counts"]["responses"]["answers"]
    assert answers == {"given": 0, "stated_otherwise": 0, "own": 3, "own_right": 1, "own_wrong": 1}
    assert md.open(tmp_path / "own").results.items == own.results.items  # type: ignore[union-attr]
    usual = told_of(model, items)
    assert [item.base.answer for item in usual.results.items] == [right.answer, "8", third.said]
    answers = usual.results.manifest["counts"]["responses"]["answers"]
    assert answers == {"given": 2, "stated_otherwise": 1, "own": 1, "own_right": 0, "own_wrong": 0}
    assert usual.results.items[1].base.stated == "3"
    assert "In 1 item the response states another answer than the given one" in " ".join(repr(usual).split())
    assert "8 (response: 3)" in usual.to_html(tmp_path / "page.html").read_text()
    with pytest.raises(md.InputError, match=r"the measured answer is 'given' in .* and 'own' in "):
        md.compare([own, usual])
    y, of_given = (each.results.cube().y[1] for each in (own, usual))
    direct = told_of(model, [replace(items[1], answer="3")]).results.cube().y[0]
    np.testing.assert_allclose(y, direct, rtol=0, atol=1e-5)
    assert abs(y - of_given).max() > 0.01


def test_the_measured_answer_is_the_one_that_is_checked(model: Any) -> None:
    item = replace(given(1)[0], answer="8", stated="eight")
    assert md.prepare(model, item, store=False).answer == "8"
    with pytest.raises(md.ItemError, match=r"no token for .* of the answer"):
        md.prepare(model, item, md.ScoreSpec(answer="own"), store=False)
    assert md.prepare(model, replace(item, answer="eight", stated="8"), md.ScoreSpec(answer="own")).answer == "8"


def test_options_that_the_models_own_words_choose_are_no_rivals(model: Any) -> None:
    assert other_options(md.Item("q", options=("A", "B")), "B) 4 apples") == ("A",)
    assert other_options(md.Item("q", options=("3", "4")), "4 apples.") == ("3",)
    assert other_options(md.Item("q", "5", options=("4", "5.0")), "5") == ("4",)


BRIDGES = ("Start ", "8 Start ", "")


@pytest.mark.parametrize(
    ("bridge", "kept"), [("auto", (True, False, False)), ("keep", (True, True, False)), ("cue", (False, False, False))]
)
def test_a_bridge_is_kept_or_the_cue_put_in_its_place(model: Any, bridge: Any, kept: tuple[bool, ...]) -> None:
    items = [
        replace(item, answer="8", closed="\n", bridge=each, stated="8")
        for item, each in zip(given(3), BRIDGES, strict=True)
    ]
    spec = md.ScoreSpec(bridge=bridge)
    for item, keeps in zip(items, kept, strict=True):
        said = decode_after(model.need_tokenizer(), md.prepare(model, item, spec, store=False).tokens.readers.cue)
        assert ("Start" in said, "answer" in said) == (keeps, not keeps)
    found = told_of(model, items, bridge=bridge)
    counts = found.results.manifest["counts"]
    expected = {
        "auto": {"kept": 1, "stating": 1}, "keep": {"kept": 1, "kept_stating": 1}, "cue": {"replaced": 2},
    }[bridge]  # fmt: skip
    assert {name: count for name, count in counts["responses"]["bridges"].items() if count} == expected
    stating = [(items[1].id, "bridge_states_answer", "bridge")] if bridge == "auto" else []
    assert [(each.item, each.code, each.part) for each in found.rejects] == stating
    assert (counts["rejected"], counts["maps_left_out"]) == (0, 0)


def test_whose_answers_were_measured_is_told(model: Any, tmp_path: Path) -> None:
    one, two, three = (replace(item, answer="8", closed="\n", stated="8") for item in given(3))
    items = [replace(one, stated="3"), replace(two, bridge=BRIDGES[1]), replace(three, finished=False)]
    found = told_of(model, items, answer="own")
    said = " ".join(repr(found).split())
    assert "The measured answer is the model's own in 2 of 2 items (1 right and 1 wrong by a given one)." in said
    assert "in 1 it states the answer, so the answer cue stands in its place" in said
    assert "Left out, and neither right nor wrong: in 1 a length limit cut the response off" in said
    page = found.to_html(tmp_path / "page.html").read_text()
    assert "Answers and responses" in page
    assert "3 (given: 8)" in page
    assert "2 items measured, 1 left out.</p>" in page


def test_how_many_items_had_no_given_answer_is_told_where_others_had_one(model: Any, tmp_path: Path) -> None:
    one, *others = (replace(item, answer="8", closed="\n", stated="8") for item in given(3))
    note = "In 1 of 3 items no answer was given: the model's own is measured there."
    for answer in ("given", "own"):
        found = told_of(model, [replace(one, answer=""), *others], answer=answer)
        said = " ".join(repr(found).split())
        assert said.count(note) == 1
        assert ("The measured answer is the model's own in" in said) == (answer == "own")
        assert note.partition(":")[0] in found.to_html(tmp_path / f"{answer}.html").read_text()
    for items in ([one, *others], [replace(each, answer="") for each in (one, *others)]):
        assert "no answer was given" not in " ".join(repr(told_of(model, items)).split())


def test_pairs_have_neither_own_answers_nor_bridges(model: Any) -> None:
    for choices, said in (({"answer": "own"}, "--answer own is of items"), ({"bridge": "keep"}, "--bridge keep is of")):
        with pytest.raises(md.InputError, match=said):
            md.score(model, md.modular_pairs(1), store=False, progress=False, **choices)


def test_a_run_of_before_these_choices_is_the_same_run(model: Any, tmp_path: Path) -> None:
    first = told_of(model, given(1), out=tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    for name in ("answer", "bridge"):
        assert manifest["spec"].pop(name)
    (tmp_path / "run" / "run.json").write_text(json.dumps(manifest))
    assert told_of(model, given(1), out=tmp_path / "run").table().equals(first.table())
    with pytest.raises(md.InputError, match=r"option 'answer' is 'given' there and 'own' here"):
        told_of(model, given(1), out=tmp_path / "run", answer="own")


def test_kept_responses_of_other_tokens_than_in_one_go_are_counted(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [
        replace(item, answer="8", closed="\n", bridge=each, stated="8")
        for item, each in zip(given(2), BRIDGES[:2], strict=True)
    ]
    assert told_of(model, items).results.manifest["counts"]["responses"]["tokenised_apart"] == 0
    monkeypatch.setattr("mediate.scoring.telling.tokenised_apart", lambda *_: True)
    found = told_of(model, items)
    assert found.results.manifest["counts"]["responses"]["tokenised_apart"] == 1, "the other one's bridge is not kept"
    said = " ".join(repr(found).split())
    assert "In 1 item the tokens of the response are others than of its text tokenised in one go" in said
