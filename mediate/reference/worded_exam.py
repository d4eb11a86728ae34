"""How often a worded reference reasoner answers rightly, by what is varied: with its own chain, a right one, none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

import numpy as np
import torch

from mediate.models.generation import Decoding, End, generate
from mediate.models.model import Model
from mediate.models.prompts import ANSWER_CUE
from mediate.reference.marks import Way
from mediate.tasks.factors import FACTORS, varied
from mediate.tasks.modular import Hint, draw_problems
from mediate.tasks.worded import Role, Telling, Worded
from mediate.traces.pieces import decode, encode, encode_after

# Nothing varied but the hint, which is drawn.
PLAIN = "plain"
LENGTHS = (2, 3, 4, 5, 6)
# Of problems with something varied: at least two steps, also where each does two operations.
MIXED = (3, 4, 5)
WAYS = (Way.OWN_CHAIN, Way.GIVEN_CHAIN, Way.NO_CHAIN)
# Results that a calculator fills in are not the model's to write.
NOT_WRITTEN = ("results", "filled")


@dataclass(frozen=True, slots=True)
class WordedMark:
    """How many of a number of held-out problems were answered rightly.

    Args:
        factor: What is varied; `plain` for nothing.
        setting: What it is; empty where nothing is varied.
        steps: Operations of the problems, which take turns.
        way: What stands between question and answer.
        n: Problems.
        right: Of them, answered rightly.
    """

    factor: str
    setting: str
    steps: tuple[int, ...]
    way: Way
    n: int
    right: int


def examine_worded(
    model: Model, n: int = 200, seed: int = 0, factors: Sequence[str] | None = None
) -> tuple[WordedMark, ...]:
    """Marks of problems that were kept out of training: plain ones by length, then one thing varied at a time.

    A chain that is told in another way than the usual is begun, with its first step, and the model goes on: by itself
    it chooses its way of telling.

    Args:
        model: The model.
        n: Problems of each length, and of each thing that is varied.
        seed: Of the problems.
        factors: What is varied, and `plain`; everything by default.
    """
    return tuple(
        WordedMark(factor, setting, steps, way, n, _right(model, _problems(n, seed, steps, factor, setting), way))
        for factor, setting, steps in _topics()
        if factors is None or factor in factors
        for way in WAYS
        if way is not Way.OWN_CHAIN or (factor, setting) != NOT_WRITTEN
    )


def _topics() -> Iterator[tuple[str, str, tuple[int, ...]]]:
    yield from ((PLAIN, "", (steps,)) for steps in LENGTHS)
    for factor in FACTORS:
        yield from ((factor.name, each.name, MIXED) for each in factor.settings if each.name != Hint.RANDOM)


def _problems(n: int, seed: int, steps: Sequence[int], factor: str, setting: str) -> list[Worded]:
    rng = np.random.default_rng([seed, *steps])
    drawn = [islice(draw_problems(rng, each, held_out=True), n) for each in steps]
    shares = {"hint": {str(Hint.RANDOM): 1.0}} | ({} if factor == PLAIN else {factor: {setting: 1.0}})
    sums = islice(chain.from_iterable(zip(*drawn, strict=True)), n)
    return [varied(Worded(each), shares, rng) for each in sums]


def _right(model: Model, problems: Sequence[Worded], way: Way) -> int:
    """How many problems are answered rightly; one whose chain comes to no end is not."""
    tokenizer = model.need_tokenizer()
    asked = [encode(tokenizer, f"{problem.question()}\n") for problem in problems]
    thought: list[list[int] | None] = [[] for _ in problems]
    if way is Way.GIVEN_CHAIN:
        thought = [encode_after(tokenizer, problem.chain()) for problem in problems]
    elif way is Way.OWN_CHAIN:
        thought = _own_chains(model, problems, asked)
    cue = encode_after(tokenizer, ANSWER_CUE)
    rows = [question + ids + cue for question, ids in zip(asked, thought, strict=True) if ids is not None]
    told = iter(_next_words(model, rows))
    return sum(ids is not None and next(told) == problem.answer for ids, problem in zip(thought, problems, strict=True))


def _own_chains(model: Model, problems: Sequence[Worded], asked: Sequence[list[int]]) -> list[list[int] | None]:
    """The chains that the model writes, with what stands between each and its answer; None of one without an end."""
    tokenizer = model.need_tokenizer()
    begun = [encode_after(tokenizer, _begun(problem)) for problem in problems]
    prompts = [question + ids for question, ids in zip(asked, begun, strict=True)]
    room = model.facts.context - max(map(len, prompts))
    written = generate(model, prompts, Decoding(max_new_tokens=room, stop=(ANSWER_CUE,), batch_size=len(prompts)))
    after = [encode_after(tokenizer, "".join(f" {each}" for each in problem.telling.after)) for problem in problems]
    return [
        [*ids, *own.ids, *more] if own.end is End.STOP else None
        for ids, own, more in zip(begun, written, after, strict=True)
    ]


def _begun(problem: Worded) -> str:
    """The first step of a chain that is told in another way than the usual; else nothing."""
    telling = replace(problem.telling, after=())
    if telling == Telling():
        return ""
    said = problem.told(after=(), slip=(0, telling.slip[1])).sentences()
    steps = [place for place, each in enumerate(said) if each.role in (Role.STEP, Role.SLIP)]
    return " ".join(each.text for each in said[: steps[1] if len(steps) > 1 else None])


def _next_words(model: Model, rows: Sequence[Sequence[int]]) -> list[str]:
    """What the model holds likeliest after each row."""
    width = max(map(len, rows), default=0)
    if not width:
        return []
    ids = torch.tensor([[*row, *[row[-1]] * (width - len(row))] for row in rows], device=model.device)
    with torch.no_grad():
        # Each row reads what stands before it alone, so that what fills it up changes nothing.
        logits = model.plain(input_ids=ids, use_cache=False).logits
    tokenizer = model.need_tokenizer()
    last = (logits[place, len(row) - 1].argmax() for place, row in enumerate(rows))
    return [decode(tokenizer, [int(number)]).strip() for number in last]
