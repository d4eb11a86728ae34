"""Shares and effects of one outcome of a run: worked out once, and told on the page and in short."""

from dataclasses import dataclass

from mediate.report.analysis import Analysis
from mediate.report.blocks import Block, Look, Row, Table, Text, columns, numbers
from mediate.report.parts import in_lines, of_channel, share_cells
from mediate.report.run.held_against import wording
from mediate.report.run.tables import EFFECT_NAMES
from mediate.report.words import GAP, gaps, interval, mediated_words, number, percent, plural
from mediate.results import Cube
from mediate.results.outcomes import unit_of
from mediate.stats import Estimate

SHARES = (
    f"Direct, text and latent are Shapley values and sum to 100{GAP}%. The mediated share is TIE / TE: it counts what "
    "question and chain do only together as the chain's, so it need not equal text plus latent."
)
DEFINITIONS = {
    "te": "Y11 − Y00",
    "nde": "Y10 − Y00",
    "nie": "Y01 − Y00",
    "tde": "Y11 − Y01",
    "tie": "Y11 − Y10",
    "interaction": "Y11 − Y10 − Y01 + Y00",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """An outcome's cube with the set's shares and effects."""

    cube: Cube
    analysis: Analysis
    shares: dict[str, Estimate]
    effects: dict[str, Estimate]

    @property
    def found(self) -> str:
        """The mediated share, in a few words."""
        return mediated_words(self.shares["mediated"])

    @property
    def found_te(self) -> str:
        """The total effect, in a few words."""
        te = self.effects["te"]
        return f"mean TE {number(te.value)} {unit_of(self.cube.outcome)} {interval(te)}"

    def share_blocks(self) -> tuple[Block, ...]:
        """The shares, and what they rest on."""
        heads = numbers("share of the total effect", "interval", self._mean, "interval")
        return Table((*columns("channel"), *heads), self._rows()), self.basis()

    def effect_blocks(self) -> tuple[Block, ...]:
        """The classical effects."""
        rows = [(EFFECT_NAMES[key], *_cells(self.effects[key]), formula) for key, formula in DEFINITIONS.items()]
        rows += [(each.name, *_cells(self.effects[each.name]), each.definition) for each in self.cube.contrast.named]
        heads = (*columns("effect"), *numbers(unit_of(self.cube.outcome), "interval"), *columns("definition"))
        return Table(heads, tuple(rows)), Text(wording(self.cube.contrast).means, Look.BASIS)

    def short_table(self) -> Table:
        """The shares with TE, where there is no other table of effects."""
        heads = (
            *columns(""),
            *numbers("share of TE", "interval", self._mean, "interval"),
        )
        total = ("total (TE)", "", "", *_cells(self.effects["te"]))
        named = [(each.name, "", "", *_cells(self.effects[each.name])) for each in self.cube.contrast.named]
        return Table(heads, (*self._rows(" %"), total, *named), title=self.cube.outcome)

    def basis(self) -> Text:
        """What the numbers rest on, and why some are undefined."""
        analysis, first, unit = self.analysis, self.shares["mediated"], unit_of(self.cube.outcome)
        least = analysis.least(self.cube.outcome)
        small = self.cube.undefined(least)
        said = (
            f"{self.cube.outcome}; n = {plural(first.n, 'item')} in {plural(first.groups, 'group')}; intervals: "
            f"{percent(analysis.level)} {first.method}, seed {first.seed}; items whose own share is undefined "
            f"(|TE| ≤ {least:g} {unit}): {small}. The effect beside the mediated share is TIE."
        )
        return Text(in_lines(said, self.gaps()), Look.BASIS)

    def gaps(self) -> tuple[str, ...]:
        """Why shares and effects are undefined or have no interval."""
        return (*gaps(self.shares.values(), "shares"), *gaps(self.effects.values(), "effects"))

    @property
    def _mean(self) -> str:
        return f"mean effect ({unit_of(self.cube.outcome)})"

    def _rows(self, unit: str = "") -> tuple[Row, ...]:
        """A share, its interval with a unit, and the effect that it is of; TIE beside the mediated share."""
        rows = []
        for name, share in self.shares.items():
            value, ends = share_cells(share)
            effect = self.effects["tie" if name == "mediated" else name]
            rows.append((of_channel(name), value, ends + (unit if share.low == share.low else ""), *_cells(effect)))
        return tuple(rows)


def summary_of(cube: Cube, analysis: Analysis) -> Summary:
    """The summary of an outcome."""
    return Summary(cube, analysis, analysis.shares(cube), analysis.effects(cube))


def _cells(effect: Estimate) -> tuple[str, str]:
    return number(effect.value), interval(effect)
