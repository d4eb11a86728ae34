"""Twin pairs of worded problems, which differ in one number; both worlds are asked and told in the same way.

Their questions and chains have as many words, so that they can be laid on each other.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from pydantic import BaseModel, Field

from mediate.errors import InputError
from mediate.pairs.pair import Item, Pair
from mediate.tasks.factors import FACTORS, Factor, Put, hinted
from mediate.tasks.modular import Chained, Hint, worlds
from mediate.tasks.task import SEED_OFFSET, Steps, Task
from mediate.tasks.worded import Worded

ASKING = "worded_pairs"


def worded_pairs(
    n: int,
    *,
    steps: int | tuple[int, int] = (2, 5),
    seed: int = 0,
    hint: Hint | str = Hint.ANSWER,
    with_cot: bool = True,
    vary: Sequence[str] = (),
    held_out: bool = True,
) -> tuple[Pair, ...]:
    """Worded chains modulo 10 that were kept out of training, each with a source world in which one number differs.

    The arithmetic is that of `modular_pairs` of the same seed, but where a clause asks for two starts that are both odd
    or both even. Ids are such as `worded-3-0007` (operations, place in the whole); every problem is a group of its own.
    A larger `n` only appends.

    Args:
        n: Number of pairs.
        steps: Number of operations, or its lowest and highest, from 1 to 8, without the one that a clause may add. The
            reference reasoners were trained on 2 to 5.
        seed: Seed of the drawing.
        hint: As in `modular_pairs`; to a question that is answered yes or no it is one of these.
        with_cot: Whether to give the chain; without, the model writes it.
        vary: What is not as usual, each as FACTOR=SETTING or, of what is counted, FACTOR=NUMBER: such as
            `names=defined`, `form=words` or `before=4`.
        held_out: Whether to take problems that no reference reasoner was trained on; else the others.

    Returns:
        The pairs, each with chains unless `with_cot` is off.

    Raises:
        InputError: An argument out of its range, nothing of that name to vary, or more pairs than there are.

    Example:
        >>> pair, = md.worded_pairs(1, vary=["names=defined"])
        >>> pair.base.question.startswith("Let ")
        True
    """
    if hint not in tuple(Hint):
        raise InputError(f"{ASKING}: no hint {hint!r}; give one of {', '.join(Hint)}")
    puts = _puts(vary)
    fits = same_parity if "clause" in puts else _any_two
    pairs = []
    for drawn in worlds(ASKING, n, steps=steps, seed=seed, held_out=held_out, fits=fits):
        base = Worded(drawn.base)
        for put in puts.values():
            base = put(base, drawn.rng)
        source = replace(base, sums=drawn.source)
        if base.claim is not None:
            # The result of one of the two, so that one answer is yes and the other no.
            claim = (base, source)[drawn.rng.integers(2)].whole.answer
            base, source = replace(base, claim=claim), replace(source, claim=claim)
        base, source = hinted_alike(Hint(hint), base, source, drawn.rng)
        name = f"worded-{drawn.steps}-{drawn.place:04d}"
        pairs.append(Pair(name, name, item_of(base, with_cot), item_of(source, with_cot)))
    return tuple(pairs)


def told_pairs(n: int, *, steps: int | tuple[int, int] = (2, 5), seed: int = 0) -> tuple[Pair, ...]:
    """Worded chains with hints that are noise, of the problems that `mediate pairs --task worded` never gives."""
    return worded_pairs(n, steps=steps, seed=SEED_OFFSET + seed, hint=Hint.RANDOM, held_out=False)


def _any_two(base: Chained, source: Chained) -> bool:
    return True


def same_parity(base: Chained, source: Chained) -> bool:
    """A clause then adds an operation in both worlds, or in neither."""
    return base.start % 2 == source.start % 2


def _puts(vary: Sequence[str]) -> dict[str, Put]:
    """What gives a problem each of these, by factor, in the order in which they are put."""
    known = {factor.name: factor for factor in FACTORS if factor.name != "hint"}
    found = {}
    for each in vary:
        name, _, value = each.partition("=")
        if name not in known:
            raise InputError(f"{ASKING}: vary {each!r} names no factor; choose from {', '.join(known)}")
        if name in found:
            raise InputError(f"{ASKING}: vary {each!r} gives {name} for the second time; give it once")
        found[name] = _put(known[name], value, each)
    if "results" in found and "verbosity=mended" in vary:
        raise InputError(f"{ASKING}: a calculator does not go wrong; leave out results=filled or verbosity=mended")
    return {name: found[name] for name in known if name in found}


def _put(factor: Factor, value: str, said: str) -> Put:
    settings, counted = {each.name: each.put for each in factor.settings}, factor.counted
    if value in settings:
        return settings[value]
    if counted is not None and value.isdecimal() and int(value) <= factor.most:
        count = int(value)
        return lambda problem, rng: counted(problem, rng, count)
    numbers = f", or a number up to {factor.most}" if counted is not None else ""
    raise InputError(f"{ASKING}: vary {said!r}: {factor.name} can be {', '.join(settings)}{numbers}")


def hinted_alike(hint: Hint, base: Worded, source: Worded, rng: np.random.Generator) -> tuple[Worded, Worded]:
    if hint is not Hint.WRONG:
        return hinted(base, rng, said=hint), hinted(source, rng, said=hint)
    # Of digits, one that is neither answer; of yes and no there is none, and each world has the other's.
    neither = [digit for digit in range(10) if str(digit) not in (base.answer, source.answer)]
    if base.claim is not None:
        return replace(base, hint=source.answer), replace(source, hint=base.answer)
    digit = str(rng.choice(neither))
    return replace(base, hint=digit), replace(source, hint=digit)


def item_of(problem: Worded, with_cot: bool) -> Item:
    """The problem as an item; the results of its steps are given where every sentence states one."""
    values = [each.value for each in problem.sentences()]
    known = tuple(value for value in values if value is not None)
    return Item(
        problem.question(),
        problem.answer,
        problem.chain() if with_cot else None,
        known if len(known) == len(values) else (),
    )


class WordedOptions(BaseModel):
    """The choices of worded chains at the command line."""

    steps: Steps = None
    hint: str = Field(default="answer", description="Of chains modulo 10: answer, random or wrong.")
    vary: tuple[str, ...] = Field(
        default=(), description="Of worded chains: FACTOR=SETTING, such as names=defined, form=words or before=4."
    )


WORDED = Task(
    name="worded",
    help="chains modulo 10 that are told in several ways",
    pairs=worded_pairs,
    options=WordedOptions,
    training=told_pairs,
    model="reference-worded-0.1m",
    only="reference-worded-",
)
