"""How often a reference reasoner answers rightly: with the chain it writes, with a given one, and without any."""

from collections.abc import Sequence
from itertools import islice

import numpy as np
import torch

from mediate.models.generation import Decoding, generate
from mediate.models.model import Model
from mediate.models.prompts import ANSWER_CUE
from mediate.reference.marks import Mark as Mark
from mediate.reference.marks import Way as Way
from mediate.tasks.modular import MODULUS, Chained, Hint, draw_problems
from mediate.traces.pieces import decode, encode, encode_after

LENGTHS = (2, 3, 4, 5, 6)


def examine(model: Model, *, n: int = 200, seed: int = 0, lengths: Sequence[int] = LENGTHS) -> tuple[Mark, ...]:
    """Marks by length, hint and way, on problems that were kept out of training; lengths above 5 are new altogether."""
    marks = []
    for steps in lengths:
        rng = np.random.default_rng([seed, steps])
        drawn = draw_problems(rng, steps, held_out=True)
        problems, others = list(islice(drawn, n)), list(islice(drawn, n))
        beside = [int(digit) for digit in rng.integers(MODULUS, size=n)]
        for hint, hints in ((Hint.RANDOM, beside), (Hint.ANSWER, [each.answer for each in problems])):
            for way in Way:
                said = _answers(model, problems, hints, others, way)
                right = [answer == str(each.answer) for answer, each in zip(said, problems, strict=True)]
                ends = [answer == str(each.answer) for answer, each in zip(said, others, strict=True)]
                followed = sum(ends) if way is Way.OTHER_CHAIN else sum(right)
                marks.append(Mark(steps, hint, way, n, sum(right), followed))
    return tuple(marks)


def _answers(
    model: Model, problems: Sequence[Chained], hints: Sequence[int], others: Sequence[Chained], way: Way
) -> list[str]:
    """The model's greedy answers; empty where a chain that it writes comes to none."""
    tokenizer = model.need_tokenizer()
    asked = [encode(tokenizer, each.question(hint) + "\n") for each, hint in zip(problems, hints, strict=True)]
    if way is Way.OWN_CHAIN:
        room = model.facts.context - max(map(len, asked))
        written = generate(model, asked, Decoding(max_new_tokens=room, batch_size=len(asked)))
        texts = (decode(tokenizer, each.ids) for each in written)
        return [text.partition(ANSWER_CUE)[2].strip() for text in texts]
    chains = {Way.GIVEN_CHAIN: problems, Way.OTHER_CHAIN: others}.get(way)
    cue = encode_after(tokenizer, ANSWER_CUE)
    rows = [
        question + (encode_after(tokenizer, chains[place].chain()) if chains else []) + cue
        for place, question in enumerate(asked)
    ]
    with torch.no_grad():
        logits = model.plain(input_ids=torch.tensor(rows, device=model.device), use_cache=False).logits[:, -1]
    return [decode(tokenizer, [number]).strip() for number in logits.argmax(-1).tolist()]
