"""What a model answers to held-out questions: after a chain of its own, and at once."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mediate.models.generation import Decoding, End, Written, generate
from mediate.models.model import Model
from mediate.models.prompts import ANSWER_TOKENS, question_ids
from mediate.pairs.answers import says
from mediate.stats.bootstrap import bootstrap_rate
from mediate.traces.pieces import decode, encode_after
from mediate.tuning.examples import Example
from mediate.tuning.spec import TuneSpec


def drawn(examples: Sequence[Example], count: int, seed: int) -> tuple[Example, ...]:
    """So many of the examples, one a question, in their order."""
    firsts = list({each.question: each for each in reversed(examples)}.values())[::-1]
    if len(firsts) <= count:
        return tuple(firsts)
    places = np.random.default_rng([seed, 1]).choice(len(firsts), size=count, replace=False)
    return tuple(firsts[place] for place in sorted(places))


def accuracies(model: Model, examples: Sequence[Example], spec: TuneSpec, *, progress: bool = False) -> dict[str, Any]:
    """The share of questions answered rightly, with an interval over groups.

    `own_chain`: the model writes greedily after the question up to the cue or its end, the cue follows, and it answers.
    A chain without an end within `max_new_tokens` counts as wrong, and under `endless`; an empty one is no chain, and
    is counted under `empty`. `no_chain`: the cue follows the question.
    """
    tokenizer = model.need_tokenizer()
    cue = tuple(encode_after(tokenizer, spec.answer_cue))
    prompts = [tuple(question_ids(tokenizer, spec.template, each.question)) for each in examples]
    room = min(_room(model, prompt, cue) for prompt in prompts)
    stop = tuple(dict.fromkeys((spec.answer_cue, spec.answer_cue.strip() or spec.answer_cue)))
    written = generate(
        model, prompts, Decoding(max(1, min(spec.max_new_tokens, room)), stop, seed=spec.seed), progress=progress
    )
    chains = [_without_last_space(tokenizer, each) for each in written]
    ended = [each.end is not End.LENGTH for each in written]
    after = [prompt + chain + cue for prompt, chain in zip(prompts, chains, strict=True)]
    own = [right and done for right, done in zip(_right(model, after, examples), ended, strict=True)]
    counts = {"endless": ended.count(False), "empty": chains.count(())}
    at_once = _right(model, [prompt + cue for prompt in prompts], examples)
    return {
        "own_chain": _estimate(own, examples, spec.seed) | counts,
        "no_chain": _estimate(at_once, examples, spec.seed),
    }


def _room(model: Model, prompt: Sequence[int], cue: Sequence[int]) -> int:
    """The longest chain that leaves the answer its place in the context."""
    context = model.facts.context
    return context - len(prompt) - len(cue) - ANSWER_TOKENS if context else 2**31


def _without_last_space(tokenizer: Any, written: Written) -> tuple[int, ...]:
    """The chain without white space at its end, which the cue brings."""
    ids = list(written.ids)
    while ids and not decode(tokenizer, ids[-1:]).strip():
        ids.pop()
    return tuple(ids)


def _right(model: Model, contexts: Sequence[tuple[int, ...]], examples: Sequence[Example]) -> list[bool]:
    """Whether what the model writes next, up to the end of the line, is the answer."""
    room = min(model.facts.context - max(map(len, contexts)), ANSWER_TOKENS) if model.facts.context else ANSWER_TOKENS
    said = generate(model, contexts, Decoding(max(1, room), ("\n",)))
    return [says(each.text.strip(), example.answer) for each, example in zip(said, examples, strict=True)]


def _estimate(right: Sequence[bool], examples: Sequence[Example], seed: int) -> dict[str, Any]:
    values = np.array(right, dtype=np.float64)
    found = asdict(bootstrap_rate(values, [each.group for each in examples], seed=seed))
    plain = {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in found.items()}
    return plain | {"right": int(values.sum())}
