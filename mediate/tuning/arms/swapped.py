"""Chains without their reason: another question's chain and the question's own answer, and kinds beside it.

The swapped chains of arXiv 2505.13775, where every question carries another question's trace and its own right
solution. Nothing else that gives the answer away should stand in the question.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mediate.errors import ItemError
from mediate.tuning.arms.arm import Arm, Arranged, Chosen, Ids, Side, Taught
from mediate.tuning.arms.supervised import chain_and_answer, supervised, with_chain

if TYPE_CHECKING:
    from mediate.traces.trace import Trace

# Drawn numbers of an example, whichever kind its chain is of.
_STREAM = 3


def _arrange(side: Side, chosen: Chosen) -> Arranged:
    from mediate.traces.trace import given_trace

    tokenizer = side.student.tokenizer
    traces = [given_trace(each.example.chain or "", tokenizer) for each in side.taught]
    if chosen.chains == "other":
        return _with_others(side.taught, [len(each.step_spans) for each in traces], chosen)
    make = _makers(chosen.chains, traces)
    taught: list[Taught] = []
    left_out: list[ItemError] = []
    for number, (each, trace) in enumerate(zip(side.taught, traces, strict=True)):
        try:
            text, ids, how = make(each, trace, tokenizer, [chosen.seed, _STREAM, number])
            taught.append(_retold(each, text, ids, {"chain": how}, chosen))
        except ItemError as error:
            example = each.example
            left_out.append(ItemError(example.id, error.reason, place=example.place, code=error.code))
    return Arranged(taught, {"chains": dict(Counter(each.about["chain"] for each in taught))}, left_out)


def _retold(each: Taught, text: str, ids: Ids, about: dict[str, Any], chosen: Chosen) -> Taught:
    """An example with another chain."""
    said = replace(each.said, chain=ids)
    return Taught(replace(each.example, chain=text), said, chain_and_answer(said, chosen), about)


def _with_others(taught: Sequence[Taught], steps: Sequence[int], chosen: Chosen) -> Arranged:
    questions = [" ".join(each.example.question.split()) for each in taught]
    donors = others(questions, [each.said.chain for each in taught], [each.example.group for each in taught],
                    steps, chosen.seed)  # fmt: skip
    found: list[Taught] = []
    left_out: list[ItemError] = []
    alike = 0
    for number, (each, donor) in enumerate(zip(taught, donors, strict=True)):
        if donor is None:
            reason = "no other question has another chain, which it could be given; give more examples"
            left_out.append(ItemError(each.example.id, reason, place=each.example.place, code="no_other"))
            continue
        other = taught[donor]
        alike += steps[donor] == steps[number]
        about = {"chain": "other", "of": other.example.id}
        found.append(_retold(each, other.example.chain or "", other.said.chain, about, chosen))
    return Arranged(found, {"chains": {"other": len(found), "of_as_many_steps": alike}}, left_out)


def others(
    questions: Sequence[str], chains: Sequence[Ids], groups: Sequence[str], steps: Sequence[int], seed: int
) -> list[int | None]:
    """Of each example the one whose chain it gets: another question and chain, of another group where there is one.

    Among examples of as many steps each chain is given once, by a permutation that is drawn and mended where it leaves
    an example with a chain that it may not have. One that finds none there gets the chain of an example with as nearly
    as many steps; None where no example will do.
    """
    import numpy as np

    def may(one: int, other: int) -> bool:
        return questions[one] != questions[other] and chains[one] != chains[other]

    def should(one: int, other: int) -> bool:
        return may(one, other) and groups[one] != groups[other]

    generator = np.random.default_rng([seed, _STREAM])
    found: list[int | None] = [None] * len(questions)
    for count in sorted(set(steps)):
        alike = generator.permutation([place for place, each in enumerate(steps) if each == count]).tolist()
        given = dict(zip(alike, [*alike[1:], *alike[:1]], strict=True))
        for fits in (should, may):
            for one in alike:
                if not fits(one, given[one]):
                    swap = next((at for at in alike if fits(one, given[at]) and fits(at, given[one])), one)
                    given[one], given[swap] = given[swap], given[one]
        for one, other in given.items():
            found[one] = other if may(one, other) else None
    order = generator.permutation(len(questions)).tolist()
    for one, donor in enumerate(found):
        if donor is None:
            near = sorted(order, key=lambda other: abs(steps[other] - steps[one]))
            found[one] = next((other for other in near if may(one, other)), None)
    return found


_Maker = Callable[[Taught, "Trace", Any, list[int]], tuple[str, Ids, str]]


def _makers(chains: str, traces: "Sequence[Trace]") -> _Maker:
    """What makes the chain of an example of its own, of one kind: its text, its tokens and how it was made."""
    if chains == "shuffled":
        return _shuffled
    if chains == "filler":
        return _filled
    from mediate.pairs.recomputed import EXACT, fitting_arithmetic
    from mediate.tasks.modular_steps import MODULO_TEN
    from mediate.traces.mistakes import recomputed

    edit = recomputed(fitting_arithmetic((EXACT, MODULO_TEN), [each.text for each in traces]))

    def wrong(each: Taught, trace: "Trace", tokenizer: Any, seed: list[int]) -> tuple[str, Ids, str]:
        """A result wrong by a digit, at a step that is drawn, and the later steps computed from it.

        A step is drawn anew where the answer is stated in spite of it, as with a mistake in a check of the last result.
        Where they cannot be computed, the rejected chain with its own answer, which of a pair is the other world's.
        """
        import numpy as np

        from mediate.traces.edits import Unedited
        from mediate.traces.pieces import decode_after
        from mediate.traces.trace import given_trace

        generator = np.random.default_rng(seed)
        unedited = Unedited(trace, tokenizer, int(generator.integers(2**31)), each.example.question)
        why: ItemError | None = None
        for place in generator.permutation(len(trace.step_spans)).tolist():
            try:
                ids = edit.of(unedited, place).ids
            except ItemError as error:
                why = why or error
                continue
            text = decode_after(tokenizer, ids)
            if not _states(text, each.example.answer):
                return text, ids, "recomputed"
            reason = "with a mistake in any step that can be computed anew the chain still states the answer"
            why = why or ItemError("", reason, code="still_right")
        rejected = each.example.rejected
        if rejected is not None and each.example.rejected_answer not in (None, each.example.answer):
            return rejected, given_trace(rejected, tokenizer).ids, "rejected"
        assert why is not None, "a chain has a step"
        reason = f"{why.reason}; give a rejected chain with its own answer, or skip such examples"
        raise ItemError("", reason, code=why.code)

    return wrong


def _states(text: str, answer: str) -> bool:
    """Whether a chain states an answer as a result."""
    from mediate.traces.statement import find_statement

    found = find_statement(text, answer)
    return found is not None and found.result


def _filled(each: Taught, trace: "Trace", tokenizer: Any, seed: list[int]) -> tuple[str, Ids, str]:
    """As many tokens of filler."""
    from mediate.traces.edits import filler
    from mediate.traces.pieces import decode_after

    ids = filler(tokenizer, len(trace.ids))
    return decode_after(tokenizer, ids), ids, "filler"


def _shuffled(each: Taught, trace: "Trace", tokenizer: Any, seed: list[int]) -> tuple[str, Ids, str]:
    """Its steps in another order, the white space between them where it was."""
    import numpy as np

    from mediate.traces.pieces import encode_after
    from mediate.traces.steps import segment

    text = each.example.chain or ""
    steps = [text[slice(*span)] for span in segment(text)]
    words = [step.strip() for step in steps]
    if len(set(words)) < 2:
        reason = "the chain has no two different steps to be shuffled; give another, or skip such examples"
        raise ItemError("", reason, code="one_step")
    generator = np.random.default_rng(seed)
    order = list(range(len(words)))
    while [words[at] for at in order] == words:
        order = generator.permutation(len(words)).tolist()
    pieces = [step.replace(own, words[at], 1) for step, own, at in zip(steps, words, order, strict=True)]
    shuffled = "".join(pieces)
    return shuffled, tuple(encode_after(tokenizer, shuffled)), "shuffled"


SWAPPED = Arm(
    name="swapped",
    help="Another question's chain, or a shuffled, wrong or filler one, and the own answer; an adapter unless --full.",
    rates=(2e-5, 2e-4),
    needs=with_chain,
    tokens=chain_and_answer,
    trainer=supervised,
    own=("chains",),
    arrange=_arrange,
)
