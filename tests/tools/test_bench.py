"""The benchmarks still run, in their short form; what they find there means nothing, and no time is asserted."""

import json
from pathlib import Path

import pytest

from tools.bench.__main__ import main
from tools.bench.growth import exponent


def test_the_short_form_runs(tmp_path: Path) -> None:
    main(["patching", "whole", "gpu", "--short", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "bench.json").read_text())
    assert {"processor", "cores", "threads", "gpu", "torch", "python"} == set(found["machine"])
    rows = {row["name"]: row for row in found["ratios"]}
    for row in rows.values():
        assert row["note"]
        if row["ratio"] is None:
            assert "GPU" in row["note"]
        else:
            assert row["low"] <= row["ratio"] <= row["high"]
    apart = [value for name, value in found["values"].items() if "largest difference" in name]
    assert apart
    assert max(apart) < 1e-5
    assert len(rows) >= 8


def test_an_exponent_is_the_slope_of_the_logarithms() -> None:
    assert exponent([1, 2, 4], [3.0, 12.0, 48.0]) == pytest.approx(2.0)
