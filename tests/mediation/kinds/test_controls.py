"""Controls: what must be 0 is, what must not be run is refused, and the rest is what it says."""

import numpy as np
import pytest
import torch

from mediate.errors import ItemError
from mediate.mediation.cells import Cell
from mediate.mediation.kinds import controls as room
from mediate.mediation.kinds import exact_controls
from mediate.mediation.kinds.ablation import ablation_effects
from mediate.mediation.kinds.controls import OF_PAIRS, chain_of_another, measure_controls, random_positions, shuffled
from mediate.mediation.kinds.cube import measure_cube
from mediate.mediation.kinds.exact_controls import after_readers, rewritten, run_again, self_source
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.kinds.reference_value import Material
from mediate.mediation.kinds.swapping import swapped_past
from mediate.mediation.outcomes import USUAL, Outcome
from mediate.models.sites import Component
from mediate.passes.forward import forward
from mediate.passes.interventions import Reference
from mediate.results.controls import Control, Controlled, summarise
from tests import tiny
from tests.mediation.kinds.test_read import BASE, LONGER, SOURCE, contexts

Y = Outcome.LOGIT_DIFF


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("outcome", USUAL)
def test_exact_controls_are_exactly_nothing(architecture: str, outcome: Outcome) -> None:
    model, cell = tiny.model(architecture), contexts(architecture)
    assert self_source(model, cell, outcome) == 0
    assert after_readers(cell, rewritten(model, cell, outcome)) == 0


def test_exact_controls_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were one written position off by a little, they would see it."""
    model, cell = tiny.model("llama"), contexts("llama")

    def leaking(model, ids, *, writes=None, **options):
        if writes is not None:
            writes = {
                site: value + 1e-4 * (torch.arange(value.shape[1]) == 2)[:, None, None]
                for site, value in writes.items()
            }
        return forward(model, ids, writes=writes, **options)

    monkeypatch.setattr(exact_controls, "forward", leaking)
    assert self_source(model, cell, Y) != 0
    assert after_readers(cell, rewritten(model, cell, Y)) != 0


def test_a_swap_that_is_not_what_it_says_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and values swapped one token late are no longer those that were there."""
    model, cell = tiny.model("llama"), contexts("llama")

    def late(question, base, source, rows):
        past = swapped_past(question, base, source, rows)
        return past if rows[0] is None else [(keys.roll(1, dims=2), values) for keys, values in past]

    monkeypatch.setattr(exact_controls, "swapped_past", late)
    assert self_source(model, cell, Y) != 0


def test_long_chains_are_run_again_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model, cell = tiny.model("llama", "float64"), contexts("llama", dtype="float64")
    together = run_again(model, cell, Y, 5)
    monkeypatch.setattr(exact_controls, "side_by_side", lambda model: 1)
    apart = run_again(model, cell, Y, 5)
    assert apart.shuffled == pytest.approx(together.shuffled, abs=1e-10)
    assert torch.equal(apart.base[0].keys, apart.base[1].keys)
    assert torch.allclose(apart.base[0].values, together.base[0].values, atol=1e-10)


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
    y = measure_cube(model, cell, [Y])[0]
    found = {each.control: each for each in measure_controls(model, cell, Y, y, seed=1)}
    assert list(found) == list(OF_PAIRS)
    assert found[Control.SAME_ANSWER].reason == "no other item has the same answer; give more items"
    assert np.isnan(found[Control.SAME_ANSWER].effect)
    assert all(not each.reason for control, each in found.items() if control is not Control.SAME_ANSWER)
    assert found[Control.SHUFFLED_STEPS].beside == pytest.approx(y[1, 1, 1] - y[1, 0, 0])
    again = measure_controls(model, cell, Y, y, seed=1)
    assert list(map(repr, again)) == list(map(repr, found.values()))
    one_step = contexts("llama", (BASE[0], "Tom has 3 apples.", "12"), (SOURCE[0], "Tom has 2 apples.", "11"))
    few = {each.control: each for each in measure_controls(model, one_step, Y, y)}
    assert "cannot be shuffled" in few[Control.SHUFFLED_STEPS].reason


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
    monkeypatch.setattr(room, "chain_of_another", lambda *_: float("nan"))
    found = measure_controls(model, cell, Y, measure_cube(model, cell, [Y])[0])
    reasons = {each.control: each.reason for each in found}
    assert reasons[Control.SAME_ANSWER] == "the logits are NaN or infinite"
    assert not reasons[Control.SHUFFLED_STEPS]


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("outcome", USUAL)
def test_shuffled_steps_are_the_ablation_by_them(architecture: str, outcome: Outcome) -> None:
    model, cell = tiny.model(architecture), contexts(architecture)
    y = measure_cube(model, cell, [outcome])[0]
    whole = Cell(tuple(range(len(cell.pair.traces[1].ids))), tuple(range(tiny.LAYERS)))
    keys_values = [Component.K, Component.V]
    slow = ablation_effects(model, cell.pair, keys_values, [whole], [outcome], Reference.SHUFFLED, Material(seed=5))
    assert shuffled(cell, y, run_again(model, cell, outcome, 5)) == pytest.approx(float(slow.effects[0, 0]), abs=1e-4)
    assert abs(slow.effects[0, 0]) > 1e-2


@pytest.mark.parametrize("where", ["own", "after"], ids=["everywhere", "after the readers alone"])
def test_which_of_two_writes_did_something_is_told(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written together, they are told apart only where something changed."""
    model, cell, passes, clean = tiny.model("llama"), contexts("llama"), [], None

    def counting(model, ids, *, writes=None, **options):
        nonlocal clean
        passes.append(writes is not None)
        if writes is not None:
            end = ids.shape[1] - exact_controls.AFTERWARDS
            others = any(not torch.equal(each[:, end:], clean.kept[site][:, end:]) for site, each in writes.items())
            if where == "own" or others:
                there = (torch.arange(ids.shape[1]) == 2)[:, None, None]
                writes = {site: each + 1e-2 * there for site, each in writes.items()}
        run = forward(model, ids, writes=writes, **options)
        clean = run if writes is None else clean
        return run

    monkeypatch.setattr(exact_controls, "forward", counting)
    found = rewritten(model, cell, Y)
    assert passes == [False, True, True]
    assert found.after != 0
    assert (found.own != 0) == (where == "own")
    assert found.moved
