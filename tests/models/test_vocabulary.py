"""A token that the embedding has no row for is refused at load; a control token that no text has is not."""

from typing import Any

import pytest

from mediate.errors import InputError
from mediate.models.vocabulary import check_vocabulary
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
