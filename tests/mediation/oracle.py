"""Y[d, t, h] once more, with plain transformers and keys and values put together by hand. Shares no code with
mediate."""

from itertools import product
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache

from tests.plainly import kept, with_past

Ids = list[int]


def oracle_cube(
    hf: Any, questions: tuple[Ids, Ids], chains: tuple[Ids, Ids], cue: Ids, answers: tuple[Ids, Ids]
) -> dict[str, np.ndarray]:
    """Both outcomes' cubes; in each pair of arguments index 0 is the source world and 1 the base.

    A chain computed under question h is used after question d by running the model on question h and the chain at the
    positions that the chain has after question d: with rotary embeddings only differences of positions matter, so the
    question itself may start at any position. This needs no rotation of keys. All is moved on where it would start
    before 0, where some models have no positions.
    """
    first = next(i for i in range(min(map(len, answers))) if answers[0][i] != answers[1][i])
    cubes = {"logit_diff": np.zeros((2, 2, 2)), "logprob_diff": np.zeros((2, 2, 2))}
    for d, t, h in product((0, 1), repeat=3):
        shift = len(questions[d]) - len(questions[h])
        begin = max(0, -shift)
        own = _past(hf, questions[d], begin)
        chain = _past(hf, questions[h] + chains[t], begin + shift)
        past = [
            (
                torch.cat([own_keys, keys[:, :, len(questions[h]) :]], dim=2),
                torch.cat([own_values, values[:, :, len(questions[h]) :]], dim=2),
            )
            for (own_keys, own_values), (keys, values) in zip(own, chain, strict=True)
        ]
        logps = []
        for world in (0, 1):
            tokens = cue + answers[world]
            cache = DynamicCache([(keys.clone(), values.clone()) for keys, values in past])
            start = past[0][0].shape[2]
            position = torch.arange(start, start + len(tokens))[None] + begin
            with torch.no_grad(), kept(hf):
                logits = hf(torch.tensor([tokens]), position_ids=position, **with_past(hf, cache)).logits[0].double()
            rows = logits[len(cue) - 1 : len(cue) - 1 + len(answers[world])]
            logps.append(float(rows.log_softmax(-1)[range(len(answers[world])), answers[world]].sum()))
            if world == 1:
                cubes["logit_diff"][d, t, h] = float(rows[first, answers[1][first]] - rows[first, answers[0][first]])
        cubes["logprob_diff"][d, t, h] = logps[1] - logps[0]
    return cubes


def _past(hf: Any, ids: Ids, start: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    cache = DynamicCache()
    with torch.no_grad(), kept(hf):
        hf(
            torch.tensor([ids]),
            position_ids=torch.arange(start, start + len(ids))[None],
            **with_past(hf, cache),
        )
    return [(layer.keys, layer.values) for layer in cache.layers]
