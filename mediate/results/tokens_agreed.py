"""How likely tokens are, held against what they carry: rank correlations, and the area under the receiver curve.

Both within chains: each chain's tokens are held against each other, and the mean is over chains, so that how chains
differ does not count. A chain says nothing, and is counted, where

- no token's effect is above `least` in size (`noise`): what is left then is what rounding and small pulls make;
- it has fewer than three tokens of the kind (`few`), or the score or the effect is the same for all (`constant`): no
  rank correlation;
- none of its tokens of the kind is among those that carry most, or all are (`one class`), or the score is the same for
  all (`constant`): no area.

The tokens that carry *most* are those of the largest effects, positive towards the answer and above `least`: at most a
tenth of a chain's, and at least one. Tokens of equal effects that do not all fit are none of them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats

from mediate.results.token_join import ALL, EFFECTS, KINDS, SETS, JoinResults, members
from mediate.stats import Estimate, bootstrap_ratio
from mediate.stats.bounded import bounded_mean
from mediate.stats.rank import FEWEST, spearman_of_each
from mediate.stats.receiver import receiver_areas

if TYPE_CHECKING:
    import pandas

MOST = 0.1
# The scores that effects are held against, each larger for tokens that a student finds less likely, but for the place.
SCORES = ("surprisal", "rank", "entropy", "rejected", "teacher_surprisal", "divergence", "position")
NOISE, FEW, CONSTANT, ONE_CLASS = "noise", "few", "constant", "one class"


@dataclass(frozen=True, slots=True)
class Judging:
    """What the statistics of joined tokens depend on beside the numbers.

    Args:
        least: The size of an effect, in its unit, up to which it is noise.
        most: The part of a chain's tokens that carry most.
        seed: Seed of the bootstrap over groups.
        level: Coverage of the intervals.
    """

    least: float = 0.0
    most: float = MOST
    seed: int = 0
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class TokensAgreed:
    """How far a score and an effect agree over the tokens of a kind, within chains.

    Args:
        effect: The effect's name.
        score: The score's.
        kind: A kind of token, or `all`.
        correlation: Mean over chains of Spearman's correlation over a chain's own tokens.
        area: Mean over chains of the area under the receiver curve of the tokens that carry most; 0.5 is what a score
            without any bearing on them has.
        without_correlation: How many chains have no correlation, by why.
        without_area: How many have no area.
    """

    effect: str
    score: str
    kind: str
    correlation: Estimate
    area: Estimate
    without_correlation: Mapping[str, int]
    without_area: Mapping[str, int]


class OfChain(NamedTuple):
    """What one chain says: both numbers, why it has none of either, and the group that it is of."""

    correlation: float
    area: float
    no_correlation: str
    no_area: str
    group: str


@dataclass(frozen=True, slots=True)
class Carried:
    """What some tokens carry together.

    Args:
        name: The set.
        share: The effect of hiding a chain's tokens of the set at once over that of hiding the whole chain, as a ratio
            of sums over chains; a chain without such tokens counts with 0.
        of_tokens: How much of all tokens they are.
        chains: How many chains have any.
        undefined: Chains whose whole effect is not above `least` in size, so that their own share is undefined; the
            ratio of sums counts them in.
    """

    name: str
    share: Estimate
    of_tokens: float
    chains: int
    undefined: int


def carrying_most(
    effects: Float[np.ndarray, " token"], least: float = 0.0, most: float = MOST
) -> Bool[np.ndarray, " token"]:
    """Which of a chain's tokens carry most: the part `most` of them with the largest effects above `least`, or one.

    Tokens of equal effects that do not all fit are none of them.
    """
    count = max(1, int(most * len(effects) + 1e-9))
    place = stats.rankdata(-effects, method="max")
    found: Bool[np.ndarray, " token"] = (place <= count) & (effects > least)
    return found


def tokens_agreed(
    table: "pandas.DataFrame",
    effects: Sequence[str] = EFFECTS,
    scores: Sequence[str] = SCORES,
    kinds: Sequence[str] = (ALL, *KINDS),
    judging: Judging | None = None,
) -> tuple[TokensAgreed, ...]:
    """Every effect that a table has with every score, for each kind of token.

    Args:
        table: Columns `item`, `group`, `kind`, `first`, `accepted`, effects and scores; a row a token. A score of one's
            own is one more column.
        effects: The columns of effects; chains in which one is NaN are left out of it.
        scores: The columns of scores; `rejected` is 1 where `accepted` is False.
        kinds: Kinds of token, or `all`.
        judging: What noise is, and how intervals are made.
    """
    judging = judging or Judging()
    table = table.assign(rejected=1.0 - table["accepted"].astype(float))
    scores = [name for name in scores if name in table]
    chains = [chain for _, chain in table.groupby("item", sort=False)]
    found = []
    for effect in [name for name in effects if name in table]:
        having = [chain for chain in chains if not chain[effect].isna().any()]
        own: dict[tuple[str, str], list[OfChain]] = {(kind, score): [] for kind in kinds for score in scores}
        for chain in having:
            for place, said in _of_chain(chain, effect, scores, kinds, judging):
                own[place].append(said)
        if having:
            found += [_agreed(effect, *place, rows, judging) for place, rows in own.items()]
    return tuple(found)


def _of_chain(
    chain: "pandas.DataFrame", effect: str, scores: Sequence[str], kinds: Sequence[str], judging: Judging
) -> Iterator[tuple[tuple[str, str], OfChain]]:
    """By kind and score, a chain's own correlation and area, or why it has none; only of kinds that it has."""
    values = chain[effect].to_numpy(float)
    noise = bool((abs(values) <= judging.least).all())
    carrying = carrying_most(values, judging.least, judging.most)
    group = str(chain["group"].iloc[0])
    known = np.array([chain[name].to_numpy(float) for name in scores]).reshape(len(scores), len(values))
    undefined = np.full(len(scores), np.nan)
    for kind in kinds:
        here = members(chain, kind)
        if not here.any():
            continue
        enough = here.sum() >= FEWEST
        correlations = spearman_of_each(known[:, here], values[here]) if enough and not noise else undefined
        areas = receiver_areas(carrying[here], known[:, here]) if not noise else undefined
        no_area = ONE_CLASS if np.isnan(areas).all() else CONSTANT
        areas = np.where(np.ptp(known[:, here], axis=1) > 0, areas, np.nan)
        why, why_no_area = (NOISE, NOISE) if noise else (CONSTANT if enough else FEW, no_area)
        for name, correlation, area in zip(scores, correlations.tolist(), areas.tolist(), strict=True):
            without = why if np.isnan(correlation) else "", why_no_area if np.isnan(area) else ""
            yield (kind, name), OfChain(correlation, area, *without, group)


def _agreed(effect: str, kind: str, score: str, said: Sequence[OfChain], judging: Judging) -> TokensAgreed:
    def mean(numbers: Sequence[float], bounds: tuple[float, float]) -> Estimate:
        there = [(number, each.group) for number, each in zip(numbers, said, strict=True) if not np.isnan(number)]
        values = np.array([number for number, _ in there], dtype=float)
        return bounded_mean(values, [group for _, group in there], bounds=bounds, level=judging.level)

    return TokensAgreed(
        effect,
        score,
        kind,
        correlation=mean([each.correlation for each in said], (-1.0, 1.0)),
        area=mean([each.area for each in said], (0.0, 1.0)),
        without_correlation=dict(Counter(each.no_correlation for each in said if each.no_correlation)),
        without_area=dict(Counter(each.no_area for each in said if each.no_area)),
    )


def carried(table: "pandas.DataFrame", judging: Judging | None = None) -> tuple[Carried, ...]:
    """What each set of tokens carries together.

    Args:
        table: From `joined_chain_table`.
        judging: What noise is, of the mean effect of hiding the whole chain, and how intervals are made.
    """
    judging = judging or Judging()
    whole, groups = table["whole"].to_numpy(float), table["group"].tolist()
    undefined = int((abs(whole) <= judging.least).sum())
    return tuple(
        Carried(
            name,
            bootstrap_ratio(
                table[f"hidden.{name}"].to_numpy(float),
                whole,
                groups,
                min_mean_denominator=judging.least,
                seed=judging.seed,
                level=judging.level,
            ),
            float(table[f"tokens.{name}"].sum() / table["tokens"].sum()),
            int((table[f"tokens.{name}"] > 0).sum()),
            undefined,
        )
        for name in SETS
    )


def agreement_frame(found: Sequence[TokensAgreed]) -> "pandas.DataFrame":
    """A row an effect, score and kind: both numbers, their intervals, and how many chains have one or have none."""
    import pandas as pd

    rows = []
    for each in found:
        row: dict[str, object] = {"effect": each.effect, "score": each.score, "kind": each.kind}
        both = (("correlation", each.correlation, each.without_correlation), ("area", each.area, each.without_area))
        for name, estimate, without in both:
            row |= {
                name: estimate.value,
                f"{name}_low": estimate.low,
                f"{name}_high": estimate.high,
                f"{name}_n": estimate.n,
                f"{name}_without": sum(without.values()),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def agreed_of(
    results: JoinResults, kinds: Sequence[str] = (ALL, *KINDS), table: "pandas.DataFrame | None" = None
) -> tuple[TokensAgreed, ...]:
    """`tokens_agreed` of a run's tokens, or of such a table with more scores in it, by the run's own choices."""
    return tokens_agreed(results.tokens() if table is None else table, kinds=kinds, judging=judging_of(results))


def carried_of(results: JoinResults) -> tuple[Carried, ...]:
    """`carried` of a run's chains, by the run's own choices."""
    return carried(results.table(), judging_of(results))


def judging_of(results: JoinResults) -> Judging:
    """A run's own choices."""
    spec = results.manifest["spec"]
    return Judging(spec["min_te"], spec["most"], spec["seed"], spec["level"])


def summary_of(results: JoinResults) -> dict[str, object]:
    """A run's main numbers for its manifest: what sets of tokens carry, and both numbers of each score."""
    shares = {each.name: _plain(each.share) | {"of_tokens": each.of_tokens} for each in carried_of(results)}
    return {
        "carried": shares,
        "agreed": _plainly(agreed_of(results, [ALL])),
        "agreed_without_statement": _plainly(without_statement(results)),
    }


def without_statement(results: JoinResults) -> tuple[TokensAgreed, ...]:
    """`agreed_of` the tokens, of all kinds, that are not where their chain last states the answer.

    What carries most of them is found among them: the statement can be copied, and most often carries most.
    """
    tokens = results.tokens()
    return agreed_of(results, [ALL], tokens[~tokens["states_answer"]])


def _plainly(found: Sequence[TokensAgreed]) -> dict[str, dict[str, object]]:
    """Both numbers by effect and score, as JSON has them."""
    told: dict[str, dict[str, object]] = {}
    for each in found:
        without = {"without_correlation": dict(each.without_correlation), "without_area": dict(each.without_area)}
        both = {"correlation": _plain(each.correlation), "area": _plain(each.area)}
        told.setdefault(each.effect, {})[each.score] = both | without
    return told


def _plain(estimate: Estimate) -> dict[str, object]:
    """An estimate as JSON has it: null for what is undefined."""
    numbers = {name: getattr(estimate, name) for name in ("value", "low", "high")}
    plain = {name: None if np.isnan(number) else number for name, number in numbers.items()}
    return plain | {"n": estimate.n, "groups": estimate.groups, "reason": estimate.reason}
