"""What a user holds after joining what tokens carry with how likely they are: tables, figures, a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from mediate.figures.joined_tokens import (
    joined_tokens_data,
    plot_joined_tokens,
    plot_tokens_agreed,
    tokens_agreed_data,
)
from mediate.files import write_text
from mediate.report.cell import cell
from mediate.report.drawing import drawing
from mediate.report.saving import saved
from mediate.report.terminal import typed
from mediate.report.token_page import render_joined
from mediate.report.token_words import SET_WORDS, joined_headline, joined_notes
from mediate.report.words import DASH, number, percent, share_words
from mediate.results import Reject
from mediate.results.token_join import ALL, SETS, JoinResults, kind_table, write_joined
from mediate.results.tokens_agreed import (
    Carried,
    TokensAgreed,
    agreed_of,
    agreement_frame,
    carried_of,
)
from mediate.stats import Estimate


@dataclass(frozen=True, slots=True)
class TokenPlots:
    """The figures of joined tokens; each takes `ax` and returns the axes, and its `data()` is what it draws."""

    joined: "TokenJoin"

    @drawing
    def agreed(self, number: str = "correlation", *, kind: str = ALL, ax: Axes | None = None) -> Axes:
        """How far scores find what tokens carry; see `mediate.figures.joined_tokens.plot_tokens_agreed`."""
        return plot_tokens_agreed(self.joined.estimates, number, kind=kind, ax=ax)

    def _agreed_data(self, number: str = "correlation", *, kind: str = ALL) -> pd.DataFrame:
        return tokens_agreed_data(self.joined.estimates, number, kind=kind)

    @drawing
    def tokens(self, effect: str = "knockout", *, ax: Axes | None = None) -> Axes:
        """Every token by surprisal and effect; see `mediate.figures.joined_tokens.plot_joined_tokens`."""
        return plot_joined_tokens(self.joined.tokens(), effect, ax=ax)

    def _tokens_data(self, effect: str = "knockout") -> pd.DataFrame:
        return joined_tokens_data(self.joined.tokens(), effect)


@dataclass(frozen=True, repr=False)
class TokenJoin:
    """Joined tokens with the views that a user asks for.

    Args:
        results: What was found.
        folder: The run directory; None where nothing was written.

    Example:
        >>> found = md.join_tokens(model, pairs)  # doctest: +SKIP
        >>> found.tokens(), found.carried()  # doctest: +SKIP
    """

    results: JoinResults
    folder: Path | None = None

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Choices, models, versions, counts, a summary and status, as in `run.json`."""
        return self.results.manifest

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """What was left out, and why."""
        return self.results.rejects

    @cached_property
    def estimates(self) -> tuple[TokensAgreed, ...]:
        """Every effect with every score, for each kind of token, as estimates."""
        return agreed_of(self.results)

    @cached_property
    def together(self) -> tuple[Carried, ...]:
        """What each set of tokens carries together, as estimates."""
        return carried_of(self.results)

    def tokens(self) -> pd.DataFrame:
        """A row a token; see `mediate.results.token_join.joined_token_table`."""
        return self.results.tokens()

    def table(self) -> pd.DataFrame:
        """A row a chain; see `mediate.results.token_join.joined_chain_table`."""
        return self.results.table()

    def agreed(self, table: pd.DataFrame | None = None) -> pd.DataFrame:
        """A row an effect, score and kind: rank correlation and area under the curve, with intervals and counts.

        Args:
            table: Tokens with other effects or fewer of them, such as `tokens()` without those that state the answer.
        """
        return agreement_frame(self.estimates if table is None else agreed_of(self.results, table=table))

    def carried(self) -> pd.DataFrame:
        """A row a set of tokens: how much of all tokens, and of the effect of hiding the whole chain, with interval."""
        return pd.DataFrame(
            {
                "set": each.name,
                "of_tokens": each.of_tokens,
                "share": each.share.value,
                "share_low": each.share.low,
                "share_high": each.share.high,
                "chains": each.chains,
            }
            for each in self.together
        )

    def by_kind(self) -> pd.DataFrame:
        """A row a kind of token, with means over all chains; see `mediate.results.token_join.kind_table`."""
        return kind_table(self.tokens())

    @property
    def plot(self) -> TokenPlots:
        """The figures."""
        return TokenPlots(self)

    def to_html(self, path: str | Path) -> Path:
        """Writes the page to a file of its own."""
        path = Path(path)
        write_text(path, render_joined(self.results))
        return path

    def save(self, folder: str | Path) -> "TokenJoin":
        """Writes a run directory and returns the record that belongs to it.

        Raises:
            InputError: The folder holds a run already.
        """
        return TokenJoin(self.results, saved(folder, self.results, write_joined))

    @property
    def headline(self) -> str:
        """What rejected tokens carry together, and of what."""
        return joined_headline(self.results, self.together)

    def notes(self) -> list[str]:
        """What else must be known."""
        return joined_notes(self.results, self.together, self.estimates)

    def summary(self) -> pd.DataFrame:
        """A row a set of tokens, in words."""
        found = {each.name: each for each in self.together}
        return pd.DataFrame(
            {
                "hidden at once": SET_WORDS[name],
                "of the tokens": percent(found[name].of_tokens, 1),
                "of the whole effect": share_words(found[name].share) if found[name].chains else DASH,
            }
            for name in SETS
        )

    def scores(self) -> pd.DataFrame:
        """A row a score, over tokens of all kinds, in words."""
        return pd.DataFrame(
            {
                "effect": each.effect,
                "score": each.score.replace("_", " "),
                "rank correlation": _said(each.correlation),
                "area": _said(each.area),
                "n": each.correlation.n,
            }
            for each in self.estimates
            if each.kind == ALL
        )

    def __repr__(self) -> str:
        tables = [each.to_string(index=False) for each in (self.summary(), self.scores())]
        return typed("\n".join([self.headline, *tables, *self.notes()]))

    def _repr_html_(self) -> str:
        return cell(self.headline, self.notes(), self.scores())


def _said(estimate: Estimate) -> str:
    return f"{estimate:.2f}".replace("-", "−") if estimate.defined else number(estimate.value)
