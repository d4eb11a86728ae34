"""The benchmarks still run, in their short form; what they find there means nothing, and no time is asserted."""

import json
from pathlib import Path

import pytest
import torch

from tools.bench.__main__ import main
from tools.bench.gpu import Counted
from tools.bench.growth import exponent


def test_the_short_form_runs(tmp_path: Path) -> None:
    main(["patching", "whole", "--short", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "bench.json").read_text())
    assert {"processor", "cores", "threads", "gpu", "torch", "python"} == set(found["machine"])
    rows = {row["name"]: row for row in found["ratios"]}
    for row in rows.values():
        assert row["note"]
        assert row["low"] <= row["ratio"] <= row["high"]
    apart = [value for name, value in found["values"].items() if "largest difference" in name]
    assert apart
    assert max(apart) < 1e-5
    assert len(rows) >= 8


def test_the_short_form_of_what_a_gpu_reaches_runs_without_one(tmp_path: Path) -> None:
    main(["gpu", "--short", "--out", str(tmp_path)])
    values = json.loads((tmp_path / "bench.json").read_text())["values"]
    measured = [name.split(": ")[2] for name in values if name.endswith("share of the rate")]
    assert len(measured) == 3 * len(set(measured)) == 15
    assert all(value > 0 for name, value in values.items() if name.endswith(("share of the rate", "seconds")))
    off = {name: value for name, value in values.items() if name.endswith("largest difference from float32")}
    assert all(value < (0.1 if "bfloat16" in name else 1e-4) for name, value in off.items())
    # What is rounded differs, so the comparison can see something.
    assert any(value > 1e-6 for name, value in off.items() if "bfloat16" in name)


def test_operations_are_those_of_the_products() -> None:
    one, other = torch.randn(3, 5), torch.randn(5, 7, requires_grad=True)
    with Counted() as counter:
        (one @ other).sum().backward()
    assert counter.operations == 2 * 2 * 3 * 5 * 7  # the product, and the gradient of one side


def test_an_exponent_is_the_slope_of_the_logarithms() -> None:
    assert exponent([1, 2, 4], [3.0, 12.0, 48.0]) == pytest.approx(2.0)
