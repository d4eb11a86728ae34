"""A token that the embedding has no row for is refused at load; a control token that no text has is not."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from transformers import AddedToken

from mediate.errors import InputError, ItemError
from mediate.mediation.encoding import check_fit, encode_pair
from mediate.models.generation import Decoding, generate
from mediate.models.loading import load_unchecked as load
from mediate.models.prompts import ANSWER_CUE, NONE
from mediate.models.vocabulary import check_vocabulary
from mediate.pairs.pair import Item, Pair
from mediate.passes.selfcheck import checked
from mediate.traces.trace import given_trace
from tests import tiny


def test_a_tokenizer_that_fits() -> None:
    tokenizer = tiny.byte_level()
    check_vocabulary(tokenizer, len(tokenizer), "m")
    check_vocabulary(tokenizer, len(tokenizer) + 64, "m")
    control = tokenizer.convert_tokens_to_ids("<|header|>")
    assert control == len(tokenizer) - 1
    check_vocabulary(tokenizer, control, "m")


@pytest.mark.parametrize("made", [tiny.byte_level, tiny.tokenizer])
@pytest.mark.parametrize("missing", [8, 50])
def test_a_tokenizer_that_is_larger(made: Any, missing: int) -> None:
    tokenizer = made()
    rows = len(tokenizer) - missing
    with pytest.raises(
        InputError, match=rf"^model 'm': its tokenizer has {len(tokenizer)} tokens, and its embedding {rows} rows"
    ):
        check_vocabulary(tokenizer, rows, "m")


def test_a_bos_beyond_the_rows_is_put_before_every_text() -> None:
    tokenizer = tiny.byte_level()
    beyond = tokenizer.convert_tokens_to_ids("<|im_start|>")
    assert tokenizer.bos_token_id == beyond
    texts = [number for number in tokenizer.get_vocab().values() if number not in tokenizer.added_tokens_decoder]
    assert max(texts) < beyond
    with pytest.raises(InputError, match="its tokenizer has"):
        check_vocabulary(tokenizer, max(texts) + 1, "m")


def test_a_control_token_that_the_model_lacks_is_refused_where_it_is_used() -> None:
    tokenizer = copy.deepcopy(tiny.tokenizer())
    rows = len(tokenizer)
    tokenizer.add_tokens([AddedToken("<|image|>", special=True, normalized=False)])
    model = checked(load(tiny.plain_model("llama"), tokenizer=tokenizer, device="cpu"))
    assert model.facts.d_vocab == rows
    said = rf"token {rows} is beyond the {rows} rows of the embedding of 'LlamaForCausalLM'; give another template"
    with pytest.raises(InputError, match=said):
        generate(model, [[1], [2, rows]], Decoding(max_new_tokens=2))
    pair = Pair("a", "g", Item("Tom has 3.", "7", "= 7"), Item("Tom has 2.", "6", "= 6"))
    traces = [given_trace(text, tokenizer) for text in ("= 6", "= 7")]
    found = encode_pair(model, pair, NONE, ANSWER_CUE, *traces)
    with pytest.raises(ItemError, match=said):
        check_fit(model, replace(found, questions=(found.questions[0], (*found.questions[1][:-1], rows))))
