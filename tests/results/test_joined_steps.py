"""Both sides of each step, by hand: what a row has, and how pooling over items differs from looking within them."""

import numpy as np
import pytest

from mediate.results.behaviour import WHOLE, Behaved
from mediate.results.joined_steps import all_steps_agreed, step_effects, step_table, steps_agreed
from mediate.results.maps import EffectMap
from mediate.results.resampled import Resampled


def mistakes(item: str, same: tuple[int, ...], lost: tuple[float, ...], edit: str = "mistaken") -> list[Behaved]:
    steps = len(same)
    rows = [Behaved(item, item, WHOLE, steps, steps, "at_once", 0.0, "7", "7", True, True, -1.0)]
    for place, (stays, less) in enumerate(zip(same, lost, strict=True)):
        answer = "7" if stays else "8"
        rows.append(
            Behaved(item, item, edit, place, steps, "at_once", 0.3, answer, answer, bool(stays), bool(stays), -1 - less)
        )
    return rows


def of_steps(item: str, values: list[float], kind: str = "read") -> EffectMap:
    return EffectMap(np.array(values), ("step",), {"step": tuple(range(len(values)))}, item, item, kind, "logit_diff")


def test_a_row_has_what_a_mistake_did_and_the_steps_effects() -> None:
    found = [*mistakes("a", (1, 0), (0.5, 3.0)), *mistakes("b", (1,), (0.0,))]
    found.append(Behaved("b", "b", "mistaken.recomputed", 0, 1, "at_once", code="no_result", reason="it states none"))
    resampled = [
        Resampled("a", "a", 1, 2, "7", 20, importance=0.75, counterfactual=0.5),
        Resampled("b", "b", 0, 1, code="no_value", reason="it comes to nothing"),
    ]
    table = step_table(found, [of_steps("a", [0.25, 4.0])], resampled)
    assert table["step"].tolist() == [0, 1, 0]
    assert table["changed.mistaken"].tolist() == [0, 1, 0]
    assert table["lost.mistaken"].tolist() == pytest.approx([0.5, 3, 0])
    assert table["read"].tolist() == pytest.approx([0.25, 4, np.nan], nan_ok=True)
    assert table["resampled.importance"].tolist() == pytest.approx([np.nan, 0.75, np.nan], nan_ok=True)
    assert table["resampled.counterfactual"].tolist() == pytest.approx([np.nan, 0.5, np.nan], nan_ok=True)
    assert "changed.mistaken.recomputed" not in table


def test_a_step_of_several_layers_has_the_effect_of_the_largest_size() -> None:
    values = np.array([[0.1, -0.5, 0.2], [np.nan, 0.3, np.nan], [np.nan] * 3])
    coords = {"result": (0, 1, 2), "step": (0, 1, 2)}
    graph = EffectMap(values.T, ("result", "step"), coords, "a", "a", "step_graph.read", "result_logit_diff")
    assert step_effects(graph).tolist() == pytest.approx([-0.5, 0.3, np.nan], nan_ok=True)


def test_of_two_maps_of_a_kind_that_by_step_alone_is_taken() -> None:
    wide = EffectMap(
        np.array([[9.0, 8.0]]), ("step", "layer"), {"step": (0,), "layer": (0, 1)}, "a", "a", "read", "logit_diff"
    )
    for maps in ([wide, of_steps("a", [1.0])], [of_steps("a", [1.0]), wide]):
        assert step_table(mistakes("a", (1,), (0.0,)), maps)["read"].tolist() == [1]
    other = [of_steps("a", [1.0], kind) for kind in ("graft", "interaction", "attribution.z", "cross.read.mean")]
    assert set(step_table(mistakes("a", (1,), (0.0,)), other).columns) == {
        "item", "group", "step", "steps", "changed.mistaken", "lost.mistaken",
    }  # fmt: skip


def test_items_that_differ_and_steps_that_do_not_are_told_apart() -> None:
    """Within each item the step that matters more by one side matters less by the other; over all they go together."""
    found, maps = [], []
    for place, name in enumerate("abcdef"):
        level = 10.0 * place
        found += mistakes(name, (1, 1, 0), (level, level + 1, level + 2))
        maps.append(of_steps(name, [level + 2, level + 1, level]))
    agreed = steps_agreed(step_table(found, maps), "lost.mistaken", "read")
    assert agreed.within.value == pytest.approx(-1)
    assert agreed.pooled.value > 0.9
    assert (agreed.pooled.n, agreed.within.n, agreed.without) == (18, 6, 0)


def test_an_item_of_two_steps_or_of_one_value_has_no_correlation_of_its_own() -> None:
    found = [
        *mistakes("a", (1, 0), (0.5, 3.0)),
        *mistakes("b", (1, 1, 1), (0.0, 1.0, 2.0)),
        *mistakes("c", (1, 1, 0), (0.0, 1.0, 2.0)),
    ]
    maps = [of_steps("a", [0.0, 1.0]), of_steps("b", [0.0, 1.0, 2.0]), of_steps("c", [0.0, 1.0, 2.0])]
    changed, lost = all_steps_agreed(step_table(found, maps))
    assert (changed.behaviour, lost.behaviour) == ("changed.mistaken", "lost.mistaken")
    assert (changed.within.n, changed.without) == (1, 2)
    assert (lost.within.n, lost.without) == (2, 1)
    assert lost.within.value == pytest.approx(1)


def test_importance_is_held_against_step_graphs_and_mistakes_against_the_rest() -> None:
    """Of four steps the last has no edge: of 0, 1 and 2 the importances are in the order of their largest edges."""
    found, maps, resampled = [], [], []
    coords = {"step": (0, 1, 2, 3), "result": (0, 1, 2, 3)}
    edges = np.full((4, 4), np.nan)
    edges[0, 1:], edges[1, 2:], edges[2, 3:] = (0.1, -3.0, 0.2), (2.0, 0.5), (1.0,)
    for place, name in enumerate("abc"):
        found += mistakes(name, (1, 1, 1, 0), (0.0, 1.0, 2.0, 3.0))
        maps.append(
            EffectMap(edges + place, ("step", "result"), coords, name, name, "step_graph.read", "result_logit_diff")
        )
        maps.append(of_steps(name, [0.0, 1.0, 2.0, 3.0]))
        for step, importance in enumerate((-0.5, 0.75, 0.25, 1.0)):
            resampled.append(Resampled(name, name, step, 4, "7", 20, importance=importance, counterfactual=0.0))
    told = {(each.behaviour, each.effect): each for each in all_steps_agreed(step_table(found, maps, resampled))}
    assert set(told) == {
        ("changed.mistaken", "read"),
        ("lost.mistaken", "read"),
        ("resampled.importance", "step_graph.read"),
        ("resampled.counterfactual", "step_graph.read"),
    }
    importance = told["resampled.importance", "step_graph.read"]
    assert (importance.pooled.n, importance.within.n, importance.without) == (9, 3, 0)
    assert importance.within.value == pytest.approx(1)
    assert not told["resampled.counterfactual", "step_graph.read"].within.defined


def test_there_is_nothing_to_hold_together_without_maps_or_mistakes() -> None:
    assert all_steps_agreed(step_table(mistakes("a", (1,), (0.0,)), [])) == ()
    assert all_steps_agreed(step_table(mistakes("a", (1,), (0.0,), "truncated"), [of_steps("a", [1.0])])) == ()
    assert step_table([], []).empty
