"""Every kind of map that there is has a figure and a place on the page, over whatever axes it is measured."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from mediate.figures.one_axis import SHARED
from mediate.figures.style import MARGIN, detached
from mediate.report.run.drawn_maps import exact_kind, origins, scale_for
from mediate.report.run.figures import run_figures
from mediate.report.run.map_figures import DRAWN, drawn_by
from mediate.report.run.page import run_page
from mediate.results import Results, mean_map, total_effect
from mediate.results.kinds import KINDS, KindFacts, parse_kind
from tests.figures.maps_of import made_maps
from tests.figures.records import fake_item_results, fake_results


def axes_of(facts: KindFacts) -> list[tuple[str, ...]]:
    """The axes over which maps of a kind can be asked for; a chain is told apart by steps or by positions."""
    if facts.all_axes:
        return [facts.axes]
    found = [each for size in range(1, len(facts.axes) + 1) for each in combinations(facts.axes, size)]
    return [each for each in found if not ({"step", "position"} <= set(each) or {"head", "kv_head"} <= set(each))]


def spelt(facts: KindFacts) -> str:
    """A name of the kind."""
    first = facts.spellings[0].replace("REFERENCE", "mean").replace("COMPONENT", "resid_pre" if not facts.heads else "")
    return first.rstrip(".")


ALL = [(spelt(facts), dims) for facts in KINDS for dims in axes_of(facts)]


def with_maps(kind: str, dims: tuple[str, ...], results: Results) -> Results:
    outcome = results.cubes[0].outcome
    maps = made_maps(kind, dims, outcome=outcome)
    items = [each.id for each in results.items]
    return replace(results, maps=tuple(replace(each, item=item) for each, item in zip(maps, items, strict=True)))


@pytest.mark.parametrize("kind", [facts.name for facts in KINDS])
def test_every_kind_of_map_has_a_figure_and_a_place_on_the_page(kind: str) -> None:
    results = replace(fake_results(), cubes=fake_results().cubes[:1])
    plain = {each.name for each in run_figures(replace(results, maps=()))}
    asked = [(name, dims) for name, dims in ALL if parse_kind(name).of.name == kind]
    assert asked
    for name, dims in asked:
        assert parse_kind(name).of.name == kind
        assert drawn_by(name, dims) is not None, (name, dims)
        having = with_maps(name, dims, results)
        made = [each for each in run_figures(having) if each.name not in plain]
        assert made, f"{name} over {dims} is not drawn"
        # A figure that has no place on the page is an error of the page.
        shown = run_page(having)
        assert {each.name for each in made} <= {each.name for each in shown.figures()}
        assert all(each.section == "maps" for each in made)


@pytest.mark.parametrize("place", range(len(DRAWN)))
def test_a_figure_of_each_sort_is_drawn_of_its_maps(place: int) -> None:
    results = replace(fake_results(), cubes=fake_results().cubes[:1])
    plain = {each.name for each in run_figures(replace(results, maps=()))}
    name, dims = next((name, dims) for name, dims in ALL if drawn_by(name, dims) is DRAWN[place])
    for each in run_figures(with_maps(name, dims, results)):
        if each.name not in plain:
            assert each.png().startswith(b"\x89PNG")
            assert "nan" not in each.alt


def test_no_two_figures_have_one_name() -> None:
    results = replace(fake_results(), cubes=fake_results().cubes[:1])
    maps = [each for name, dims in ALL for each in with_maps(name, dims, results).maps]
    names = [each.name for each in run_figures(replace(results, maps=tuple(maps)))]
    assert len(set(names)) == len(names)
    assert {"steps-read", "positions-read", "heads-attribution.resid_pre", "step_graph-read"} <= set(names)


def test_maps_over_the_same_axes_have_one_scale_and_never_less_than_the_margin() -> None:
    results = fake_results()
    exact = made_maps("state.z", ("layer", "head"))
    large = [replace(each, kind="attribution.z", values=100 * each.values) for each in exact]
    both = replace(results, maps=(*exact, *large))
    assert scale_for(both, "logit_diff", ("layer", "head")).limit == pytest.approx(np.nanmax(abs(mean_map(exact)[0])))
    small = replace(results, maps=tuple(replace(each, values=1e-6 * each.values) for each in exact))
    te = float(total_effect(results.cubes[0].y).mean())
    assert scale_for(small, "logit_diff", ("layer", "head")).limit == pytest.approx(MARGIN * abs(te))
    assert scale_for(small, "logit_diff", ("step", "result"), of="step_graph.read") is None


def limits_of(results: Results) -> dict[str, tuple[float, float]]:
    """The vertical range of every figure of lines and bars of effects."""
    found = {}
    for each in run_figures(results):
        if each.name.startswith(("layers-", "by-", "positions-")):
            with detached(each.size) as (_, ax):
                each.draw(ax=ax)
            found[each.name] = ax.get_ylim()
    return found


def test_lines_and_bars_of_one_outcome_have_one_value_axis() -> None:
    results = replace(fake_results(), cubes=fake_results().cubes[:1])
    asked = [
        ("read", ("step",)),
        ("state.mlp_out", ("layer",)),
        ("state.attn_out", ("head",)),
        ("read", ("step", "layer")),
        ("state.mlp_out", ("position",)),
    ]
    own = {name: limits for each in asked for name, limits in limits_of(with_maps(*each, results)).items()}
    maps = tuple(each for kind, dims in asked for each in with_maps(kind, dims, results).maps)
    together = limits_of(replace(results, maps=maps))
    assert (
        set(together)
        == set(own)
        == {"by-step", "by-layer", "by-head", "layers-read", "positions-state.mlp_out-position"}
    )
    (limits,) = set(together.values())
    assert limits[0] <= min(low for low, _ in own.values()) + 0.05 * (limits[1] - limits[0])
    assert limits[1] >= max(high for _, high in own.values()) - 0.05 * (limits[1] - limits[0])
    assert len(set(own.values())) > 1
    said = [each.caption for each in run_figures(replace(results, maps=maps)) if each.name in own]
    assert all(each.endswith(SHARED) for each in said)


def test_cells_with_an_outcome_of_their_own_keep_their_axis() -> None:
    results = replace(fake_results(), cubes=fake_results().cubes[:1])
    read = with_maps("read", ("step",), results).maps
    other = tuple(replace(each, outcome="own") for each in with_maps("state.mlp_out", ("layer",), results).maps)
    assert not any(SHARED in each.caption for each in run_figures(replace(results, maps=(*read, *other))))


def test_tokens_are_counted_from_results_alone() -> None:
    items = fake_results().items
    found = origins(
        replace(fake_results(), items=(replace(items[0], base=replace(items[0].base, states_result=False)), *items[1:]))
    )
    assert items[0].id not in found
    assert items[3].id not in found  # it does not state its answer
    assert found[items[1].id] == items[1].base.states_answer


def test_an_estimate_is_held_against_the_exact_kind() -> None:
    assert exact_kind("attribution.z.ig") == "state.z"
    assert exact_kind("attribution.resid_pre") == "state.resid_pre"
    assert exact_kind("attribution.mean.resid_post") == "ablate.mean.resid_post"


def test_one_item_and_none_have_their_pages() -> None:
    one = fake_item_results(1)
    assert all(each.png() for each in run_figures(one))
    assert not run_figures(replace(one, items=(), cubes=(), maps=()))
