"""Controls: what must be 0 is, what must not be run is refused, and the rest is what it says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mediate.effects.controls import Control, Controlled, summarise
from mediate.errors import ItemError
from mediate.mediation import controls as room
from mediate.mediation.cells import Cell
from mediate.mediation.controls import (
    after_readers,
    chain_of_another,
    measure_controls,
    random_positions,
    random_weights_effect,
    self_source,
)
from mediate.mediation.cube import measure_cube, run_contexts
from mediate.mediation.outcomes import Outcome
from mediate.mediation.reads import read_effects
from mediate.models.blank import random_weights
from mediate.runs.forward import forward
from mediate.runs.selfcheck import checked
from tests import tiny
from tests.mediation.test_reads import BASE, LONGER, SOURCE, contexts

Y = Outcome.LOGIT_DIFF


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("outcome", list(Outcome))
def test_exact_controls_are_exactly_nothing(architecture: str, outcome: Outcome) -> None:
    model, cell = tiny.model(architecture), contexts(architecture)
    assert self_source(model, cell, outcome) == 0
    assert after_readers(model, cell.pair, outcome) == 0


def test_exact_controls_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were one written position off by a little, they would see it."""
    model, cell = tiny.model("llama"), contexts("llama")

    def leaking(model, ids, *, writes=None, **options):
        if writes is not None:
            writes = {
                site: value + 1e-4 * (torch.arange(value.shape[1]) == 9)[:, None, None]
                for site, value in writes.items()
            }
        return forward(model, ids, writes=writes, **options)

    monkeypatch.setattr(room, "forward", leaking)
    assert self_source(model, cell, Y) != 0
    assert after_readers(model, cell.pair, Y) != 0


def test_random_positions_are_matched_and_beside_them_stands_what_differs() -> None:
    model, cell = tiny.model("llama", "float64"), contexts("llama", dtype="float64")
    source, base = (trace.ids for trace in cell.pair.traces)
    differing = tuple(place for place in range(len(base)) if base[place] != source[place])
    found = random_positions(model, cell, Y, np.random.default_rng(3))
    layers = tuple(range(tiny.LAYERS))
    assert found["beside"] == pytest.approx(read_effects(model, cell, [Cell(differing, layers)], Y)[0], abs=1e-6)
    same = [place for place in range(len(base)) if place not in differing]
    rng = np.random.default_rng(3)
    draws: list[tuple[int, ...]] = []
    while len(draws) < 20:
        draw = tuple(sorted(rng.choice(same, len(differing), replace=False).tolist()))
        draws += [draw] if draw not in draws else []
    effects = read_effects(model, cell, [Cell(draw, layers) for draw in draws], Y)
    assert found["effect"] == pytest.approx(abs(effects).mean(), abs=1e-9)
    assert found["p"] == (1 + sum(abs(effects) >= abs(found["beside"]))) / 21
    assert (found["draws"], len(set(draws))) == (20, 20)
    assert 1 / 21 <= found["p"] <= 1


@pytest.mark.parametrize(
    ("base", "source", "why"),
    [
        (BASE, (SOURCE[0], BASE[1], "11"), "the same words"),
        (("Tom has 3 apples.", "3 3 3 + 9.", "12"), ("Tom has 2 apples.", "2 2 2 - 8.", "11"), "ways to draw"),
        (
            (BASE[0], "Tom buys 3 apples. Tom has 12.", "12"),
            (BASE[0], "Tom buys 3 apples. Tom has 11.", "11"),
            None,
        ),
        (
            (BASE[0], "Tom buys and gives apples 2", "12"),
            (BASE[0], "Tom buys and gives apples 3", "11"),
            "the same in both",
        ),
    ],
    ids=["no word differs", "most words differ", "some differ", "only the last differs, under one question"],
)
def test_vacuous_draws_are_refused(base, source, why: str | None) -> None:
    model, cell = tiny.model("llama"), contexts("llama", base, source)
    if why is None:
        found = random_positions(model, cell, Y, np.random.default_rng(0))
        assert np.isfinite(found["effect"])
        assert found["draws"] == 9, "one word differs and nine do not"
        return
    with pytest.raises(ItemError, match=rf"vacuous: .*{why}"):
        random_positions(model, cell, Y, np.random.default_rng(0))


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_chain_of_another_item_is_laid_after_the_base_question(architecture: str) -> None:
    """The pair's own base chain changes nothing; its own source chain gives TIE of the cube."""
    model = tiny.model(architecture, "float64")
    cell = contexts(architecture, LONGER if architecture != "gpt2" else BASE, dtype="float64")
    y = measure_cube(model, cell, [Y])[0]
    rng = np.random.default_rng(0)
    assert chain_of_another(model, cell, Y, y, [(cell.pair, 1)], rng) == pytest.approx(0, abs=1e-6)
    tie = float(y[1, 1, 1] - y[1, 0, 0])
    assert chain_of_another(model, cell, Y, y, [(cell.pair, 0)], rng) == pytest.approx(tie, abs=1e-5)
    assert abs(tie) > 1e-2


def test_every_control_is_run_or_refused_with_a_reason() -> None:
    model, cell = tiny.model("llama"), contexts("llama")
    blank = checked(random_weights(model))
    y = measure_cube(model, cell, [Y])[0]
    found = {each.control: each for each in measure_controls(model, cell, Y, y, random_model=blank, seed=1)}
    assert list(found) == list(Control)
    assert found[Control.SAME_ANSWER].reason == "no other item has the same answer; give more items"
    assert np.isnan(found[Control.SAME_ANSWER].effect)
    assert all(not each.reason for control, each in found.items() if control is not Control.SAME_ANSWER)
    assert found[Control.SHUFFLED_STEPS].beside == pytest.approx(y[1, 1, 1] - y[1, 0, 0])
    again = measure_controls(model, cell, Y, y, random_model=blank, seed=1)
    assert list(map(repr, again)) == list(map(repr, found.values()))
    one_step = contexts("llama", (BASE[0], "Tom has 3 apples.", "12"), (SOURCE[0], "Tom has 2 apples.", "11"))
    few = {each.control: each for each in measure_controls(model, one_step, Y, y)}
    assert "cannot be shuffled" in few[Control.SHUFFLED_STEPS].reason
    assert Control.RANDOM_WEIGHTS not in few


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_model_of_random_weights_is_another_of_the_same_shape(architecture: str) -> None:
    model = tiny.model(architecture)
    state = torch.get_rng_state()
    blanks = [checked(random_weights(model, seed)) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), state)
    prints = [each.facts.fingerprint for each in (model, *blanks)]
    assert prints[1] == prints[2]
    assert len(set(prints)) == 3
    assert replace(blanks[0].facts, fingerprint="", name="", source="") == replace(
        model.facts, fingerprint="", name="", source=""
    )
    cell = contexts(architecture)
    found = random_weights_effect(model, blanks[0], cell, Y)
    assert found["effect"] == pytest.approx(
        float(
            np.subtract(*[measure_cube(blanks[0], run_contexts(blanks[0], cell.pair), [Y])[0][w, w, w] for w in (1, 0)])
        ),
        abs=1e-7,
    )
    assert -1 <= found["rank"] <= 1
    # Against itself, the ranking is the same.
    assert random_weights_effect(model, model, cell, Y)["rank"] == pytest.approx(1)


def test_summaries_count_what_was_refused_and_judge_only_what_is_exact() -> None:
    def made(item: str, control: Control, effect: float, beside: float, **more) -> Controlled:
        return Controlled(item, item, control, "logit_diff", effect, beside, **more)

    found = [
        made("a", Control.SELF_SOURCE, 0.0, 2.0),
        made("b", Control.SELF_SOURCE, 0.0, -1.0),
        made("a", Control.AFTER_READERS, 0.0, 2.0),
        made("b", Control.AFTER_READERS, -1e-9, 1.0),
        made("a", Control.RANDOM_WEIGHTS, 0.5, 2.0, rank=0.5),
        made("b", Control.RANDOM_WEIGHTS, -0.1, 2.0),
        Controlled("a", "a", Control.SAME_ANSWER, "logit_diff", reason="no other"),
    ]
    made_of = {each.control: each for each in summarise(found)}
    assert list(made_of) == [Control.SELF_SOURCE, Control.AFTER_READERS, Control.SAME_ANSWER, Control.RANDOM_WEIGHTS]
    assert made_of[Control.SELF_SOURCE].held is True
    assert made_of[Control.SELF_SOURCE].beside.value == 1.5
    assert (made_of[Control.AFTER_READERS].held, made_of[Control.AFTER_READERS].largest) == (False, 1e-9)
    assert (made_of[Control.SAME_ANSWER].n, made_of[Control.SAME_ANSWER].refused) == (0, 1)
    assert made_of[Control.SAME_ANSWER].held is None
    blank = made_of[Control.RANDOM_WEIGHTS]
    assert (blank.held, blank.size.value, blank.rank.value, blank.rank.n) == (None, pytest.approx(0.3), 0.5, 1)
    with pytest.raises(ValueError, match="either an effect or a reason"):
        Controlled("a", "a", Control.SAME_ANSWER, "logit_diff")


def test_a_control_that_gives_no_number_is_refused_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    model, cell = tiny.model("llama"), contexts("llama")
    blank = checked(random_weights(model))
    next(iter(blank.plain.parameters())).data.fill_(float("nan"))
    found = measure_controls(model, cell, Y, measure_cube(model, cell, [Y])[0], random_model=blank)
    reasons = {each.control: each.reason for each in found}
    assert reasons[Control.RANDOM_WEIGHTS] == "the logits are NaN or infinite"
    assert not reasons[Control.SHUFFLED_STEPS]
