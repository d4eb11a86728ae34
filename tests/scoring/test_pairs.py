"""What is prepared before anything is measured: each pair is put into tokens once."""

from collections import Counter

import pytest

from mediate.scoring import pairs as pairs_module
from mediate.scoring.pairs import PAIRS as OF_PAIRS
from mediate.scoring.preparing import prepare
from mediate.scoring.settling import settled
from mediate.scoring.spec import make_spec
from tests import tiny
from tests.scoring.test_score import PAIRS, pair


def test_each_pair_is_put_into_tokens_once(monkeypatch: pytest.MonkeyPatch) -> None:
    laid = Counter[str]()
    real = pairs_module.encode_parts

    def counted(model, given, *parts):
        laid[given.id] += 1
        return real(model, given, *parts)

    monkeypatch.setattr(pairs_module, "encode_parts", counted)
    model, pairs = tiny.model("llama"), [*PAIRS[:2], pair(7, cot=False)]
    spec = settled(model, pairs, make_spec(maps=("read:step", "knockout:step"), on_bad_item="skip"), str)
    items, _ = prepare(OF_PAIRS, model, pairs, spec, None)
    assert {item.id for item in items} <= set(laid)
    assert set(laid.values()) == {1}
    for item in items:
        assert item.tokens.id == item.pair.id
        assert (item.said is None) == (item.pair.base.cot is not None)
        assert [str(each) for each in item.maps] == ["read:step", "knockout:step"]
