"""The items of a run as a sequence, and one of them as a record: its chain, its tokens, its effects and its maps."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import overload

import numpy as np
import pandas as pd

from mediate.errors import InputError, short
from mediate.report.analysis import analysis_of, repeats
from mediate.report.blocks import Page, Section, Table, columns, numbers
from mediate.report.cell import cell
from mediate.report.html import to_notebook
from mediate.report.run.item_tokens import ItemTokens, in_terminal, placed, token_table
from mediate.report.run.map_sets import map_sets, named_set
from mediate.report.run.tables import channel_table
from mediate.report.words import number, percent, plural
from mediate.results import CHANNELS, EffectMap, Measured, Results, Told
from mediate.results.outcomes import unit_of

MOST_SHOWN = 20
# The most ids that a message names.
MOST_NAMED = 5
# What is told of an item's effects: each quantity with its column in `channel_table`, and that of its share.
_QUANTITIES = {
    "TE": ("te", ""),
    **{name: (name, f"{name}_share") for name in CHANNELS},
    "mediated": ("tie", "mediated_share"),
}


@dataclass(frozen=True, slots=True, repr=False)
class ScoredItem:
    """One item of a run with all that was measured of it.

    Args:
        results: What the run found.
        item: The item.
    """

    results: Results
    item: Measured

    @property
    def id(self) -> str:
        """Its name."""
        return self.item.id

    @property
    def group(self) -> str:
        """What the bootstrap resamples it with."""
        return self.item.group

    @property
    def question(self) -> str:
        """The base world's question."""
        return self.item.base.question

    @property
    def chain(self) -> str:
        """The base world's chain of thought."""
        return "".join(self.item.base.tokens)

    @property
    def answer(self) -> str:
        """The base world's answer."""
        return self.item.base.answer

    @property
    def source(self) -> Told | None:
        """What stands in the source world; None of an item by itself."""
        return self.item.source

    @property
    def tokens(self) -> pd.DataFrame:
        """A row a token of either chain: world, position, step, token, and whether it states the answer."""
        return token_table(self.item)

    @property
    def effects(self) -> pd.DataFrame:
        """A row an outcome and quantity (TE, channels, mediated, what the contrast names): value, share of TE, unit.

        The share is NaN where |TE| is too small for one, and of quantities that are told as differences alone.
        """
        rows = [row[:-1] for row in self._quantities()]
        return pd.DataFrame(rows, columns=["outcome", "quantity", "value", "share", "unit"])

    def maps(self, kind: str | None = None) -> tuple[EffectMap, ...]:
        """Its maps; where a kind is named (`read`, `read:step,layer`), those of it.

        Raises:
            InputError: The run has no maps of that kind.
        """
        sets = map_sets(self.results)
        if kind is not None:
            named_set(self.results, kind)
            sets = tuple(each for each in sets if kind in (each.kind, each.name))
        return tuple(each for found in sets for each in found.maps if each.item == self.id)

    def coloured(self, kind: str | None = None, layer: int | None = None, **at: int) -> ItemTokens:
        """Its chains coloured by a map; see `Scores.tokens`."""
        return ItemTokens(self.results, self.item, kind, at if layer is None else {"layer": layer, **at})

    def show(self, kind: str | None = None, layer: int | None = None) -> str:
        """All of it as text for a terminal: its effects and its chains by a map, coloured where the terminal can.

        Raises:
            InputError: There is no such map or layer.
        """
        return in_terminal(self._page(self.coloured(kind, layer), framed=False))

    def __repr__(self) -> str:
        return self.show()

    def _repr_html_(self) -> str:
        return to_notebook(self._page(self.coloured()))

    def _page(self, tokens: ItemTokens, *, framed: bool = True) -> Page:
        said = [f"Item {placed(self.results, self.item)}", f"group {self.group}"]
        said += [f"condition {self.item.condition}"] if self.item.condition else []
        blocks = (self._numbers(), *tokens.blocks(framed=framed))
        return Page("", "", ", ".join(said), (Section("", blocks),))

    def _numbers(self) -> Table:
        rows = [
            (outcome, name, f"{number(value)} {unit}", "" if np.isnan(share) and not defined else percent(share))
            for outcome, name, value, share, unit, defined in self._quantities()
            if repeats(self.results, outcome) is None
        ]
        return Table((*columns("outcome", "quantity"), *numbers("value", "share of TE")), tuple(rows), named=False)

    def _quantities(self) -> Iterator[tuple[str, str, float, float, str, bool]]:
        """By outcome and quantity: its value, its share of TE, its unit, and whether shares are told of it."""
        for cube in self.results.cubes:
            table = channel_table(cube, min_te=analysis_of(self.results).least(cube.outcome))
            for row in table[table["item"] == self.id].to_dict("records"):
                for name, (value, share) in (
                    _QUANTITIES | {each.name: (each.name, "") for each in cube.contrast.named}
                ).items():
                    part = float(row[share]) if share else np.nan
                    yield cube.outcome, name, float(row[value]), part, unit_of(cube.outcome), bool(share)


@dataclass(frozen=True, slots=True, repr=False)
class ScoredItems:
    """The items of a run, by place and by id: `scores.items[0]`, `scores.items["apples-2-0000"]`.

    A text is an id where there is such an item. Where ids are no numbers, digits are a place too.
    """

    results: Results

    def __len__(self) -> int:
        return len(self.results.items)

    def __iter__(self) -> Iterator[ScoredItem]:
        return (ScoredItem(self.results, item) for item in self.results.items)

    @overload
    def __getitem__(self, key: int | str) -> ScoredItem: ...

    @overload
    def __getitem__(self, key: slice) -> tuple[ScoredItem, ...]: ...

    def __getitem__(self, key: int | str | slice) -> ScoredItem | tuple[ScoredItem, ...]:
        if isinstance(key, slice):
            return tuple(ScoredItem(self.results, item) for item in self.results.items[key])
        return ScoredItem(self.results, self._found(key))

    def _found(self, key: int | str) -> Measured:
        items = self.results.items
        if isinstance(key, str):
            if (named := next((item for item in items if item.id == key), None)) is not None:
                return named
            if not key.isdecimal() or int(key) >= len(items) or self._numbered():
                raise InputError(self._missing(key))
        try:
            return items[int(key)]
        except IndexError:
            raise IndexError(f"item {key}: there are {plural(len(items), 'item')}, from 0 on") from None

    def _numbered(self) -> bool:
        """Whether any id is digits, of items left out, too: then digits are no place."""
        left = (each.item for each in self.results.rejects if each.part == "item")
        return any(each.isdecimal() for each in (*(item.id for item in self.results.items), *left))

    def _missing(self, key: str) -> str:
        left = next((each for each in self.results.rejects if each.item == key and each.part == "item"), None)
        if left is not None:
            return f"item {short(key)} was left out: {left.reason}"
        ids = [item.id for item in self.results.items]
        near = get_close_matches(key, ids, n=1)
        meant = (
            f"did you mean {near[0]!r}?" if near else f"there are {plural(len(self), 'item')}, by id or by place from 0"
        )
        if key.isdecimal() and self._numbered():
            listed = ", ".join(map(short, ids[:MOST_NAMED])) + (", ..." if len(ids) > MOST_NAMED else "")
            meant = f"its ids are numbers ({listed}); a place from 0 is given by --place (in Python as an int)"
        return f"no item {short(key)} in these results; {meant}"

    def table(self) -> pd.DataFrame:
        """A row an item: id, group, what stands in its base world, how many steps that has, and TE on each outcome."""
        frame = pd.DataFrame(
            [
                (each.id, each.group, each.question, each.answer, each.chain, len(set(each.item.base.steps)))
                for each in self
            ],
            columns=["item", "group", "question", "answer", "chain", "steps"],
        )
        for cube in self.results.cubes:
            te = channel_table(cube).set_index("item")["te"]
            frame[f"TE {cube.outcome}"] = frame["item"].map(te).astype(float)
        return frame

    def __repr__(self) -> str:
        return f"{self._headline()}\n{self.table().head(MOST_SHOWN).to_string(max_colwidth=40)}"

    def _repr_html_(self) -> str:
        return cell(self._headline(), (), self.table())

    def _headline(self) -> str:
        return f"{plural(len(self), 'item')} measured, {len(self.results.rejects)} entries left out"
