"""LongRoPE: an item is measured by one set of factors, or refused where its passes would be turned by two."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

import mediate
from mediate.errors import InputError, ItemError
from mediate.mediation.encoding import encode_pair
from mediate.mediation.kinds.cube import measure_cube, run_contexts
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model
from mediate.models.prompts import ANSWER_CUE, NONE
from mediate.models.rope import depends_on_length, longest_alike, most_tokens
from mediate.pairs.pair import Item, Pair
from mediate.traces.trace import given_trace
from tests import tiny
from tests.models import architectures
from tests.models.architectures import ORIGINAL

NAME = "phi3, longrope"
# Tokens of a question with its line break, of the chain's beginning, and of the cue with an answer.
REST = 6 + 5 + 5


@cache
def model() -> Model:
    return mediate.load(architectures.plain_model(NAME), tokenizer=tiny.tokenizer(), device="cpu")


def pair(length: int, name: str = "a") -> Pair:
    """A pair whose longest sequence has so many tokens."""
    more = " = 9" * ((length - REST) // 2) + ("." if (length - REST) % 2 else "")
    return Pair(
        name,
        "g",
        Item("Tom has 3 apples.", "7", f"Tom has 3 ={more}."),
        Item("Tom has 2 apples.", "6", f"Tom has 2 ={more}."),
    )


def encoded(given: Pair) -> Any:
    tokenizer = tiny.tokenizer()
    traces = (given_trace(str(item.cot), tokenizer) for item in (given.source, given.base))
    return encode_pair(model(), given, NONE, ANSWER_CUE, *traces)


def whole(length: int) -> list[int]:
    """The base's tokens, without the answer's last."""
    found = encoded(pair(length))
    return [*found.context(1, 1), *found.readers.cue]


@pytest.mark.parametrize("length", [ORIGINAL - 9, ORIGINAL - 1, ORIGINAL])
def test_up_to_the_switch_both_untouched_runs_are_the_plain_models(length: int) -> None:
    found = encoded(pair(length))
    assert len(found.context(1, 1)) + len(found.readers.cue) + 1 == length
    y = measure_cube(model(), run_contexts(model(), found), [Outcome.LOGIT_DIFF])[0]
    plain = architectures.plain_model(NAME)
    for world in (0, 1):
        ids = [*found.context(world, world), *found.readers.cue]
        with torch.no_grad():
            at = plain(torch.tensor([ids]), use_cache=False).logits[0, -1].double()
        wanted = float(at[found.readers.base[0]] - at[found.readers.source[0]])
        np.testing.assert_allclose(y[world, world, world], wanted, atol=1e-4)


@pytest.mark.parametrize("length", [ORIGINAL + 1, ORIGINAL + 20])
def test_past_the_switch_an_item_is_refused_with_the_reason(length: int) -> None:
    with pytest.raises(
        ItemError, match=rf"{length} tokens, and past {ORIGINAL} 'Phi3ForCausalLM' turns keys"
    ) as caught:
        encoded(pair(length))
    assert caught.value.code == "too_long"


@contextmanager
def places() -> Iterator[list[int]]:
    """The last place of every pass, as the rotary embedding gets it."""
    seen: list[int] = []
    rotary = next(module for module in model().plain.modules() if hasattr(module, "original_inv_freq"))

    def note(_: Any, given: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.append(int(kwargs.get("position_ids", given[-1]).max()))

    with rotary.register_forward_pre_hook(note, with_kwargs=True):
        yield seen


def test_such_items_are_left_out_of_a_run_and_the_others_are_as_without_them() -> None:
    pairs = [pair(ORIGINAL - 8, "short"), pair(ORIGINAL + 6, "long"), pair(ORIGINAL, "full")]
    options: dict[str, Any] = {"template": NONE, "store": False, "progress": False, "maps": ()}
    with pytest.raises(InputError, match="item 'long'"):
        mediate.score(model(), pairs, **options)
    with places() as seen:
        found = mediate.score(model(), pairs, on_bad_item="skip", control_pairs=2, **options).results
    assert ORIGINAL - 3 <= max(seen) < ORIGINAL, "a control, or another item beside it, went past the switch"
    assert [reject.item for reject in found.rejects if reject.part == "item"] == ["long"]
    alone = mediate.score(model(), [pairs[0], pairs[2]], control_pairs=0, **options).results
    assert found.cubes[0].items == alone.cubes[0].items == ("short", "full")
    np.testing.assert_allclose(found.cubes[0].y, alone.cubes[0].y, atol=1e-5)
    assert most_tokens(model()) == ORIGINAL < model().facts.context


def test_which_configurations_have_a_switch() -> None:
    from transformers import LlamaConfig

    assert longest_alike(model().plain.config) == ORIGINAL
    assert depends_on_length(model().plain.config)
    for architecture in tiny.ARCHITECTURES:
        assert longest_alike(tiny.model(architecture).plain.config) is None
        assert not depends_on_length(tiny.model(architecture).plain.config)
    scaled = LlamaConfig(rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4})
    assert depends_on_length(scaled)
    assert longest_alike(scaled) is None
