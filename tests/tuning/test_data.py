"""What is given to tune on: one set, or several by name."""

from typing import Any

import pytest

from mediate.errors import InputError
from mediate.tasks import generate_pairs
from mediate.tuning.arms.lora import LORA
from mediate.tuning.arms.mix import MIX
from mediate.tuning.data import read_data
from tests.tuning.subjects import examples

ONE = list(examples(4))


def test_parts_keep_their_ids_apart_and_their_pairs_with_them() -> None:
    pairs = generate_pairs(2, steps=2, with_cot=True)
    found = read_data({"a": (ONE, 1), "b": (pairs, 3)}, MIX)
    assert [each.id for each in found.examples.examples][:4] == [f"a/{each.id}" for each in ONE]
    assert {each.id for each in found.pairs} == {f"b/{each.id}" for each in pairs}
    assert {f"{each.id}/base" for each in found.pairs} < {each.id for each in found.examples.examples}
    assert found.parts == {"a": 1.0, "b": 3.0}


@pytest.mark.parametrize(("data", "named"), [
    (ONE, "the arm mix takes several sets of examples with weights; give --part NAME=FILE:WEIGHT twice"),
    ({"a": (ONE, 1)}, "1 part to mix"),
    ({"a": (ONE, 1), "b": ([], 1)}, "part 'b': no examples to tune on"),
    ({"a": (ONE, 1), "b": ("no/such.jsonl", 1)}, "part 'b': no/such.jsonl: no such file"),
    ({"a": (ONE, 1), "b/c": (ONE, 1)}, "a name is text without '/'"),
    ({"a": (ONE, 1), " ": (ONE, 1)}, "a name is text without '/'"),
    ({"a": (ONE, 1), "b": (ONE, 0)}, "part 'b': its weight is 0; give a number above 0"),
    ({"a": (ONE, 1), "b": (ONE, float("nan"))}, "part 'b': its weight is nan"),
    ({"a": (ONE, 1), "b": (ONE, True)}, "part 'b': its weight is True"),
    ({"a": (ONE, 1), "b": ONE}, "part 'b': give the examples or their file, and the weight"),
    ({"a": (ONE, 1), "b": "d.jsonl"}, "part 'b': give the examples or their file, and the weight"),
])  # fmt: skip
def test_wrong_parts_are_named(data: Any, named: str) -> None:
    with pytest.raises(InputError, match=named):
        read_data(data, MIX)


def test_other_arms_take_one_set() -> None:
    with pytest.raises(InputError, match="are for the arm mix; give the arm lora one"):
        read_data({"a": (ONE, 1), "b": (ONE, 1)}, LORA)
