"""How the worded reference reasoners are trained: on problems that are asked and told in many ways, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mediate.models.prompts import ANSWER_CUE
from mediate.models.shipped import WORDED_LADDER, After
from mediate.reference.optimiser import MuonAdamW
from mediate.reference.recipe import Recipe, Schedule
from mediate.reference.worded_card import CARD, MARKS, card
from mediate.reference.worded_exam import examine_worded
from mediate.tasks.factors import Shares, varied
from mediate.tasks.modular import draw_problems
from mediate.tasks.worded import FILLER, Worded
from mediate.tuning.labels import IGNORED

# Batches whose problems are drawn at once and put together by length, so that little of them is padding.
POOL = 4


class Thought(StrEnum):
    """What a row has between its question and its answer."""

    CHAIN = "chain"
    FILLER = "filler"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class WordedDiet:
    """How often what occurs in training.

    Args:
        shares: Of the settings of each factor, of problems and their chains.
        nothing: The share of rows whose answer follows the question at once.
        filler: The share of rows with filler words in place of the chain, as many as it has words.
        steps: The fewest and the most operations of a problem, beside that of a clause.
        plain: Batches at the beginning in which nothing but hint and form is varied: the arithmetic is learnt first.
    """

    shares: Shares
    nothing: float = 0.1
    filler: float = 0.05
    steps: tuple[int, int] = (2, 5)
    plain: int = 600

    def at(self, batch: int) -> Shares:
        """The shares of a batch, by its number."""
        early = {name: self.shares[name] for name in ("hint", "form") if name in self.shares}
        return early if batch < self.plain else self.shares


# First the arithmetic, and a little of everything.
FIRST_DIET = WordedDiet(
    {
        "names": {"defined": 0.2, "redefined": 0.05},
        "clause": {"unless": 0.15},
        "asked": {"yes_no_bare": 0.15},
        "hint": {"random": 0.8},
        "before": {"asides": 0.15},
        "form": {"words": 0.5},
        "together": {"two": 0.25},
        "verbosity": {"terse": 0.2, "restated": 0.1, "checked": 0.1, "mended": 0.1},
        "results": {"filled": 0.1},
        "filler": {"words": 0.1},
        "after": {"asides": 0.15},
    }
)
# Then mostly what is learnt late: names that a question defines, the clause, yes and no.
DIET = WordedDiet(
    {
        "names": {"defined": 0.6, "redefined": 0.15},
        "clause": {"unless": 0.3},
        "asked": {"yes_no": 0.25, "yes_no_bare": 0.03},
        "hint": {"random": 0.8},
        "before": {"asides": 0.05},
        "form": {"words": 0.5},
        "together": {"two": 0.2},
        "verbosity": {"terse": 0.08, "restated": 0.05, "checked": 0.05, "mended": 0.06},
        "results": {"filled": 0.04},
        "filler": {"words": 0.05},
        "after": {"asides": 0.05},
    },
    nothing=0.06,
    filler=0.03,
    plain=0,
)
# Larger rungs learn from fewer problems, and each costs them more time.
FIRST_SCHEDULES = {
    "0.1m": Schedule(4500, 64, 4e-3),
    "0.3m": Schedule(2500, 64, 4e-3),
    "1.2m": Schedule(1800, 64, 4e-3),
}
SCHEDULES = {
    "0.1m": Schedule(1000, 32, 3e-3),
    "0.3m": Schedule(1800, 32, 3e-3),
    "1.2m": Schedule(480, 32, 2e-3),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A problem in tokens, with a label for each, which is `IGNORED` for what is not learnt."""

    ids: list[int]
    labels: list[int]


@dataclass(frozen=True, slots=True)
class WordedBatches:
    """Batches of problems of all kinds, of like length; to be taken in order, because what they hold goes by it.

    Args:
        diet: What they say.
        tokenizer: What turns it into tokens.
        count: Number of batches.
        rows: Problems in a batch.
        seed: Of the drawing; each pool of batches has a stream of its own.
    """

    diet: WordedDiet
    tokenizer: Any
    count: int
    rows: int
    seed: tuple[int, ...]
    kept: dict[int, list[dict[str, Tensor]]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        pool, place = divmod(number, POOL)
        if pool not in self.kept:
            self.kept.clear()
            self.kept[pool] = self._pool(pool)
        return self.kept[pool][place]

    def _pool(self, number: int) -> list[dict[str, Tensor]]:
        rng = np.random.default_rng([*self.seed, number])
        problems = drawn_problems(self.diet, rng, POOL * self.rows, batch=number * POOL)
        share = rng.random(len(problems))
        empty, filled = share < self.diet.nothing, share < self.diet.nothing + self.diet.filler
        thoughts = [
            Thought.NOTHING if none else Thought.FILLER if some else Thought.CHAIN
            for none, some in zip(empty, filled, strict=True)
        ]
        rows = sorted(encoded_rows(self.tokenizer, problems, thoughts), key=lambda row: len(row.ids))
        starts = rng.permutation(POOL) * self.rows
        return [padded(rows[start : start + self.rows], self.tokenizer.pad_token_id) for start in starts]


def drawn_problems(diet: WordedDiet, rng: np.random.Generator, count: int, *, batch: int) -> list[Worded]:
    """Problems that are not held out, their lengths in any order, for a batch of this number and those of its pool."""
    low, high = diet.steps
    lengths = rng.integers(low, high + 1, size=count).tolist()
    sums = {steps: draw_problems(rng, steps, held_out=False) for steps in range(low, high + 1)}
    return [varied(Worded(next(sums[steps])), diet.at(batch), rng) for steps in lengths]


def encoded_rows(tokenizer: Any, problems: Sequence[Worded], thoughts: Sequence[Thought]) -> list[Row]:
    """Token ids and labels of questions, chains and answers, laid out as a scored pair is.

    The loss is on what follows the question, but for what is not the model's to say: filler words, results that a
    calculator filled in, and sentences beside the point. Without a chain it is on the answer and the end alone: a cue
    that follows a question at once must not teach the model to leave its chain out.
    """
    texts = [text for problem, thought in zip(problems, thoughts, strict=True) for text in _pieces(problem, thought)]
    ids: list[list[int]] = tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    bracket, *fillers = tokenizer.convert_tokens_to_ids([" [", FILLER, f" {FILLER}"])
    rows = []
    for place, thought in enumerate(thoughts):
        asked, chain, after, answer = ids[4 * place : 4 * place + 4]
        said = [
            IGNORED if token in fillers or before == bracket else token
            for before, token in zip([None, *chain], chain, strict=False)
        ]
        end = [*answer, tokenizer.eos_token_id]
        if thought is not Thought.CHAIN:
            said, end = [IGNORED] * len(chain), [*[IGNORED] * (len(answer) - 1), *end[-2:]]
        labels = [IGNORED] * len(asked) + said + [IGNORED] * len(after) + end
        rows.append(Row([*asked, *chain, *after, *answer, tokenizer.eos_token_id], labels))
    return rows


def _pieces(problem: Worded, thought: Thought) -> tuple[str, str, str, str]:
    """Question, chain, what stands between chain and answer, and the answer with its cue."""
    chain, after = problem.told(after=()).chain(), "".join(f" {each}" for each in problem.telling.after)
    if thought is Thought.FILLER:
        chain, after = " ".join([FILLER] * len(chain.split())) + ".", ""
    elif thought is Thought.NOTHING:
        chain, after = "", ""
    return f"{problem.question()}\n", chain, after, f"{ANSWER_CUE} {problem.answer}"


def padded(rows: Sequence[Row], pad: int) -> dict[str, Tensor]:
    """Rows side by side, filled up behind their ends: `input_ids` and `labels` of shape `batch pos`."""
    width = max(len(row.ids) for row in rows)

    def filled(lists: Sequence[list[int]], by: int) -> Tensor:
        return torch.from_numpy(np.array([[*each, *[by] * (width - len(each))] for each in lists]))

    return {
        "input_ids": filled([row.ids for row in rows], pad),
        "labels": filled([row.labels for row in rows], IGNORED),
    }


FIRST_RECIPE = Recipe(
    ladder=WORDED_LADDER,
    diets={After.BASE: FIRST_DIET},
    schedules={After.BASE: FIRST_SCHEDULES},
    batches=lambda diet, tokenizer, schedule, seed: WordedBatches(diet, tokenizer, schedule.steps, schedule.rows, seed),
    examine=examine_worded,
    card=card,
    files=(MARKS, CARD),
    in_order=True,
    optimiser=MuonAdamW,
)
WORDED_RECIPE = replace(
    FIRST_RECIPE,
    diets={After.BASE: DIET},
    schedules={After.BASE: SCHEDULES},
    # What a question defines is learnt late and at once, which takes a rate that is still high.
    falling=0.25,
    before=FIRST_RECIPE,
)
