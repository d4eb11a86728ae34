"""How likely a model finds the chains that it may be taught: scores of each token, and of each trace.

No training is needed. *Surprisal* is minus the log-probability of a token after all that stands before it; its *rank*
is one more than the number of tokens with strictly larger logits, so ties do not raise it.

The Rank-Surprisal Ratio of a trace is the sum of its capped ranks over the sum of its surprisals, and that of a set the
sum over traces of mean ranks over the sum of mean surprisals, so that each trace counts once (arXiv 2601.14249; lower
is said to teach better). *drop* leaves the first token of each step out of the mean log-probability, and *casl* takes
out what the number of steps a token explains, by least squares over the set (arXiv 2604.06834). The speculative rule
accepts a token that is among the student's likeliest and likely enough (arXiv 2509.22230).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from mediate.errors import InputError

if TYPE_CHECKING:
    import pandas

# Numbers of the publications.
CAP, TOP, LIKELY = 100, 20, 0.01
# A ratio over a smaller mean surprisal, in nats, says how near zero that is and nothing else.
FLOOR = 0.01
# By what traces can be selected, and whether the larger score is the better one.
HIGHER_IS_BETTER: Mapping[str, bool] = {
    "rsr": False,
    "surprisal": False,
    "drop": True,
    "casl": True,
    "accepted": True,
}


@dataclass(frozen=True, slots=True, eq=False)
class ScoredTrace:
    """The scores of the tokens of one trace, under a student and perhaps a teacher.

    Args:
        item: The item's id.
        group: The item's group.
        question: The question's text: traces of one question compete.
        chain: The chain's text.
        answer: The answer's text.
        tokens: The text of each token that is scored.
        steps: The step of each token, counted from 0; cue and answer, where they are scored, are one step more.
        surprisal: Under the student, in nats.
        rank: Under the student, from 1.
        entropy: Of what the student expects there, in nats.
        teacher: Surprisal under the teacher, in nats; None without one.
        divergence: `-sum p_student log p_teacher`, in nats; None without a teacher.
    """

    item: str
    group: str
    question: str
    chain: str
    answer: str
    tokens: tuple[str, ...]
    steps: tuple[int, ...]
    surprisal: Float[np.ndarray, " token"]
    rank: Int[np.ndarray, " token"]
    entropy: Float[np.ndarray, " token"]
    teacher: Float[np.ndarray, " token"] | None = None
    divergence: Float[np.ndarray, " token"] | None = None

    def __post_init__(self) -> None:
        arrays = [self.surprisal, self.rank, self.entropy, self.teacher, self.divergence]
        if {len(self.tokens), len(self.steps), *(len(each) for each in arrays if each is not None)} != {
            len(self.tokens)
        } or not self.tokens:
            raise ValueError(f"trace {self.item!r}: {len(self.tokens)} tokens, and other numbers of scores")

    @property
    def first(self) -> Bool[np.ndarray, " token"]:
        """Whether a token is the first of its step."""
        steps = np.array(self.steps)
        return np.concatenate([[True], steps[1:] != steps[:-1]])

    def accepted(self, top: int = TOP, likely: float = LIKELY) -> Bool[np.ndarray, " token"]:
        """Whether the speculative rule would keep a token: among the student's `top`, and at least so probable."""
        found: Bool[np.ndarray, " token"] = (self.rank <= top) & (np.exp(-self.surprisal) >= likely)
        return found


@dataclass(frozen=True, slots=True)
class TraceRule:
    """The numbers that scores of traces are worked out with.

    Args:
        cap: Ranks above it count as it.
        floor: The mean surprisal, in nats, below which a ratio is undefined.
        top: The speculative rule's number of likeliest tokens.
        likely: The speculative rule's least probability.
    """

    cap: int = CAP
    floor: float = FLOOR
    top: int = TOP
    likely: float = LIKELY


def rank_surprisal_ratio(
    rank: Int[np.ndarray, " token"], surprisal: Float[np.ndarray, " token"], rule: TraceRule | None = None
) -> float:
    """The sum of capped ranks over the sum of surprisals; NaN where the mean surprisal is below the floor."""
    rule = rule or TraceRule()
    if surprisal.mean() < rule.floor:
        return float("nan")
    return float(np.minimum(rank, rule.cap).sum() / surprisal.sum())


def set_ratio(traces: Sequence[ScoredTrace], rule: TraceRule | None = None) -> float:
    """The Rank-Surprisal Ratio of a set: sum of mean capped ranks over sum of mean surprisals.

    Traces whose own ratio is undefined count: it is the set's mean surprisal that must not be below the floor.
    """
    rule = rule or TraceRule()
    ranks = [np.minimum(each.rank, rule.cap).mean() for each in traces]
    surprisals = [each.surprisal.mean() for each in traces]
    if not traces or np.mean(surprisals) < rule.floor:
        return float("nan")
    return float(np.sum(ranks) / np.sum(surprisals))


def step_length_corrected(
    logprob: Float[np.ndarray, " trace"],
    first: Float[np.ndarray, " trace"],
    drop: Float[np.ndarray, " trace"],
    steps_a_token: Float[np.ndarray, " trace"],
) -> Float[np.ndarray, " trace"]:
    """*casl*: the mean log-probability less what the number of steps a token explains of it.

    Least squares over the set of `logprob = b1 first + b2 drop + g steps_a_token + e`, without a constant; the score is
    `logprob - g steps_a_token`. All NaN where the set does not determine `g`: fewer than four traces, or columns that
    depend on each other.

    Args:
        logprob: The mean log-probability of each trace, in nats.
        first: The same of the first tokens of its steps.
        drop: The same of all others; NaN where there are none, and such a trace has no score.
        steps_a_token: How many steps it has a token.
    """
    found = np.full(len(logprob), np.nan)
    there = np.isfinite(drop)
    columns = np.stack([first, drop, steps_a_token], axis=1)[there]
    if len(columns) <= columns.shape[1] or np.linalg.matrix_rank(columns) < columns.shape[1]:
        return found
    slope = np.linalg.lstsq(columns, logprob[there], rcond=None)[0][2]
    found[there] = logprob[there] - slope * steps_a_token[there]
    return found


def token_table(traces: Sequence[ScoredTrace], rule: TraceRule | None = None) -> "pandas.DataFrame":
    """A row a token: `item`, `position` in the trace, `token`, `step`, whether it is the `first` of its step, scores.

    They are `surprisal`, `rank`, `entropy`, `accepted`, and with a teacher `teacher_surprisal` and `divergence`; in
    nats but for the rank.
    """
    import pandas as pd

    rule = rule or TraceRule()
    frames = []
    for each in traces:
        columns: dict[str, object] = {
            "item": [each.item] * len(each.tokens),
            "position": np.arange(len(each.tokens)),
            "token": each.tokens,
            "step": each.steps,
            "first": each.first,
            "surprisal": each.surprisal,
            "rank": each.rank,
            "entropy": each.entropy,
            "accepted": each.accepted(rule.top, rule.likely),
        }
        if each.teacher is not None and each.divergence is not None:
            columns |= {"teacher_surprisal": each.teacher, "divergence": each.divergence}
        frames.append(pd.DataFrame(columns))
    if not frames:
        return pd.DataFrame(columns=["item", "position", "token", "step", "first", "surprisal", "rank", "entropy"])
    return pd.concat(frames, ignore_index=True)


def trace_table(traces: Sequence[ScoredTrace], rule: TraceRule | None = None) -> "pandas.DataFrame":
    """A row a trace: `item`, `group`, `question`, `chain`, `answer`, `tokens`, `steps`, and its scores.

    They are means over its tokens of `surprisal`, capped `rank` and `entropy`, with the sums `total_surprisal` and
    `total_rank`; `perplexity`; the ratio `rsr`; the corrected mean log-probabilities `drop` and `casl`; the `accepted`
    share; and with a teacher `teacher_surprisal` and `divergence`. NaN where one is undefined.
    """
    import pandas as pd

    rule = rule or TraceRule()
    rows = []
    for each in traces:
        first, rank = each.first, np.minimum(each.rank, rule.cap)
        row: dict[str, object] = {
            "item": each.item,
            "group": each.group,
            "question": each.question,
            "chain": each.chain,
            "answer": each.answer,
            "tokens": len(each.tokens),
            "steps": int(first.sum()),
            "surprisal": each.surprisal.mean(),
            "rank": rank.mean(),
            "entropy": each.entropy.mean(),
            "total_surprisal": each.surprisal.sum(),
            "total_rank": int(rank.sum()),
            "perplexity": np.exp(each.surprisal.mean()),
            "rsr": rank_surprisal_ratio(each.rank, each.surprisal, rule),
            "first": -each.surprisal[first].mean(),
            "drop": -each.surprisal[~first].mean() if not first.all() else np.nan,
            "accepted": each.accepted(rule.top, rule.likely).mean(),
        }
        if each.teacher is not None and each.divergence is not None:
            row |= {"teacher_surprisal": each.teacher.mean(), "divergence": each.divergence.mean()}
        rows.append(row)
    table = pd.DataFrame(rows)
    if len(table):
        numbers = [table[name].to_numpy(float) for name in ("surprisal", "first", "drop", "steps", "tokens")]
        surprisal, first, drop, steps, tokens = numbers
        corrected = step_length_corrected(-surprisal, first, drop, steps / tokens)
        table["first"] = corrected
        table = table.rename(columns={"first": "casl"})
    return table


def selected(
    table: "pandas.DataFrame", by: str, *, keep: float | None = None, of_question: int | None = None
) -> list[str]:
    """The ids of the traces with the best scores, in the table's order; ties go to the one that stands first.

    Args:
        table: From `trace_table`.
        by: `rsr` or `surprisal`, of which the least are best, or `drop`, `casl` or `accepted`, of which the largest.
        keep: The part of all traces that is kept, above 0 and up to 1; at least one trace.
        of_question: How many traces of each question are kept, instead.

    Raises:
        InputError: No such score, neither or both ways of keeping, a number out of range, or too few traces with a
            score.
    """
    if by not in HIGHER_IS_BETTER:
        raise InputError(f"no score {by!r} to select by; there are {', '.join(HIGHER_IS_BETTER)}")
    if (keep is None) == (of_question is None):
        raise InputError(
            "say how many are kept: a part of all traces (keep), or so many of each question (of-question)"
        )
    if keep is not None and not 0 < keep <= 1:
        raise InputError(f"keep is {keep:g}; give a part above 0 and up to 1, such as 0.25")
    if of_question is not None and of_question < 1:
        raise InputError(f"of-question is {of_question}; keep at least one trace of each question")
    there = table[np.isfinite(table[by].to_numpy(float))]
    if not len(there):
        raise InputError(f"no trace has a {by}: it is undefined for all {len(table)}; select by another score")
    order = there.sort_values(by, ascending=not HIGHER_IS_BETTER[by], kind="stable")
    if keep is not None:
        wanted = max(1, round(keep * len(table)))
        if wanted > len(there):
            raise InputError(
                f"{by} is undefined for {len(table) - len(there)} of {len(table)} traces, so that {wanted} cannot be "
                "kept by it; keep fewer, or select by another score"
            )
        chosen = set(order["item"].head(wanted))
    else:
        chosen = set(order.groupby("question", sort=False)["item"].head(of_question))
    return [item for item in table["item"] if item in chosen]
