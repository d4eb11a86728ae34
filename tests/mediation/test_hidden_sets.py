"""Sets of tokens hidden at once: what a plain Llama says with the same edges masked."""

from itertools import product

import numpy as np
import pytest
import torch

import mediate
from mediate.errors import InputError
from mediate.mediation.hidden_sets import hidden_together
from mediate.mediation.names import LOGIT
from mediate.mediation.prepared_item import PreparedItem
from tests import tiny
from tests.identities.plain import Changes, Llama

ITEM = mediate.Item("Tom has 3 apples and buys 4.", "7", "Tom has 3 + 4 = 7 apples.", id="a")


def prepared(dtype: str = "float64") -> PreparedItem:
    found = mediate.prepare(tiny.model("llama", dtype), ITEM, store=False)
    assert isinstance(found, PreparedItem)
    return found


def test_a_plain_computation_with_the_mask_says_the_same() -> None:
    item = prepared()
    tokens, config = item.tokens, tiny.plain_model("llama", "float64").config
    plain = Llama(
        tiny.plain_model("llama", "float64").state_dict(), config.num_attention_heads, config.num_key_value_heads
    )
    ids = [*tokens.whole, *tokens.readers.cue, *tokens.readers.base[:-1]]
    start, stop = len(tokens.question), len(tokens.whole)

    def said(hidden: list[int]) -> float:
        edges = product(
            range(plain.layers), range(plain.heads), range(stop, len(ids)), [start + each for each in hidden]
        )
        at = plain.run(ids, Changes(masked=frozenset(edges))).logits[-len(tokens.readers.base) + tokens.readers.spoken]
        return float(at[tokens.readers.base[tokens.readers.spoken]] - at.mean())

    sets = [[1, 3, 4], [0], [], [*range(len(tokens.trace.ids))]]
    with torch.no_grad():
        wanted = [said([]) - said(each) for each in sets]
    found = hidden_together(item.model, item.sights, sets, LOGIT)
    assert np.allclose(found, wanted, atol=1e-9)
    assert found[2] == 0
    assert abs(found[0]) > 1e-4


def test_it_is_no_sum_and_the_order_of_a_set_says_nothing() -> None:
    item = prepared()
    both, one, other, turned = hidden_together(item.model, item.sights, [[2, 5], [2], [5], [5, 2]], LOGIT)
    assert both == turned
    assert abs(both - one - other) > 1e-6
    knockouts = item.map("knockout:position").values
    assert np.allclose([one, other], knockouts[[2, 5]], atol=1e-9)


def test_a_position_that_is_not_there_is_refused() -> None:
    item = prepared()
    with pytest.raises(InputError, match="positions"):
        hidden_together(item.model, item.sights, [[99]], LOGIT)
