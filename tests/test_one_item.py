"""The calls that take one item: `attribute`, against the run that it is, and what `prepare` takes."""

from functools import cache
from textwrap import dedent

import numpy as np
import pytest

import mediate
from mediate import watch
from mediate.choices import fields_of
from mediate.errors import InputError, ItemError
from mediate.pairs.pair import Item
from mediate.report import ATTRIBUTED_MAPS, Attributed
from mediate.scoring.spec import ScoreSpec


@cache
def model():
    return mediate.load("reference-0.1m", device="cpu")


@cache
def given() -> Item:
    return mediate.modular_pairs(1)[0].base


@cache
def found() -> Attributed:
    return mediate.attribute(model(), given().question, given().cot, given().answer, store=False)


def test_it_is_a_run_of_one_item() -> None:
    item = Item(given().question, given().answer, given().cot, id="item")
    run = mediate.score(model(), [item], maps=ATTRIBUTED_MAPS, control_pairs=0, store=False, progress=False).results
    for ours, theirs in zip(found().results.cubes, run.cubes, strict=True):
        np.testing.assert_array_equal(ours.y, theirs.y)
    for ours, theirs in zip(found().results.maps, run.maps, strict=True):
        np.testing.assert_array_equal(ours.values, theirs.values)
    prepared = mediate.prepare(model(), item, store=False)
    np.testing.assert_allclose(found().map.values, prepared.map(ATTRIBUTED_MAPS[0]).values, atol=1e-6)
    np.testing.assert_allclose(found().numbers()["value"].iloc[0], prepared.te, atol=1e-6)


def test_what_is_left_out_is_the_models_own() -> None:
    own = mediate.attribute(model(), given().question, store=False).results.items[0].base
    assert own.written
    assert own.answer == own.said
    after = mediate.attribute(model(), given().question, given().cot, store=False).results.items[0].base
    assert not after.written
    assert after.answer == after.said


def test_it_takes_a_name_an_item_and_the_choices_of_a_run() -> None:
    named = mediate.attribute(
        "reference-0.1m", given(), outcomes=["prob"], maps=["knockout:layer,head"], store=False
    ).results
    assert [cube.outcome for cube in named.cubes] == ["prob"]
    assert [f"{each.kind}:{','.join(each.dims)}" for each in named.maps] == [*ATTRIBUTED_MAPS, "knockout:layer,head"]
    said = " ".join((mediate.attribute.__doc__ or "").split())
    assert all(f"{name}: {' '.join((field.description or '').split())}" in said for name, field in fields().items())


def fields() -> dict:
    return dict(fields_of(ScoreSpec))


def test_the_example_of_its_docstring_runs() -> None:
    names = {"mediate": mediate, "loaded": model()}
    example = dedent(str(mediate.attribute.__doc__).split("```")[1])
    exec(example.replace('"reference-0.1m"', "loaded").replace("found.plot()", "found.map"), names)
    assert isinstance(names["found"], Attributed)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("", "x", "3"), "the question is empty"),
        (("Tom has 3", "x", "3"), "no token for 'Tom'"),
        ((given, "4 + 9 = 3.", ""), "an item has its own chain and answer"),
        ((given, None, "3"), "an item has its own chain and answer"),
    ],
)
def test_what_cannot_be_measured_is_one_line(arguments: tuple, said: str) -> None:
    question, cot, answer = arguments
    with pytest.raises(InputError, match=said) as error:
        mediate.attribute(model(), question() if callable(question) else question, cot, answer, store=False)
    assert "\n" not in str(error.value)


def test_an_item_that_is_left_out_is_an_error_of_its_own() -> None:
    with pytest.raises(ItemError, match="did not end its CoT within 1 tokens"):
        mediate.attribute(model(), given().question, max_new_tokens=1, store=False)


def test_an_item_needs_no_id() -> None:
    prepared = mediate.prepare(model(), given(), store=False)
    assert prepared.id == "item"
    assert mediate.prepare(model(), Item(given().question, given().answer, given().cot, id="a")).id == "a"


def test_axes_that_a_kind_has_not_are_told_before_a_model_is_loaded() -> None:
    with pytest.raises(InputError, match="did you mean 'knockout:step,layer,head'"):
        mediate.attribute("no-such-model", given(), maps=["knockout:step,layer,kv_head"])


def test_it_says_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(watch, "MOMENT", 0.0)
    mediate.attribute(model(), given(), store=False)
    assert "measuring items: 1 of 1 (100 %)" in capsys.readouterr().err
    mediate.attribute(model(), given(), store=False, progress=False)
    assert capsys.readouterr().err == ""
