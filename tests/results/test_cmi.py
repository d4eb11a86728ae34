"""CMI by hand: its published form, its three defects, each put back alone."""

import numpy as np
import pytest

from mediate.results.cmi import (
    SpanLoss,
    changed_by,
    index_of,
    index_of_set,
    index_table,
    indexed,
    published,
    span_table,
    spans_from_table,
)

NONE = SpanLoss("d", "d", code="no_filler", reason="the tokenizer has no filler")


def of(*values: float) -> np.ndarray:
    return np.array(values)


def spans(item: str, chain: np.ndarray, control: np.ndarray) -> list[SpanLoss]:
    both = enumerate(zip(chain.tolist(), control.tolist(), strict=True))
    return [SpanLoss(item, item, 3 * place, 3, *losses, 0.0) for place, losses in both]


def test_the_index_by_hand() -> None:
    assert index_of(of(3.0), of(1.0)) == pytest.approx(0.5)
    assert index_of(of(3.0, 1.0), of(1.0, 1.0)) == pytest.approx(0.25)
    assert index_of(of(3.0, 0.05), of(1.0, 0.05)) == pytest.approx(0.5)
    assert np.isnan(index_of(of(0.05), of(0.05)))


def test_as_published_by_hand() -> None:
    """What is lost is all that counts: the control is 0, and so is a loss below it."""
    assert published(of(6.0)) == published(of(1e-6)) == 1
    assert published(of(-6.0)) == published(of(0.0)) == 0
    assert published(of(6.0, -6.0)) == 0.5
    assert index_of(of(3.0), of(1.0), clipped=True, least=0.0) == 0.5
    assert index_of(of(1.0), of(3.0), clipped=True, least=0.0) == 0
    assert index_of(of(-1.0), of(-3.0), clipped=True, least=0.0) == 0


@pytest.mark.parametrize(
    ("chain", "control", "changed"),
    [
        (of(3.0), of(0.0), ()),
        (of(3.0), of(1.0), ("control",)),
        # The chain's states speak against the answer.
        (of(-3.0), of(0.0), ("sign",)),
        # They say less than a displacement as far: -0.5, and 0 by max(0, .).
        (of(1.0), of(3.0), ("sign", "control")),
        # A ratio of nothing.
        (of(1e-6), of(0.0), ("size",)),
        (of(3.0, 1e-6), of(1.0, 1e-6), ("size", "control")),
        (of(2.0, 0.0), of(0.0, 0.0), ("size",)),
    ],
)
def test_each_defect_changes_what_it_should(chain: np.ndarray, control: np.ndarray, changed: tuple[str, ...]) -> None:
    assert changed_by(chain, control) == changed


def test_a_set_counts_them_over_items() -> None:
    found = [*spans("a", of(3.0, 1.0), of(1.0, 1.0)), *spans("b", of(-2.0), of(2.0)), *spans("c", of(1e-3), of(0.0))]
    told = index_of_set([*found, NONE])
    assert told.cmi.value == pytest.approx((0.25 - 1) / 2)
    assert told.nats.value == pytest.approx((1 - 4 + 0.001) / 3)
    assert told.published.value == pytest.approx((1 + 0 + 1) / 3)
    assert told.changed == {"sign": 1, "size": 1, "control": 1}
    assert (told.items, told.undefined, told.cmi.n, told.nats.n) == (3, 1, 2, 3)
    assert [each.item for each in indexed(found)] == ["a", "b", "c"]
    assert not index_of_set([NONE]).cmi.defined


def test_the_tables() -> None:
    found = (*spans("a", of(3.0, 1.0), of(1.0, 1.0)), NONE)
    assert spans_from_table(span_table(found))[:2] == found[:2]
    assert spans_from_table(span_table(found))[2].code == "no_filler"
    table = index_table(found)
    assert table.loc[0, ["cmi", "nats", "published"]].tolist() == pytest.approx([0.25, 1, 1])
    assert table.loc[0, ["changed_by_sign", "changed_by_size", "changed_by_control"]].tolist() == [False, False, True]
    assert index_table(()).empty


def test_a_row_needs_a_loss_or_a_reason() -> None:
    with pytest.raises(ValueError, match="item 'a'"):
        SpanLoss("a", "a", 0, 3)
