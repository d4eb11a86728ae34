"""`mediate.prepare`: one item, and every method that is documented, against the functions that it stands for."""

from functools import cache
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

import mediate
from mediate.errors import InputError, ItemError
from mediate.mediation.kinds.ablation import ablation_effects
from mediate.mediation.kinds.controls import OF_PAIRS
from mediate.mediation.kinds.paths import Receiver
from mediate.mediation.outcomes import Outcome
from mediate.mediation.prepared_item import PreparedItem
from mediate.mediation.prepared_pair import PreparedPair
from mediate.models.sites import Component
from mediate.pairs.pair import Item, Pair, World
from mediate.passes.interventions import Reference
from mediate.results.controls import Control
from mediate.scoring.spec import make_spec


@cache
def model():
    return mediate.load("reference-0.1m", device="cpu")


@cache
def pairs() -> tuple[Pair, ...]:
    return tuple(mediate.modular_pairs(3))


@cache
def item(number: int = 0) -> PreparedPair:
    return mediate.prepare(model(), pairs()[number], store=False)


def steps() -> int:
    return len(item().tokens.traces[World.BASE].step_spans)


def test_its_cube_is_that_of_a_run() -> None:
    run = mediate.score(model(), pairs()[:1], control_pairs=0, store=False, progress=False).results
    for place, cube in enumerate(run.cubes):
        np.testing.assert_array_equal(item().y[place], cube.y[0])
    np.testing.assert_array_equal(item().before_answer()[0], run.cut[0].y[0])
    # Another way through the model, side by side: the same but for rounding.
    np.testing.assert_allclose(item().map("read:step,layer").values, run.maps[0].values, atol=1e-4)
    assert item().te == run.maps[0].te


@pytest.mark.parametrize(
    "name",
    [
        "read:layer,kv_head",
        "state.z:layer,head",
        "relayed:step,layer",
        "knockout:step",
        "attribution.resid_pre.ig:step,layer",
    ],
)
def test_every_kind_of_map(name: str) -> None:
    found = item().map(name)
    assert f"{found.kind}:{','.join(found.dims)}" == name
    assert np.isfinite(found.values).all()
    assert found.item == item().id


def test_reads_through_some_readers_and_through_all() -> None:
    np.testing.assert_allclose(item().reads()[0], item().map("read:step").values, atol=1e-4)
    some = item().reads(readers=[0])
    assert some.shape == (len(item().outcomes), steps())
    assert not np.array_equal(some, item().reads())


def test_knockout_and_deletion() -> None:
    np.testing.assert_allclose(item().knockout()[0], item().map("knockout:step").values, atol=1e-4)
    assert not np.array_equal(item().knockout(renormalised=False), item().knockout())
    assert np.isfinite(item().deletion()).all()


def test_each_reader_alone_and_knockouts_where_they_are_large() -> None:
    for reader, effects in enumerate(item().by_reader().swapaxes(0, 1)):
        np.testing.assert_allclose(effects, item().knockout(readers=[reader]), atol=1e-4)
    exact, adaptive = item().map("knockout:position,layer").values, item().adaptive_knockouts().map.values
    known = np.isfinite(adaptive)
    assert known.any()
    np.testing.assert_allclose(adaptive[known], exact[known], atol=1e-3)


def test_ablation_by_name_is_that_of_the_function() -> None:
    components, cells = [Component.RESID_PRE], item().cells("step,layer")
    found = item().ablation(["resid_pre"], "zero", cells)
    wanted = ablation_effects(model(), item().tokens, components, cells, item().outcomes, Reference.ZERO)
    np.testing.assert_array_equal(found.effects, wanted.effects)
    assert (found.norm_ratio == 0).all()
    others = [item(1), item(2)]
    assert np.isfinite(item().ablation(["k", "v"], "resample", others=others).effects).all()


def test_direct_paths() -> None:
    senders = item().cells("step,layer")
    found = item().paths("resid_pre", senders, [Receiver(Component.V, (1,))])
    assert found.shape == (len(item().outcomes), len(senders))
    assert found.any()


def test_attribution_and_where_the_effects_are_large() -> None:
    found = item().attribution(["resid_pre", "z"])
    assert set(found) == {Component.RESID_PRE, Component.Z}
    exact = item().map("state.resid_pre:position,layer").values
    adaptive = item().adaptive_state_map("resid_pre")
    known = np.isfinite(adaptive.map.values)
    assert known.any()
    np.testing.assert_allclose(adaptive.map.values[known], exact[known], atol=1e-3)


def test_step_shapley_shares_out_the_text_effect() -> None:
    found, y = item().step_shapley(), item().y[0]
    np.testing.assert_allclose(found.values.sum(), y[1, 1, 1] - y[1, 0, 0], atol=1e-3)


def test_lens_and_direct_logits() -> None:
    assert item().lens().kind != item().lens(World.SOURCE).kind
    assert item().lens(readers=True).values.shape != item().lens().values.shape
    assert item().direct_logits(heads=True).heads is not None


def test_controls() -> None:
    found = {each.control: each for each in item().controls([item(1), item(2)])}
    assert list(found) == list(OF_PAIRS)
    assert found[Control.SELF_SOURCE].effect == pytest.approx(0, abs=1e-3)


def test_the_example_of_its_docstring_runs() -> None:
    examples = str(mediate.prepare.__doc__).split("```")[1::2]
    names = {"mediate": mediate, "loaded": model()}
    for example in examples:
        exec(dedent(example).replace('mediate.load("reference-0.1m")', "loaded"), names)
    assert isinstance(names["item"], PreparedPair)
    assert isinstance(names["alone"], PreparedItem)


def test_an_item_of_a_file_by_its_id(tmp_path: Path) -> None:
    mediate.write_pairs(tmp_path / "pairs.jsonl", pairs())
    found = mediate.prepare(model(), pairs()[1].id, pairs=tmp_path / "pairs.jsonl", store=False)
    assert found.tokens == item(1).tokens
    with pytest.raises(InputError, match="no item 'nobody' among 3 pairs; name them: pairs="):
        mediate.prepare(model(), "nobody", pairs=tmp_path / "pairs.jsonl")


def test_the_choices_of_a_run_are_its_own() -> None:
    spec = make_spec(outcomes=("logprob_diff",), seed=3, maps=("read:step", "knockout:step"))
    found = mediate.prepare(model(), pairs()[0], spec, store=False)
    assert found.outcomes == (Outcome.LOGPROB_DIFF,)
    assert [str(each) for each in found.maps] == ["read:step", "knockout:step"]
    assert found.y.shape == (1, 2, 2, 2)
    assert found.seed != item().seed


def test_what_cannot_be_measured_is_said_in_one_line() -> None:
    unknown = Pair("words", "g", Item("Tom has 3", "3", "3"), Item("Tom has 2", "2", "2"))
    with pytest.raises(ItemError, match="no token for 'Tom'"):
        mediate.prepare(model(), unknown, store=False)
    with pytest.raises(InputError, match="no reference value 'nothing'; there are "):
        item().ablation(["resid_pre"], "nothing")
