"""Chains that the student is likely to learn from: the best by a score of theirs, or without their unlikely tokens.

Scores are those of `mediate.results.trace_scores`, under the student before it is tuned, or under a model that is
named; they are worked out over the training part alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mediate.errors import InputError
from mediate.tuning.arms.arm import Arm, Arranged, Chosen, Side, Taught
from mediate.tuning.arms.supervised import chain_and_answer, supervised, with_chain

if TYPE_CHECKING:
    from mediate.models.model import Model
    from mediate.results.trace_scores import ScoredTrace

# Tokens that are scored side by side, padding included.
_TOKENS = 2048


def _arrange(side: Side, chosen: Chosen) -> Arranged:
    from mediate.results.trace_scores import selected, trace_table

    judge = side.student.hooked() if chosen.judge is None else _judge(side, chosen.judge)
    traces = _scored(judge, side.taught)
    taught = list(side.taught)
    counts: dict[str, object] = {"judge": {"name": judge.facts.name, "fingerprint": judge.facts.fingerprint}}
    if chosen.keep is not None:
        table = trace_table(traces)
        kept = set(selected(table, chosen.by, keep=chosen.keep))
        taught = [each for each in taught if each.example.id in kept]
        counts |= {"scored": len(table), "undefined": int(table[chosen.by].isna().sum()), "kept": len(taught)}
    if chosen.least is not None:
        unlikely = {each.item: _unlikely(each, chosen.least) for each in traces}
        taught = [_masked(each, unlikely[each.example.id]) for each in taught]
        masked = [len(each.row.unlearnt) for each in taught]
        tokens = sum(len(each.said.chain) for each in taught)
        counts |= {"chain_tokens": tokens, "masked": sum(masked), "examples_with_masked": sum(map(bool, masked))}
    return Arranged(taught, counts)


def _unlikely(trace: "ScoredTrace", least: float) -> tuple[int, ...]:
    """The places of a chain's tokens whose probability is below the least that is learnt."""
    import numpy as np

    return tuple(np.flatnonzero(np.exp(-trace.surprisal) < least).tolist())


def _masked(each: Taught, places: tuple[int, ...]) -> Taught:
    return replace(each, row=replace(each.row, unlearnt=places), about={**each.about, "masked": len(places)})


def _judge(side: Side, name: str) -> "Model":
    """The named model, which must have the student's tokens."""
    judge = side.student.other(name)
    own, other = side.student.tokenizer.get_vocab(), judge.need_tokenizer().get_vocab()
    if own != other:
        raise InputError(
            f"the judge {judge.facts.name!r} has another tokenizer than the student; give one of its family"
        )
    return judge


def _scored(judge: "Model", taught: Sequence[Taught]) -> "list[ScoredTrace]":
    """The scores of the chains, in order."""
    from mediate.mediation.batching import of_like_length
    from mediate.passes.token_scores import TokenScores, ToScore, token_scores
    from mediate.results.trace_scores import ScoredTrace
    from mediate.traces.trace import given_trace

    tokenizer, context = judge.need_tokenizer(), judge.facts.context
    rows = [ToScore(each.said.question + each.said.chain, len(each.said.question)) for each in taught]
    longest = max(len(row.ids) for row in rows)
    if context and longest > context:
        raise InputError(
            f"the judge {judge.facts.name!r} takes {context} tokens, and an example has {longest} up to the end of its "
            "chain; give another, or shorter chains"
        )
    found: dict[int, TokenScores] = {}
    for batch in of_like_length({at: len(row.ids) for at, row in enumerate(rows)}, _TOKENS):
        found |= zip(batch, token_scores(judge, [rows[at] for at in batch]), strict=True)
    traces: list[ScoredTrace] = []
    for number, each in enumerate(taught):
        example, scores = each.example, found[number]
        trace = given_trace(example.chain or "", tokenizer)
        traces.append(
            ScoredTrace(
                example.id, example.group, example.question, trace.text, example.answer, trace.tokens, trace.steps,
                scores.surprisal, scores.rank, scores.entropy,
            )
        )  # fmt: skip
    return traces


FILTERED = Arm(
    name="filtered",
    help="The chains with the best scores under the student, or without unlikely tokens; an adapter unless --full.",
    rates=(2e-5, 2e-4),
    needs=with_chain,
    tokens=chain_and_answer,
    trainer=supervised,
    own=("by", "keep", "least", "judge"),
    arrange=_arrange,
)
