"""The tokens of one item's chains, coloured by one of its maps: in a notebook, in a terminal, or as a page."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from mediate.files import write_text
from mediate.report.blocks import Block, Look, Notes, Page, Section, Text
from mediate.report.html import to_html, to_notebook
from mediate.report.run.items import FRAMES, chain_blocks, chain_colours, colour_scale
from mediate.report.run.map_sets import along_chain, map_sets, named_set
from mediate.report.run.tokens import Colouring, colour_chains
from mediate.report.terminal import WIDTH, to_text
from mediate.report.words import ordinal
from mediate.results import EffectMap, Measured, Results
from mediate.results.agreement import VERDICTS
from mediate.results.kinds import is_estimate


@dataclass(frozen=True, slots=True, repr=False)
class ItemTokens:
    """The tokens of one item's chains, coloured by one of its maps: in a notebook, in a terminal, or as a page.

    Args:
        results: What the run found.
        item: The item.
        kind: The kind of map, or its name with its axes; None for the one that the run's page is coloured by.
        at: Labels on the map's other axes, such as `{"layer": 3}`; where none is given, those of the largest effects.

    Raises:
        InputError: There is no such map, axis or label.
    """

    results: Results
    item: Measured
    kind: str | None = None
    at: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.colouring()

    def colouring(self) -> Colouring:
        """The chains and what colours them; without colour where the run has no maps and none was asked for."""
        if self.kind is None and not self.at and not any(each.axis for each in map_sets(self.results)):
            return colour_chains((self.item,), None)
        return colour_chains((self.item,), named_set(self.results, self.kind), self.at)

    @property
    def map(self) -> EffectMap | None:
        """The item's map; None where it has none of the kind."""
        maps = self.colouring().maps
        return next((each for each in maps.maps if each.item == self.item.id), None) if maps else None

    def table(self) -> pd.DataFrame:
        """A row a token of either chain: world, position, step, token, and whether it states the answer.

        With a map along the chain also *effect*: that of its step or of itself, in the map's unit, at the chosen
        labels; NaN in the source chain, and where the map has no such cell.
        """
        frame, own, found = token_table(self.item), self.map, self.colouring()
        if found.maps is not None and found.maps.axis:
            effects = along_chain(own, found.at) if own is not None else {}
            frame["effect"] = frame[found.maps.axis].map(effects).where(frame["world"] == "base").astype(float)
        return frame

    def to_html(self, path: str | Path) -> Path:
        """Writes the coloured text as a page of its own, and returns its path."""
        path = Path(path)
        page = self.page()
        write_text(path, to_html(Page(page.headline, page.headline, "", page.sections)))
        return path

    def __repr__(self) -> str:
        return in_terminal(self.page(framed=False))

    def _repr_html_(self) -> str:
        return to_notebook(self.page())

    def page(self, *, framed: bool = True) -> Page:
        """What is shown; `framed`: where the token that states the answer has a frame."""
        return Page(
            "", "", f"Chains of item {placed(self.results, self.item)}", (Section("", self.blocks(framed=framed)),)
        )

    def blocks(self, *, framed: bool = True) -> tuple[Block, ...]:
        """The two chains, what their colours mean, and of an estimate what it is worth."""
        found, own = self.colouring(), self.map
        scale = () if found.maps is None else (colour_scale(self.results, found),)
        worth: tuple[Block, ...] = ()
        if own is not None and is_estimate(own.kind):
            verdict = own.agreement.verdict if own.agreement else VERDICTS[-1]
            worth = (Notes((f"the estimates of this item, against exact patching: {verdict}",), "note"),)
        frames = (Text(FRAMES, Look.SMALL),) if framed else ()
        colours = Text(chain_colours(found), Look.SMALL)
        return (colours, *scale, *chain_blocks(found.chains[0]), *worth, *frames)


def placed(results: Results, item: Measured) -> str:
    """An item's id and its place among those of the run, in words, such as `2, the 1st of 3`."""
    place = next((number for number, each in enumerate(results.items, 1) if each.id == item.id), None)
    return item.id if place is None else f"{item.id}, the {ordinal(place)} of {len(results.items)}"


def token_table(item: Measured) -> pd.DataFrame:
    """A row a token of each of an item's chains: world, position, step, token, and whether it states the answer."""
    rows = [
        (str(world), place, step, token, place == told.states_answer)
        for world, told in item.worlds
        for place, (token, step) in enumerate(zip(told.tokens, told.steps, strict=True))
    ]
    return pd.DataFrame(rows, columns=["world", "position", "step", "token", "states_answer"])


def in_terminal(page: Page) -> str:
    """A page as text for where this process writes: in colour on a terminal, plain elsewhere."""
    return to_text(page, WIDTH, colour=sys.stdout.isatty()).rstrip("\n")
