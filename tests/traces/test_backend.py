"""traces.backend: a tokenizer's own engine says what transformers says around it."""

from typing import Any

import pytest

from mediate.models.shipped import ladder_tokenizer
from mediate.traces.backend import engine, text_ids, text_of
from tests import tiny
from tests.traces.spellings import FORMS, spaced

TEXTS = ("Tom has 7.", " Tom  has 7. ", "\n\nTom\n", "🙂 then é", "<|end|> Tom</s> <eos>", "")
TOKENIZERS = {form: lambda form=form: spaced(form) for form in FORMS} | {
    "tiny": tiny.tokenizer,
    "reference": ladder_tokenizer,
}


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("added", [False, True])
def test_the_engine_says_what_transformers_says(name: str, added: bool) -> None:
    tokenizer = TOKENIZERS[name]()
    assert engine(tokenizer) is not None, "the quick way is taken"
    for text in TEXTS:
        tokenizer(text, add_special_tokens=False)  # which lets control tokens be read as such
        ids = text_ids(tokenizer, text, added=added)
        assert ids == tokenizer(text, add_special_tokens=added, split_special_tokens=True)["input_ids"]
        assert text_of(tokenizer, ids) == tokenizer.decode(
            ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )


def test_a_tokenizer_with_ways_of_its_own_is_asked_as_it_wants_to_be() -> None:
    plain = tiny.tokenizer()
    kind = type(plain)

    def louder(self: Any, text: str, *args: Any, **options: Any) -> Any:
        return kind._encode_plus(self, text.upper(), *args, **options)

    loud = type("Loud", (kind,), {"_encode_plus": louder})(tokenizer_object=plain.backend_tokenizer)
    assert engine(loud) is None
    assert text_ids(loud, "Tom") == text_ids(plain, "TOM") != text_ids(plain, "Tom")


def test_a_tokenizer_that_cuts_is_asked_through_transformers() -> None:
    loaded = tiny.tokenizer()
    tokenizer = type(loaded)(tokenizer_object=loaded.backend_tokenizer)
    tokenizer.backend_tokenizer.enable_truncation(1)
    assert engine(tokenizer) is None
    assert len(text_ids(tokenizer, "Tom has 7.")) > 1, "transformers turns it off"
