"""What cells add up to, by hand: AND, OR and a sum; which maps have a joint effect; figures and words of it."""

from dataclasses import replace

import numpy as np
import pytest

from mediate.report.analysis import analysis_of, joint_effects
from mediate.report.blocks import Table
from mediate.report.run.added_up import added_up_blocks, added_up_words, mapped
from mediate.report.run.figures import run_figures
from mediate.results import Results
from mediate.results.cube import Cube
from mediate.results.maps import EffectMap
from mediate.results.told import Measured, Told

SPREAD = (0.9, 1.0, 1.1, 0.95, 1.0, 1.07)
ITEMS = ("a", "b", "c", "d", "e", "f")


def cube_of(tie: float = 8.0) -> Cube:
    """Items of TE 10 whose chains mediate `tie` of it."""
    y = np.zeros((len(ITEMS), 2, 2, 2))
    y[:, 1], y[:, :, 1] = y[:, 1] + (10 - tie), y[:, :, 1] + tie
    y[:, 1, 1] = 10
    return Cube(y, ITEMS, ITEMS, "logit_diff")


def maps_of(kind: str, effects: tuple[float, ...], joint: float | None = None) -> tuple[EffectMap, ...]:
    coords = {"step": tuple(range(len(effects)))}
    return tuple(
        EffectMap(np.array(effects), ("step",), coords, name, name, kind, "logit_diff", 10.0, joint=joint)
        for name in ITEMS
    )


def run(*maps: EffectMap) -> Results:
    told = Told("How many?", "7", ("3 + 4 = 7.",), (0,), None, written=False)
    items = tuple(Measured(name, name, told) for name in ITEMS)
    return Results({"spec": {}}, items, (cube_of(),), maps)


def rows_of(*maps: EffectMap) -> dict[str, tuple[object, ...]]:
    blocks = added_up_blocks(run(*maps), "logit_diff")
    return {str(row[0]): row[1:] for each in blocks if isinstance(each, Table) for row in each.rows}


def test_and_or_and_a_sum_by_hand() -> None:
    """Either of two will do: none alone changes anything; both are needed: each alone is all; or they add up."""
    found = rows_of(
        *maps_of("state.z", (0.0, 0.0), 4.0), *maps_of("ablate.zero.z", (4.0, 4.0), 4.0), *maps_of("read", (3.0, 5.0))
    )
    gap = "\N{NO-BREAK SPACE}%"
    assert found["state.z"][:3] == ("step", "4.00", f"0{gap}")
    assert found["ablate.zero.z"][:3] == ("step", "4.00", f"200{gap}")
    # Reads of a twin: all of them at once are TIE.
    assert found["read"] == ("step", "8.00", f"100{gap}", "[100, 100]", "6")


def test_a_map_has_a_joint_effect_where_it_was_measured_or_the_cube_has_it() -> None:
    cube = cube_of()
    assert joint_effects(cube, maps_of("read", (1.0,))[:1]) == pytest.approx([8])
    assert joint_effects(cube, maps_of("read", (1.0,), 3.0)[:1]).tolist() == [3]
    assert np.isnan(joint_effects(cube, maps_of("state.z", (1.0,)))).all()
    # Hiding a chain is TIE of what is held against what is hidden, and not of a twin.
    assert np.isnan(joint_effects(cube, maps_of("knockout", (1.0,)))).all()


def test_only_cells_that_make_up_the_chain_are_added() -> None:
    others = [
        each
        for kind in ("graft", "attribution.z", "state.z.window2", "read.adaptive")
        for each in maps_of(kind, (1.0,), 4.0)
    ]
    assert rows_of(*others) == {}
    assert mapped(run(*others), "logit_diff") == {}
    assert added_up_blocks(run(*maps_of("state.z", (1.0, 2.0))), "logit_diff") == ()


def test_maps_over_steps_alone_have_a_figure_that_says_so() -> None:
    results = run(*maps_of("state.z", (0.0, 1.0), 4.0), *maps_of("read", (3.0, 5.0)))
    (figure,) = [each for each in run_figures(results) if each.name == "by-step"]
    assert "state.z: One at a time, the cells' effects sum to 25\N{NO-BREAK SPACE}% [25, 25]" in figure.caption
    assert "read: One at a time" in figure.caption
    assert "(TIE)" in figure.caption.partition("read:")[2]
    assert "(TIE)" not in figure.caption.partition("read:")[0]
    assert "state.z 0.00, 1.00; read 3.00, 5.00" in figure.alt
    assert not [each for each in run_figures(replace(results, maps=())) if each.name == "by-step"]


def test_table_and_sentence_have_the_same_digits() -> None:
    """Around 100 % whole numbers would say that the sum is the joint effect."""
    results = run(*maps_of("ablate.zero.z", (4.0, 4.01), 8.0))
    results = replace(
        results,
        maps=tuple(replace(each, values=each.values * scale) for each, scale in zip(results.maps, SPREAD, strict=True)),
    )
    (row,) = (each.rows[0] for each in added_up_blocks(results, "logit_diff") if isinstance(each, Table))
    said = added_up_words(analysis_of(results), results, results.maps)
    assert f"sum to {row[3]} {row[4]} of what all" in said
    assert "." in str(row[3])
