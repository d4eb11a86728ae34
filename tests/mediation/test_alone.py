"""Every method on an item without a twin, against cells of its cube, knockouts and its own docs."""

from functools import cache

import numpy as np
import pytest

import mediate
from mediate.errors import InputError
from mediate.mediation.cells import Cell
from mediate.mediation.kinds.paths import Receiver
from mediate.mediation.prepared_item import PreparedItem
from mediate.models.sites import Component
from mediate.pairs.pair import Item
from mediate.scoring.spec import make_spec
from tests import tiny

QUESTION = "Tom has 3 apples. Tom buys 9."
CHAIN = "Tom has 3. Tom buys 9. 3 + 9 = 12."
ATOL = 1e-9


@cache
def item(architecture: str = "llama", *outcomes: str) -> PreparedItem:
    spec = make_spec(template="none", **({"outcomes": outcomes} if outcomes else {}))
    given = Item(QUESTION, "12", CHAIN, id="apples")
    return mediate.prepare(tiny.model(architecture, "float64"), given, spec, store=False)


def whole() -> Cell:
    return Cell(tuple(range(len(item().tokens.trace.ids))), tuple(range(item().model.facts.layers)))


def necessity(y: np.ndarray) -> np.ndarray:
    return y[:, 1, 1, 1] - y[:, 1, 0, 0]


def blind(y: np.ndarray) -> np.ndarray:
    return y[:, 1, 1, 1] - y[:, 1, 1, 0]


def test_hiding_all_is_necessity() -> None:
    np.testing.assert_allclose(item().knockout([whole()])[:, 0], necessity(item().y), atol=ATOL)


@pytest.mark.parametrize("architecture", ["llama", "gemma3", "gpt2"])
def test_shapley_values_of_hidden_steps_sum_to_necessity(architecture: str) -> None:
    found = item(architecture).step_shapley()
    assert len(found.values) == len(item(architecture).tokens.trace.step_spans) == 3
    assert found.values.sum() == pytest.approx(necessity(item(architecture).y)[0], abs=ATOL)
    hidden = item(architecture).knockout()[0]
    assert abs(found.values - hidden).max() > 1e-4, "steps interact, so that the two are not the same"


def test_shapley_values_of_two_steps_are_means_over_both_orders() -> None:
    given = Item(QUESTION, "12", "Tom has 3. 3 + 9 = 12.", id="two")
    two = mediate.prepare(tiny.model("llama", "float64"), given, make_spec(template="none"), store=False)
    first, second = two.knockout()[0]
    both = necessity(two.y)[0]
    np.testing.assert_allclose(
        two.step_shapley().values, [(first + both - second) / 2, (second + both - first) / 2], atol=ATOL
    )


@pytest.mark.parametrize("outcomes", [("logit", "logprob"), ("kl", "margin")])
def test_reads_of_all_that_was_computed_blind_are_blind(outcomes: tuple[str, ...]) -> None:
    found = item("llama", *outcomes)
    np.testing.assert_allclose(found.reads([whole()])[:, 0], blind(found.y), atol=ATOL)
    steps = found.reads()
    assert steps.shape == (2, 3)
    assert abs(steps).min() > 0
    some = found.reads(readers=[0])
    assert not np.allclose(some, steps)
    with pytest.raises(InputError, match="readers"):
        found.reads(readers=[99])


def test_each_reader_alone() -> None:
    found, count = item().by_reader(), len(item().tokens.readers.cue) + len(item().tokens.readers.base) - 1
    assert found.shape == (2, count, 3)
    for reader in range(count):
        np.testing.assert_allclose(found[:, reader], item().knockout(readers=[reader]), atol=ATOL)
    assert not np.allclose(found[:, 0], found[:, -1])


@pytest.mark.parametrize("by", ["zero", "noise", "shuffled", "resample", "mean"])
def test_paths_to_all_receivers_stay_within_what_a_reference_value_changes(by: str) -> None:
    """From what enters the last block to its keys and values, which is all that readers have of it: the ablation."""
    found, last = item(), item().model.facts.layers - 1
    given = Item("Tom has 2 apples. Tom buys 9.", "11", "Tom has 2. Tom buys 9. 2 + 9 = 11.", id="other")
    others = [mediate.prepare(found.model, given, make_spec(template="none"), store=False)]
    senders = [Cell(each.positions, (last,)) for each in found.cells()]
    receivers = [Receiver(Component.K, (last,)), Receiver(Component.V, (last,))]
    paths = found.paths("resid_pre", senders, receivers, by, others=others)
    wanted = found.ablation(["resid_pre"], by, senders, others=others).effects
    np.testing.assert_allclose(paths, wanted, atol=ATOL)
    assert abs(paths).max() > 1e-4
    by_values = found.paths("resid_pre", senders, receivers[1:], by, others=others)
    assert not np.allclose(by_values, paths)


def test_paths_are_refused_where_they_cannot_be() -> None:
    receivers = [Receiver(Component.V, (1,))]
    with pytest.raises(InputError, match="a path begins in one layer"):
        item().paths("resid_pre", item().cells(), receivers, "zero")
    with pytest.raises(InputError, match="no reference value 'nothing'"):
        item().paths("resid_pre", item().cells("step,layer"), receivers, "nothing")
    with pytest.raises(InputError, match="a row must sum to 1"):
        item().paths("pattern", item().cells("step,layer"), receivers, "noise")


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_the_lens_ends_in_the_outcome(architecture: str) -> None:
    found = item(architecture)
    lens = found.lens(readers=True)
    assert (lens.dims, lens.outcome, lens.kind) == (("reader", "layer"), "logit", "logit_lens")
    assert lens.values[-1, -1] == pytest.approx(found.y[0, 1, 1, 1], abs=ATOL)
    assert lens.te == pytest.approx(found.te, abs=ATOL)
    chain = found.lens()
    assert chain.values.shape == (len(found.tokens.trace.ids), found.model.facts.layers)
    assert np.ptp(chain.values, axis=1).min() > 1e-3


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_direct_terms_sum_to_the_outcome(architecture: str) -> None:
    found = item(architecture)
    direct = found.direct_logits(heads=True)
    assert direct.total == pytest.approx(found.y[0, 1, 1, 1], abs=ATOL)
    assert (direct.outcome, set(direct.to_frame()["outcome"])) == ("logit", {"logit"})
    assert direct.te == pytest.approx(found.te, abs=ATOL)
    assert direct.heads is not None


def test_a_lens_is_of_the_logit_whatever_else_is_read() -> None:
    other = item("llama", "kl", "margin")
    assert other.lens().te == pytest.approx(item().te, abs=ATOL)
    np.testing.assert_array_equal(other.lens().values, item().lens().values)


def test_adaptive_knockouts_are_exact_where_they_are_known() -> None:
    exact = item().map("knockout:position,layer").values
    found = item().adaptive_knockouts(threshold=0.02)
    known = np.isfinite(found.map.values)
    np.testing.assert_allclose(found.map.values[known], exact[known], atol=ATOL)
    assert (abs(exact[~known]) > found.threshold).sum() <= found.bound * found.left_out
    assert found.map.kind == "knockout.adaptive"
    with pytest.raises(InputError, match="give one above 0"):
        item().adaptive_knockouts(threshold=0.0)


def test_what_takes_a_twin_says_what_there_is_instead() -> None:
    with pytest.raises(InputError, match=r"an item by itself has none; map\(.attribution\.") as error:
        item().attribution(["z"])
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=r"an item by itself has none; adaptive_knockouts\("):
        item().adaptive_state_map("resid_pre", threshold=0.05)
    with pytest.raises(InputError, match="puts a twin's activations in place"):
        item().map("state.z:layer,head")


@pytest.mark.parametrize("outcomes", [("logit", "logprob"), ("kl", "margin"), ("prob", "same_answer")])
def test_every_outcome_has_every_method(outcomes: tuple[str, ...]) -> None:
    found = item("llama", *outcomes)
    assert found.knockout().shape == (2, 3)
    assert np.isfinite(found.deletion()).all()
    assert np.isfinite(found.ablation(["v"], "zero").effects).all()
    assert np.isfinite(found.step_shapley().values).all()
    assert np.isfinite(found.paths("z", found.cells("step,layer"), [Receiver(Component.V, (1,))], "zero")).all()
