import pytest

from mediate.results.precision import precision_words


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"dtype": "float32", "weights": "4-bit GGUF, Q4_1"}, "float32 (from 4-bit GGUF, Q4_1)"),
        ({"dtype": "bfloat16", "weights": ""}, "bfloat16"),
        ({"dtype": "float32"}, "float32"),
        ({"dtype": None, "weights": "4-bit GGUF, Q4_1"}, ""),
        ({}, ""),
    ],
)
def test_what_weights_were_is_told_beside_the_dtype(facts: dict[str, str], words: str) -> None:
    assert precision_words(facts) == words
