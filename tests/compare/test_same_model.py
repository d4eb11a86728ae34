"""Runs of the very same model are told to be that, and only those."""

from dataclasses import replace

from tests.compare import made
from tests.compare.asked import compared


def test_runs_of_one_model_are_named_with_what_differs() -> None:
    found = compared(made.run(), made.run(seed=1))
    (same,) = found.same_models
    assert (same.labels, same.fingerprint, same.same_chains) == (("run0", "run1"), "print of model-a", True)
    assert str(same) in found.cautions
    assert str(same) == (
        "run0 and run1 are runs of the very same model (sha256 print of mod), on the same chains: what differs is "
        "rounding."
    )


def test_other_chains_of_one_writer_are_no_rounding() -> None:
    run = made.run(seed=1)
    items = tuple(
        replace(each, base=replace(each.base, tokens=tuple(f"{token}!" for token in each.base.tokens)))
        for each in run.items
    )
    (same,) = compared(made.run(), replace(run, items=items)).same_models
    assert not same.same_chains
    assert str(same).endswith("on other chains of one writer: a difference is of the chains, and none of models.")


def test_other_models_and_other_precision_are_not_the_same() -> None:
    half = made.run(seed=1)
    half.manifest["model"]["dtype"] = "float16"
    assert compared(made.run(), made.run(made.B)).same_models == ()
    assert compared(made.run(), half).same_models == ()


def test_readers_crossed_with_writers_are_none() -> None:
    runs = [made.run(), made.run(made.A, writer=made.B), made.run(made.B, writer=made.A), made.run(made.B)]
    assert compared(*runs).same_models == ()


def test_three_runs_are_named_together() -> None:
    (same,) = compared(made.run(), made.run(made.B), made.run(seed=1), made.run(seed=2)).same_models
    assert same.labels == ("run0", "run2", "run3")
    assert str(same).startswith("run0, run2 and run3 are runs of the very same model")
