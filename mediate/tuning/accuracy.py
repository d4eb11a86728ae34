"""What a model answers to held-out questions: after a chain of its own, and at once."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mediate.models.generation import Decoding, generate
from mediate.models.model import Model
from mediate.models.prompts import ANSWER_TOKENS, question_ids
from mediate.pairs.answers import says
from mediate.stats.bootstrap import bootstrap_rate
from mediate.traces.pieces import encode_after
from mediate.tuning.examples import Example
from mediate.tuning.spec import TuneSpec
from mediate.tuning.student import chain_room, ended, own_chains


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
    room = min(chain_room(model.facts.context, prompt, cue) for prompt in prompts)
    decoding = Decoding(max(1, min(spec.max_new_tokens, room)), seed=spec.seed)
    written = own_chains(model, prompts, spec.answer_cue, decoding, progress=progress)
    after = [prompt + each.ids + cue for prompt, each in zip(prompts, written, strict=True)]
    own = [right and ended(each) for right, each in zip(_right(model, after, examples), written, strict=True)]
    counts = {"endless": sum(not ended(each) for each in written), "empty": sum(not each.ids for each in written)}
    at_once = _right(model, [prompt + cue for prompt in prompts], examples)
    return {
        "own_chain": _estimate(own, examples, spec.seed) | counts,
        "no_chain": _estimate(at_once, examples, spec.seed),
    }


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
