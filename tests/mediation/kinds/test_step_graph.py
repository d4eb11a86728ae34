"""The step graph: against plain transformers with caches and hooks made by hand, and what must hold of it."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from mediate.errors import ItemError
from mediate.mediation.kinds.cube import Contexts
from mediate.mediation.kinds.step_graph import RESULT, Edge, result_tokens, step_graph
from mediate.mediation.maps import labels_of, measure_map, parse_map
from mediate.mediation.outcomes import Outcome
from mediate.passes.store import Store
from mediate.scoring.score import score
from mediate.scoring.spec import make_spec
from tests import tiny
from tests.mediation.kinds.test_read import BASE, SOURCE, contexts
from tests.plainly import kept, with_past
from tests.scoring.test_score import PAIRS

THREE = tuple(
    (
        f"Tom has {digit} apples.",
        f"Tom buys {digit} apples. Tom has {digit} + 2 = {digit + 2}. Tom gives {digit + 2} - 1 = {digit + 1} pears.",
        f"{digit + 1}",
    )
    for digit in (6, 3)
)


def three(architecture: str, dtype: str = "float64") -> Contexts:
    return contexts(architecture, *THREE, dtype=dtype)


def test_results_are_the_last_difference_of_each_step() -> None:
    pair = three("llama").pair
    base = pair.traces[1]
    found = [base.tokens[place] for place in result_tokens(pair)]
    assert found == [" 6", " 8", " 7"]
    assert result_tokens(pair)[2] == max(place for place, token in enumerate(base.tokens) if token == " 7")
    same = contexts("llama", BASE, (SOURCE[0], BASE[1].replace("12", "11"), SOURCE[2])).pair
    assert result_tokens(same)[0] is None
    assert same.traces[1].tokens[result_tokens(same)[1]] == "2"  # of 12 against 11


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_edges_against_caches_made_by_hand(architecture: str) -> None:
    """Plain transformers goes over the later step with the earlier one's part of the cache from the source run."""
    cell = three(architecture)
    pair, model = cell.pair, tiny.model(architecture, "float64")
    plain = tiny.plain_model(architecture, "float64")
    from transformers import DynamicCache

    def cache(world: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        ids = torch.tensor([pair.context(world, world)])
        past = DynamicCache()
        with kept(plain):
            plain(ids, **with_past(plain, past))
        return [(layer.keys, layer.values) for layer in past.layers]

    runs, begin = [cache(world) for world in (0, 1)], len(pair.questions[1])
    spans, results = pair.traces[1].step_spans, result_tokens(pair)
    found = step_graph(model, cell, Edge.READ)
    for result in (1, 2):
        start, place = begin + spans[result][0], begin + results[result]

        def outcome(swapped: tuple[int, int] | None, start: int = start, place: int = place) -> float:
            past = []
            for source, base in zip(*runs, strict=True):
                both = [each[:, :, :start].clone() for each in base]
                if swapped is not None:
                    for mine, theirs in zip(both, source, strict=True):
                        mine[:, :, slice(*swapped)] = theirs[:, :, slice(*swapped)]
                past.append(tuple(both))
            ids = torch.tensor([pair.context(1, 1)[start:place]])
            position = torch.arange(start, place)[None]
            with kept(plain):
                logits = plain(ids, position_ids=position, **with_past(plain, DynamicCache(past))).logits[0, -1]
            at = [trace.ids[place - begin] for trace in pair.traces]
            return (logits[at[1]] - logits[at[0]]).item()

        for step in range(result):
            swapped = (begin + spans[step][0], begin + spans[step][1])
            wanted = outcome(None) - outcome(swapped)
            assert found.values[step, result] == pytest.approx(wanted, abs=1e-10)
            assert abs(wanted) > 1e-3


def test_total_effects_against_hooks_made_by_hand() -> None:
    """State entries: plain Llama with the outputs of k_proj and v_proj replaced at one step, everything recomputed."""
    cell = three("llama")
    pair, plain = cell.pair, tiny.plain_model("llama", "float64")
    projections = [each for layer in plain.model.layers for each in (layer.self_attn.k_proj, layer.self_attn.v_proj)]
    seen: dict[int, torch.Tensor] = {}
    hooks = [
        each.register_forward_hook(lambda _, args, out, place=place: seen.__setitem__(place, out.clone()))
        for place, each in enumerate(projections)
    ]
    with kept(plain):
        plain(torch.tensor([pair.context(0, 0)]))
    source = copy.copy(seen)
    for hook in hooks:
        hook.remove()
    begin, results = len(pair.questions[1]), result_tokens(pair)

    def logits(span: tuple[int, int] | None) -> torch.Tensor:
        def swap(place: int):
            def hook(_, args, out):
                out = out.clone()
                if span is not None:
                    out[:, slice(*span)] = source[place][:, slice(*span)]
                return out

            return hook

        hooks = [each.register_forward_hook(swap(place)) for place, each in enumerate(projections)]
        with kept(plain):
            found = plain(torch.tensor([pair.context(1, 1)])).logits[0]
        for hook in hooks:
            hook.remove()
        return found

    found = step_graph(tiny.model("llama", "float64"), cell, Edge.STATE)
    clean = logits(None)
    for step, (start, stop) in enumerate(pair.traces[1].step_spans):
        swapped = logits((begin + start, begin + stop))
        for result in range(step + 1, 3):
            ids = [trace.ids[results[result]] for trace in pair.traces]
            change = (clean - swapped)[begin + results[result] - 1]
            assert found.values[step, result] == pytest.approx((change[ids[1]] - change[ids[0]]).item(), abs=1e-10)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_neighbours_have_no_steps_between_them(architecture: str) -> None:
    """So the total effect is the edge itself; two steps apart, it is not."""
    model, cell = tiny.model(architecture, "float64"), three(architecture)
    read, state = (step_graph(model, cell, edge).values for edge in (Edge.READ, Edge.STATE))
    undefined = np.tril(np.ones((3, 3), dtype=bool))
    assert (np.isnan(read) == undefined).all()
    assert (np.isnan(state) == undefined).all()
    np.testing.assert_allclose(read[[0, 1], [1, 2]], state[[0, 1], [1, 2]], atol=1e-6)
    assert abs(read[0, 2] - state[0, 2]) > 1e-3


def test_what_does_not_move_is_exactly_zero_or_undefined() -> None:
    """One question in both worlds: the first step is the same, so it decides nothing, and states no difference."""
    model = tiny.model("llama")
    base = (THREE[0][0], THREE[0][1], "7")
    source = (THREE[0][0], THREE[0][1].replace("= 8. Tom gives 8 - 1 = 7", "= 9. Tom gives 9 - 1 = 4"), "4")
    cell = contexts("llama", base, source)
    for edge in Edge:
        found = step_graph(model, cell, edge)
        assert np.isnan(found.values[:, 0]).all()
        assert found.values[0, 1] == found.values[0, 2] == 0
        assert abs(found.values[1, 2]) > 1e-4


def test_a_step_graph_is_a_map_by_name() -> None:
    model, cell = tiny.model("llama"), three("llama", "float32")
    spec = parse_map("step_graph.read:result,step")
    assert str(spec) == "step_graph.read:step,result"
    found = measure_map(model, cell, spec, Outcome.LOGIT_DIFF, 1.0)
    assert (found.kind, found.outcome, found.dims) == ("step_graph.read", RESULT, ("step", "result"))
    assert labels_of(model, cell.pair, spec) == dict(found.coords)


def test_a_graph_from_the_store_is_the_one_that_was_put_there(tmp_path: Path) -> None:
    """Its cells have outcomes of their own, so neither has a total effect."""
    spec, store = make_spec(maps=["step_graph.state:step,result"], control_pairs=0), Store(tmp_path)
    first, again = (score(tiny.model("llama"), PAIRS[:1], spec, store=store).maps[0] for _ in range(2))
    assert np.isnan([first.te, again.te]).all()
    assert (again.kind, again.outcome) == (first.kind, first.outcome) == ("step_graph.state", RESULT)
    np.testing.assert_array_equal(again.values, first.values)
    assert np.isfinite(first.values).any()


def test_a_result_that_begins_its_step_is_read_by_the_token_before() -> None:
    base = ("Tom has 3 apples.", "Tom buys 3 apples.\n9 apples.", "9")
    source = ("Tom has 2 apples.", "Tom buys 2 apples.\n8 apples.", "8")
    model, cell = tiny.model("llama", "float64"), contexts("llama", base, source, dtype="float64")
    spans = cell.pair.traces[1].step_spans
    assert result_tokens(cell.pair)[1] == spans[1][0]
    read, state = (step_graph(model, cell, edge).values[0, 1] for edge in Edge)
    # The reader is the last token of the step that is swapped; it keeps its own query and what it had computed.
    assert read != pytest.approx(0, abs=1e-6)
    assert state != pytest.approx(0, abs=1e-6)


def test_chains_of_unequal_steps_have_no_graph() -> None:
    cell = contexts("llama", BASE, (SOURCE[0], "Tom has 2 + 9 = 11.", SOURCE[2]))
    with pytest.raises(ItemError, match="cannot be aligned"):
        step_graph(tiny.model("llama"), cell, Edge.READ)
