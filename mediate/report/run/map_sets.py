"""The maps of a run set by set, and which of their cells colours the tokens of a chain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from jaxtyping import Float

from mediate.errors import InputError
from mediate.report.analysis import analysis_of
from mediate.report.run.evidence import verdicts
from mediate.results import EffectMap, Results
from mediate.results.agreement import VERDICTS
from mediate.results.kind_words import of_a_step
from mediate.results.kinds import is_estimate, window_of
from mediate.results.outcomes import unit_of

# The axes along which a chain is read, the first that a map has; over the others one label each is chosen.
TOKEN_AXES = ("step", "position")
_PART = {"step": "that step", "position": "that token", "": "the whole chain"}
_WHERE = {
    "layer": "in layer {label} alone",
    "head": "in head {label}",
    "kv_head": "in key-value head {label}",
    "result": "on what step {label} states",
    "later": "together with step {label}",
}
_WINDOW = "in the {window} layers around layer {label}"
# In the order in which sets are offered, exact ones first: the axes that say most of a chain, then others.
_FIRST = (("step", "layer"), ("position", "layer"), ("step",), ("position",))


def token_axis(dims: Sequence[str]) -> str:
    """The axis along which a chain is read; empty of a map that tells no parts of a chain apart."""
    return next((each for each in TOKEN_AXES if each in dims), "")


@dataclass(frozen=True, slots=True)
class MapSet:
    """The maps of one kind, on one outcome and over the same axes; one an item.

    Args:
        maps: At least one.
        least: The effect, in the outcome's unit, below which the scale of colours never ends.
    """

    maps: tuple[EffectMap, ...]
    least: float = 0.0

    @property
    def kind(self) -> str:
        """The kind of its maps, as it is stored."""
        return self.maps[0].kind

    @property
    def dims(self) -> tuple[str, ...]:
        """The axes of its maps."""
        return self.maps[0].dims

    @property
    def outcome(self) -> str:
        """What its effects are on."""
        return self.maps[0].outcome

    @property
    def name(self) -> str:
        """As it is asked for: `read:step,layer`."""
        return f"{self.kind}:{','.join(self.dims)}"

    @property
    def axis(self) -> str:
        """The axis along which a chain is read; empty without one."""
        return token_axis(self.dims)

    @property
    def noun(self) -> str:
        """What a number of it is, in a word."""
        return "estimate" if is_estimate(self.kind) else "effect"

    @property
    def words(self) -> str:
        """What the number of one step is, or of one position, or of the whole chain."""
        return of_a_step(self.kind).replace("that step", _PART[self.axis])

    @property
    def unit(self) -> str:
        """Of its numbers."""
        return unit_of(self.outcome)

    @property
    def window(self) -> int:
        """How many neighbouring layers a number is of."""
        return window_of(self.kind)

    def where(self, at: Mapping[str, int]) -> str:
        """Which of the other axes' labels are meant, in words; empty where there is one number a step."""
        return " and ".join(
            _WHERE.get(name, "in {name} {label}").format(name=name, label=label, window=self.window)
            if name != "layer" or self.window == 1
            else _WINDOW.format(label=label, window=self.window)
            for name, label in at.items()
        )

    @property
    def limit(self) -> float:
        """The effect of the deepest shade: the largest over all items, and never less than `least`."""
        sizes = [abs(each.values[~np.isnan(each.values)]) for each in self.maps]
        return max(self.least, *(float(each.max(initial=0.0)) for each in sizes))

    @property
    def caution(self) -> str:
        """A sentence on how far estimates can be trusted; empty of exact effects."""
        if not is_estimate(self.kind):
            return ""
        return f"Against exact patching, over all items: {verdicts(self.maps) or VERDICTS[-1]}."

    def strongest(self, given: Mapping[str, int] | None = None) -> dict[str, int]:
        """One label on each axis that is not the chain's: where effects are largest.

        By the sum, over items and along the chain, of their sizes; the first of equals. One choice for all items, as
        effects of different layers do not add up.

        Args:
            given: Labels that are chosen already.

        Raises:
            InputError: An axis or a label that no map has.
        """
        given = {name: label for name, label in (given or {}).items() if label is not None}
        axes = tuple(name for name in self.dims if name != self.axis)
        for name in given:
            if name not in axes:
                raise InputError(f"{name}: no axis of {self.name!r} to choose from; there is: {_listed(axes)}")
        sizes = self._sizes(axes)
        for place, name in enumerate(axes):
            if name in given:
                sizes = {labels: size for labels, size in sizes.items() if labels[place] == given[name]}
                if not sizes:
                    have = _listed(sorted({label for each in self.maps for label in each.coords[name]}))
                    raise InputError(f"{name}: no {given[name]} in {self.name!r}; there is: {have}")
        best = max(sorted(sizes), key=lambda labels: sizes[labels])
        return dict(zip(axes, best, strict=True))

    def _sizes(self, axes: tuple[str, ...]) -> dict[tuple[int, ...], float]:
        """By the labels on some axes, the sum over items and other axes of the sizes of the effects."""
        alike: dict[tuple[tuple[int, ...], ...], Float[np.ndarray, ...]] = {}
        for each in self.maps:
            labels = tuple(each.coords[name] for name in axes)
            other = tuple(place for place, name in enumerate(self.dims) if name not in axes)
            size = np.nansum(abs(each.values), axis=other)
            alike[labels] = alike[labels] + size if labels in alike else size
        found: dict[tuple[int, ...], float] = {}
        for labels, total in alike.items():
            for place in np.ndindex(total.shape):
                cell = tuple(of[index] for of, index in zip(labels, place, strict=True))
                found[cell] = found.get(cell, 0.0) + float(total[place])
        return found


def along_chain(effects: EffectMap, at: Mapping[str, int]) -> dict[int, float]:
    """By step or position, a map's effect at chosen labels on its other axes; empty where it has no such labels."""
    axis = token_axis(effects.dims)
    others = [name for name in effects.dims if name != axis]
    if not axis or any(at[name] not in effects.coords[name] for name in others):
        return {}
    place = tuple(slice(None) if name == axis else effects.coords[name].index(at[name]) for name in effects.dims)
    return dict(zip(effects.coords[axis], effects.values[place].tolist(), strict=True))


def map_sets(results: Results) -> tuple[MapSet, ...]:
    """All maps of a run, set by set: exact ones first, and of these the first that colours a chain."""
    found: dict[tuple[str, tuple[str, ...], str], list[EffectMap]] = {}
    for each in results.maps:
        found.setdefault((each.kind, each.dims, each.outcome), []).append(each)
    least = analysis_of(results).least
    sets = [MapSet(tuple(maps), least(outcome)) for (_, _, outcome), maps in found.items()]
    first = results.cubes[0].outcome if results.cubes else ""
    return tuple(sorted(sets, key=lambda each: _rank(each, first)))


def _rank(each: MapSet, outcome: str) -> tuple[bool, bool, int]:
    place = _FIRST.index(each.dims) if each.dims in _FIRST else len(_FIRST) + (not each.axis)
    return is_estimate(each.kind), each.outcome != outcome, place


def together(own: Iterable[Sequence[MapSet]]) -> list[MapSet]:
    """The sets of maps of several runs, those of one name and outcome as one set: they have one scale."""
    found: dict[tuple[str, str], list[MapSet]] = {}
    for each in (each for sets in own for each in sets):
        found.setdefault((each.name, each.outcome), []).append(each)
    return [
        MapSet(tuple(effects for each in alike for effects in each.maps), max(each.least for each in alike))
        for alike in found.values()
    ]


def colouring_set(results: Results) -> MapSet | None:
    """The maps that colour chains where none are named: exact ones, or else estimates; None where none can."""
    return next((each for each in map_sets(results) if each.axis), None)


def named_set(results: Results, name: str | None) -> MapSet:
    """The maps that a name means: a kind, or a kind with its axes; without a name, those that colour chains.

    Raises:
        InputError: There are none of that name, or none at all.
    """
    sets = map_sets(results)
    for each in sets:
        if name in (each.kind, each.name) or (name is None and each.axis):
            return each
    if not sets:
        raise InputError(
            "no maps in these results; score with maps=['read:step,layer'], or knockout:step,layer of items"
        )
    names = [each.name for each in sets]
    near = get_close_matches(name or "", [*names, *(each.kind for each in sets)], n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"there is: {', '.join(names)}"
    raise InputError(f"no map {name!r} in these results; {meant}" if name else f"no map of a chain's parts; {meant}")


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "none"
