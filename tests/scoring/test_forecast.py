"""What a run will cost, said before it."""

import re
from dataclasses import replace

import pytest

from mediate.errors import InputError
from mediate.mediation import branching
from mediate.mediation.cells import cells_of
from mediate.mediation.costs import block_weights, cost_of_map, side_by_side_cost
from mediate.mediation.kinds import attribution, state
from mediate.mediation.kinds.kind import kind_of
from mediate.mediation.maps import measure_map, parse_map
from mediate.mediation.outcomes import Outcome
from mediate.pairs.pair import Item, Pair
from mediate.passes.sweeps.pace import Pace
from mediate.scoring.forecast import duration, forecast
from mediate.scoring.spec import make_spec
from tests import tiny
from tests.mediation.kinds.test_read import BASE, SOURCE, contexts

PACE = Pace(token_layer=2.0, block=100.0, tokens=64)
MAPS = (
    "read:step,layer",
    "state.resid_pre:position,layer",
    "state.z:layer,head",
    "relayed:step",
    "knockout:step,layer",
    "attribution.v:step,layer",
    "attribution.q.qkfix:layer,head",
    "attribution.z.graddrop:layer",
    "step_graph.read:step,result",
    "step_graph.state:step,result",
)


def pairs() -> list[Pair]:
    return [Pair("a", "g", *(Item(question, answer, cot) for question, cot, answer in (BASE, SOURCE)))]


@pytest.mark.parametrize("name", MAPS)
def test_every_map_has_a_cost(name: str) -> None:
    model, pair = tiny.model("llama"), contexts("llama").pair
    cost = cost_of_map(model, pair, parse_map(name), PACE)
    if not name.startswith("step_graph"):
        spec = parse_map(name)
        assert cost.cells == len(cells_of(model, pair, spec.axes, component=spec.component)[0])
    assert cost.cells > 0
    assert cost.operations > 0
    assert cost.memory > 0
    # Seconds are those of its operations, and of the blocks that are begun.
    assert cost.seconds >= PACE.token_layer * cost.operations / (2 * block_weights(model))


def test_a_state_map_is_counted_cell_by_cell() -> None:
    """A cell a layer, and all at once: rows of what is left of the sequence, through the layers that are left."""
    model, pair = tiny.model("llama"), contexts("llama").pair
    cost = cost_of_map(model, pair, parse_map("state.resid_pre:layer"), PACE)
    start, end = len(pair.questions[1]), len(pair.context(1, 1)) + len(pair.readers.cue) + pair.readers.shared
    passes = 3 * end * tiny.LAYERS
    work = (end - start) * (sum(range(1, tiny.LAYERS + 1)) + tiny.LAYERS) + passes
    assert cost.operations == 2 * block_weights(model) * work
    assert cost.seconds == 2.0 * work + 100.0 * (tiny.LAYERS + 3 * tiny.LAYERS)


def test_a_sweep_has_a_price_of_its_own() -> None:
    model, pair = tiny.model("llama"), contexts("llama").pair
    spec = parse_map("state.resid_pre:layer")
    free, priced = (cost_of_map(model, pair, spec, each) for each in (PACE, replace(PACE, sweep=1000.0)))
    passes = kind_of(spec.name.of).work(model, pair, spec).passes
    assert passes == 3
    assert priced.seconds - free.seconds == 1000.0 * (free.sweeps + passes)


def test_pairs_whose_passes_are_run_together_begin_each_block_once() -> None:
    model, pair = tiny.model("llama"), contexts("llama").pair
    pace = replace(PACE, sweep=1000.0)
    one = cost_of_map(model, pair, parse_map("read:step,layer"), pace)
    three = side_by_side_cost([one] * 3, pace)
    assert (three.cells, three.sweeps, three.blocks) == (3 * one.cells, one.sweeps, one.blocks)
    assert three.operations == 3 * one.operations
    assert 3 * one.seconds - three.seconds == 2 * (one.blocks * pace.block + one.sweeps * pace.sweep)
    assert side_by_side_cost([one], pace) == one


@pytest.mark.parametrize(("name", "together"), [("read:step,layer", True), ("state.resid_pre:step,layer", False)])
def test_reads_of_pairs_of_like_length_are_forecast_together(name: str, together: bool) -> None:
    model, given = tiny.model("llama"), [replace(pairs()[0], id=str(number)) for number in range(3)]
    (one,), (three,) = (forecast(model, each, make_spec(maps=[name]), None) for each in (given[:1], given))
    assert three.cost.cells == 3 * one.cost.cells
    assert three.cost.sweeps == (1 if together else 3) * one.cost.sweeps


def test_a_method_costs_its_passes() -> None:
    """GradDrop goes back once a layer, integrated gradients eight times there and back; the checked cells are alike.

    The completeness of integrated gradients is held against a state effect: three passes, and one with the patch.
    """
    model, pair = tiny.model("llama"), contexts("llama").pair
    end = len(pair.context(1, 1)) + len(pair.readers.cue) + pair.readers.shared
    one_pass = 2 * block_weights(model) * end * tiny.LAYERS
    atp, ig, graddrop = (
        cost_of_map(model, pair, parse_map(f"attribution.z{method}:layer"), PACE).operations
        for method in ("", ".ig", ".graddrop")
    )
    assert ig - atp == (7 * 3 + 3 + 1) * one_pass
    assert graddrop - atp == (tiny.LAYERS - 1) * 2 * one_pass


@pytest.mark.parametrize("name", ["state.k:step,layer", "relayed:step,layer", "attribution.k:step,layer"])
def test_a_forecast_counts_the_passes_that_are_made(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes over a whole sequence, gradients apart: the runs whose activations are kept, and what is branched off."""
    model, cell = tiny.model("llama"), contexts("llama")
    made: list[str] = []
    for module, function in (
        (state, "chain_activations"),
        (attribution, "chain_activations"),
        (attribution, "take_away"),
        (branching, "untouched"),
    ):
        real = getattr(module, function)

        def counted(*given, real=real, function=function, **named):
            made.append(function)
            return real(*given, **named)

        monkeypatch.setattr(module, function, counted)
    spec = parse_map(name)
    work = kind_of(spec.name.of).work(model, cell.pair, spec)
    measure_map(model, cell, spec, Outcome.LOGIT_DIFF, 1.0)
    there_and_back = 3 if spec.name.method else 0
    assert work.passes == len(made) + there_and_back
    if spec.name.method:
        assert len(work.branches) == min(attribution.RANDOM_CELLS, work.cells) + min(attribution.TOP_CELLS, work.cells)


def test_a_forecast_names_its_maps_and_units() -> None:
    spec = make_spec(maps=MAPS[:3])
    said = [str(each) for each in forecast(tiny.model("llama"), pairs(), spec, None)]
    assert [line.split(":")[0] for line in said] == ["read", "state.resid_pre", "state.z"]
    for line in said:
        assert re.search(r"[\d,]+ cells of 1 pair in [\d,]+ pass(?:es)?, \S+ Tflop, about \S+ s, \S+ GiB", line)


def test_without_sweeps_there_is_no_forecast() -> None:
    with pytest.raises(InputError, match="failed the self-check of sweeps"):
        forecast(tiny.unswept(tiny.model("llama")), pairs(), make_spec(), None)


def test_durations_are_said_as_people_say_them() -> None:
    assert [duration(each) for each in (1.234, 89.0, 120.0, 5400.0)] == ["1.23 s", "89 s", "2 min", "1.5 h"]
