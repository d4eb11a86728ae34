"""How the numbers of a run are worked out: read from its manifest, so that every view of it agrees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from mediate.figures import plot_channels, plot_layers, plot_shares
from mediate.figures.graph import DIMS as GRAPH_DIMS
from mediate.figures.graph import TOGETHER
from mediate.figures.layers import DIMS
from mediate.figures.over import Align
from mediate.results import MIN_TE, Cube, EffectMap, Results, corners, set_effects, set_shares
from mediate.results.kinds import parse_kind
from mediate.results.outcomes import outcome_facts
from mediate.stats import Estimate, bootstrap_ratio

# Two cubes that differ by no more than this, in nats, are told once.
SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the statistics of a run depend on beside its numbers.

    Args:
        min_te: The size of TE, in nats, up to which a share is undefined.
        seed: Seed of the bootstrap.
        level: Coverage of the intervals.
    """

    min_te: float = MIN_TE
    seed: int = 0
    level: float = 0.95

    def least(self, outcome: str) -> float:
        """The size of TE, in the outcome's unit, up to which a share is undefined."""
        own = outcome_facts(outcome).min_te
        return self.min_te if own is None else own

    def shares(self, cube: Cube) -> dict[str, Estimate]:
        """The set's shares."""
        return set_shares(cube, min_te=self.least(cube.outcome), seed=self.seed, level=self.level)

    def effects(self, cube: Cube) -> dict[str, Estimate]:
        """The set's mean effects."""
        return set_effects(cube, seed=self.seed, level=self.level)

    def added_up(self, cube: Cube, maps: Sequence[EffectMap]) -> Estimate:
        """The sum of all cells' effects over what all of them do at once, as a ratio of sums over items.

        Over the items whose joint effect is known; see `joint_effects` and `bootstrap_ratio`.
        """
        joint = joint_effects(cube, maps)
        there = ~np.isnan(joint)
        known = [each for each, has in zip(maps, there, strict=True) if has]
        return bootstrap_ratio(
            np.array([each.values.sum() for each in known]),
            joint[there],
            [each.group for each in known],
            min_mean_denominator=self.least(cube.outcome),
            seed=self.seed,
            level=self.level,
        )

    def draw_shares(self, cube: Cube, ax: Axes | None = None) -> Axes:
        """The figure of the set's shares."""
        return plot_shares(cube, min_te=self.least(cube.outcome), seed=self.seed, level=self.level, ax=ax)

    def draw_channels(self, cube: Cube, ax: Axes | None = None) -> Axes:
        """The figure of each item's channels."""
        return plot_channels(cube, min_te=self.least(cube.outcome), seed=self.seed, level=self.level, ax=ax)

    def draw_layers(self, maps: Sequence[EffectMap], ax: Axes | None = None, *, align: Align = "start") -> Axes:
        """The figure of the mean effects by layer."""
        return plot_layers(maps, seed=self.seed, level=self.level, align=align, ax=ax)


def joint_effects(cube: Cube, maps: Sequence[EffectMap]) -> Float[np.ndarray, " map"]:
    """Of each map, the effect of all its cells at once: measured, or TIE where the cube has it so; NaN if neither."""
    tie = dict(zip(cube.items, corners(cube.y).tie.tolist(), strict=True))
    adding = {kind: str(cube.contrast) in parse_kind(kind).of.adds_up_in for kind in {each.kind for each in maps}}

    def joint(effects: EffectMap) -> float:
        if effects.joint is not None:
            return effects.joint
        return tie.get(effects.item, np.nan) if adding[effects.kind] else np.nan

    return np.array([joint(each) for each in maps], dtype=float)


def analysis_of(results: Results) -> Analysis:
    """The settings in the manifest's spec; the usual ones where it names none."""
    spec, usual = section(results, "spec"), Analysis()
    return Analysis(
        min_te=float(spec.get("min_te", usual.min_te)),
        seed=int(spec.get("seed", usual.seed)),
        level=float(spec.get("level", usual.level)),
    )


def section(results: Results, name: str) -> Mapping[str, Any]:
    """A part of the manifest, empty where it is absent."""
    part = results.manifest.get(name)
    return part if isinstance(part, Mapping) else {}


def step_layer_maps(results: Results, outcome: str, kind: str) -> tuple[EffectMap, ...]:
    """The maps of one kind and outcome that are over step and layer."""
    return tuple(each for each in results.maps if (each.dims, each.outcome, each.kind) == (DIMS, outcome, kind))


def map_kinds(results: Results, outcome: str) -> tuple[str, ...]:
    """The kinds of step-by-layer maps that there are of an outcome, in the order in which they come."""
    return tuple(dict.fromkeys(each.kind for each in results.maps if (each.dims, each.outcome) == (DIMS, outcome)))


def graph_maps(results: Results, kind: str) -> tuple[EffectMap, ...]:
    """The step graphs of one kind in which any entry is defined."""
    return tuple(each for each in results.maps if each.kind == kind and not np.isnan(each.values).all())


def graph_kinds(results: Results) -> tuple[str, ...]:
    """The kinds of step graphs that there are, in alphabetical order."""
    kinds = {each.kind for each in results.maps if each.dims == GRAPH_DIMS and parse_kind(each.kind).of.outcome}
    return tuple(kind for kind in sorted(kinds) if graph_maps(results, kind))


def interaction_maps(results: Results, outcome: str) -> tuple[EffectMap, ...]:
    """The maps of an outcome that say what two steps do together, of chains that have two."""
    return tuple(
        each
        for each in results.maps
        if (each.dims, each.outcome) == (TOGETHER, outcome) and not np.isnan(each.values).all()
    )


def graft_maps(results: Results, outcome: str) -> tuple[EffectMap, ...]:
    """The graft curves of an outcome."""
    return tuple(each for each in results.maps if each.outcome == outcome and parse_kind(each.kind).of.cumulative)


def repeats(results: Results, outcome: str) -> float | None:
    """How far an outcome's cube is from the first one's, in nats, where that is rounding; None where it says more.

    Answers of one token have the same difference of logits and of log-probabilities.
    """
    first, other = results.cube(), results.cube(outcome)
    alike = other is not first and other.items == first.items
    gap = float(abs(first.y - other.y).max(initial=0.0)) if alike else float("nan")
    return gap if gap <= SAME else None
