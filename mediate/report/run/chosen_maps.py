"""Which maps of a run a figure that is asked for by name draws; where there are none, what to ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mediate.errors import InputError
from mediate.figures.attributed_item import HEADS
from mediate.figures.over import Align, uneven
from mediate.figures.positions import POSITION
from mediate.report.analysis import analysis_of, graft_maps, graph_maps, interaction_maps
from mediate.report.run.drawn_maps import Maps, exact_kind, families, said_of
from mediate.report.run.evidence import subset
from mediate.results import Cube, EffectMap, Results
from mediate.results.kinds import is_estimate


@dataclass(frozen=True, slots=True)
class AxesWanted:
    """The axes of maps that a figure draws.

    Args:
        words: What such a map is called.
        fits: Whether a map's axes will do.
        ask: A map that has such axes, as it is asked for.
    """

    words: str
    fits: Callable[[tuple[str, ...]], bool]
    ask: str


STEP_LAYER = AxesWanted("step-by-layer", lambda dims: dims == ("step", "layer"), "read:step,layer")
WITH_HEADS = AxesWanted("by-head", lambda dims: len(dims) > 1 and bool(set(HEADS) & set(dims)), "state.z:layer,head")
WITH_POSITIONS = AxesWanted("by-position", lambda dims: POSITION in dims, "read:position,layer")
OF_ITEM = AxesWanted(
    "token-by-layer or step-by-layer",
    lambda dims: set(dims) in ({POSITION, "layer"}, {"step", "layer"}),
    "read:position,layer",
)


@dataclass(frozen=True, slots=True)
class ChosenMaps:
    """The maps of a run, chosen by outcome, kind and axes; of the first outcome and kind where none is named."""

    results: Results

    def drawn(self) -> dict[str, Any]:
        """The seed and level of a run's intervals."""
        analysis = analysis_of(self.results)
        return {"seed": analysis.seed, "level": analysis.level}

    def shared(self, outcome: str | None) -> dict[str, Any]:
        """The same, with the least |TE| of which a share is defined."""
        analysis = analysis_of(self.results)
        return {"min_te": analysis.least(self.results.cube(outcome).outcome), **self.drawn()}

    def maps(self, outcome: str | None, kind: str | None, wanted: AxesWanted) -> Maps:
        """The maps of a kind, those over the first axes that will do.

        Raises:
            InputError: There are none.
        """
        name = self.results.cube(outcome).outcome
        here = {key: maps for key, maps in families(self.results, name).items() if wanted.fits(key[1])}
        found = next((maps for (each, _), maps in here.items() if kind in (None, each)), ())
        if not found:
            have = ", ".join(dict.fromkeys(each for each, _ in here)) or "none"
            raise InputError(
                f"no {kind or wanted.words} map of {name!r} in these results (there is: {have}); "
                f"score with maps=['{wanted.ask}']"
            )
        return found

    def kinds(self, outcome: str | None, dims: tuple[str, ...], ask: str) -> list[Maps]:
        """The maps over these axes, kind by kind, but for curves of grafts.

        Raises:
            InputError: There are none.
        """
        name = self.results.cube(outcome).outcome
        found = [
            maps for (kind, axes), maps in families(self.results, name).items() if axes == dims and kind != "graft"
        ]
        if not found:
            raise InputError(f"no map of {name!r} over {', '.join(dims)} in these results; score with maps=['{ask}']")
        return found

    def of_item(
        self, item: str | None, outcome: str | None, kind: str | None
    ) -> tuple[EffectMap, list[EffectMap], tuple[str, ...]]:
        """One item's map over tokens, or else steps, and layers; its other maps; and what each row says.

        Raises:
            InputError: There is no such item or map.
        """
        name = self.results.cube(outcome).outcome
        wanted = [
            maps
            for (each, dims), maps in families(self.results, name).items()
            if OF_ITEM.fits(dims) and kind in (None, each) and maps[0].outcome == name
        ]
        if not wanted:
            self.maps(outcome, kind, OF_ITEM)
        by_tokens = sorted(wanted, key=lambda maps: (is_estimate(maps[0].kind), POSITION not in maps[0].dims))
        shown = one_of(by_tokens[0], item)
        beside = [each for each in self.results.maps if each.item == shown.item]
        return shown, beside, said_of(self.results, shown.item, tokens=POSITION in shown.dims)

    def graphs(self, kind: str) -> Maps:
        """The step graphs of a kind.

        Raises:
            InputError: There are none.
        """
        maps = graph_maps(self.results, kind)
        if not maps:
            raise InputError(f"no {kind} in these results; score with maps=['{kind}:step,result']")
        return maps

    def grafts(self, outcome: str | None) -> Maps:
        """The graft curves.

        Raises:
            InputError: There are none.
        """
        maps = graft_maps(self.results, self.results.cube(outcome).outcome)
        if not maps:
            raise InputError("no grafts in these results; score with maps=['graft:step']")
        return maps

    def interactions(self, outcome: str | None) -> Maps:
        """The maps of what two steps do together.

        Raises:
            InputError: There are none.
        """
        maps = interaction_maps(self.results, self.results.cube(outcome).outcome)
        if not maps:
            raise InputError("no interactions in these results; score with maps=['interaction:step,later']")
        return maps

    def estimated(self, outcome: str | None, kind: str | None) -> tuple[Maps, Maps]:
        """The estimated maps of a kind, and the exact ones of the same component over the same axes, if any.

        Raises:
            InputError: There are no estimates.
        """
        known = families(self.results, self.results.cube(outcome).outcome)
        chosen = next((key for key in known if is_estimate(key[0]) and kind in (None, key[0])), None)
        if chosen is None:
            raise InputError(
                f"no {kind or 'estimated'} map in these results; score with maps=['attribution.resid_pre:step,layer']"
            )
        return known[chosen], known.get((exact_kind(chosen[0]), chosen[1]), ())

    def cut(self, outcome: str | None) -> tuple[Cube, Cube]:
        """The cube of whole chains and that of chains cut before the answer, of the items that have both.

        Raises:
            InputError: No chain could be cut.
        """
        name = self.results.cube(outcome).outcome
        found = next((each for each in self.results.cut if each.items and each.outcome == name), None)
        if found is None:
            raise InputError(f"no chain of these results could be cut before its answer, or none on {name!r}")
        return subset(self.results.cube(name), found.items), found


def one_of(maps: Maps, item: str | None) -> EffectMap:
    """An item's map, or the first.

    Raises:
        InputError: The item has none.
    """
    found = next((each for each in maps if item in (None, each.item)), None)
    if found is None:
        have = ", ".join(each.item for each in maps[:4])
        raise InputError(f"no {maps[0].kind} map of item {item!r} in these results; there is one of {have} ...")
    return found


def end_for(maps: Maps, align: Align | None) -> Align:
    """From which end steps are counted, where that is not said: to the last one, where chains differ in length."""
    return align or ("end" if uneven(maps) else "start")
