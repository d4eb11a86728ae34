"""The cube equals an independent computation with plain transformers and hand-made caches."""

import numpy as np
import pytest

from mediate.mediation.encoding import EncodedPair, encode_pair
from mediate.mediation.kinds.cube import measure_cube, run_contexts
from mediate.mediation.outcomes import USUAL
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.pairs.pair import Item, Pair
from mediate.traces.trace import given_trace
from tests import tiny
from tests.mediation.oracle import oracle_cube

CASES = {
    "one answer token": (
        "Tom has 3 apples.",
        "Tom has 2 apples.",
        "Tom has 3 + 4 = 7.",
        "Tom has 2 + 4 = 6.",
        "boxes",
        "pears",
    ),
    "shared beginning": (
        "Tom has 3 apples.",
        "Tom has 2 apples.",
        "Tom has 3 + 9 = 12.",
        "Tom has 2 + 9 = 11.",
        "12",
        "11",
    ),
    "different lengths": (
        "Tom has 3 apples.",
        "Tom has 2 apples.",
        "Tom has 9 = 9.",
        "Tom has 2 + 9 = 11.",
        "9",
        "1153",
    ),
}
UNEQUAL = ("Tom has 12 apples now.", "Tom has 2 apples.", "Tom has 12 + 9 = 21.", "Tom has 2 + 9 = 11.", "21", "11")


def encoded(architecture: str, texts: tuple[str, ...], dtype: str = "float32") -> EncodedPair:
    question1, question0, cot1, cot0, answer1, answer0 = texts
    pair = Pair("a", "g", Item(question1, answer1, cot1), Item(question0, answer0, cot0))
    source, base = (given_trace(cot, tiny.tokenizer()) for cot in (cot0, cot1))
    return encode_pair(tiny.model(architecture, dtype), pair, Template(Style.NONE), ANSWER_CUE, source, base)


def assert_as_oracle(architecture: str, texts: tuple[str, ...], dtype: str, tolerance: float) -> None:
    pair, model = encoded(architecture, texts, dtype), tiny.model(architecture, dtype)
    tokenizer = tiny.tokenizer()

    def ids(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    question1, question0, cot1, cot0, answer1, answer0 = texts
    wanted = oracle_cube(
        tiny.plain_model(architecture, dtype),
        (ids(question0 + "\n"), ids(question1 + "\n")),
        (ids(cot0), ids(cot1)),
        ids("\nThe answer is"),
        (ids(" " + answer0), ids(" " + answer1)),
    )
    found = measure_cube(model, run_contexts(model, pair))
    for outcome, cube in zip(map(str, USUAL), found, strict=True):
        assert np.ptp(wanted[outcome]) > 0.01, "the oracle's cells do not differ: the comparison would be vacuous"
        # Log-probabilities of whole answers reach some 25 here, of which float32 keeps seven digits.
        size = max(1.0, abs(wanted[outcome]).max() / 10)
        np.testing.assert_allclose(cube, wanted[outcome], atol=tolerance * size, rtol=0)


@pytest.mark.parametrize("texts", CASES.values(), ids=CASES)
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_equal_lengths(architecture: str, texts: tuple[str, ...]) -> None:
    assert_as_oracle(architecture, texts, "float32", 1e-5)
    assert_as_oracle(architecture, texts, "float64", 1e-10)


@pytest.mark.parametrize("architecture", tiny.ROTARY)
def test_unequal_questions(architecture: str) -> None:
    assert_as_oracle(architecture, UNEQUAL, "float32", 1e-5)
    assert_as_oracle(architecture, UNEQUAL, "float64", 1e-10)


# Layers without rotary embedding; neighbouring channels in pairs; the last channels; the other way round; ALiBi.
TURNING = {
    "SmolLM3ForCausalLM": 1e-10,
    "Exaone4ForCausalLM": 1e-10,
    "Cohere2ForCausalLM": 1e-10,
    "CohereForCausalLM": 1e-10,
    "GlmForCausalLM": 1e-10,
    "Ernie4_5ForCausalLM": 1e-10,
    "Llama4ForCausalLM": 1e-10,
    "YoutuForCausalLM": 1e-10,
    "NanoChatForCausalLM": 1e-10,
    "BloomForCausalLM": 1e-10,
    # Their angles are in float32 whatever the dtype, so places are alike to seven digits alone.
    "GPTJForCausalLM": 1e-6,
    "CodeGenForCausalLM": 1e-6,
}


@pytest.mark.parametrize("architecture", TURNING)
def test_unequal_questions_where_keys_turn_otherwise(architecture: str) -> None:
    question1, question0, cot1, cot0, answer1, answer0 = UNEQUAL
    for texts in (UNEQUAL, (question0, question1, cot0, cot1, answer0, answer1)):
        assert_as_oracle(architecture, texts, "float64", TURNING[architecture])


@pytest.mark.parametrize("architecture", ["MixtralForCausalLM", "Gemma4ForCausalLM (one head width)"])
def test_experts_and_other_heads_in_float64(architecture: str) -> None:
    assert_as_oracle(architecture, CASES["shared beginning"], "float64", 1e-10)
