from dataclasses import replace

import numpy as np

from mediate.report.run.in_short import controls_found, largest
from mediate.results.controls import Control, ControlSummary
from mediate.stats import Estimate
from tests.figures.records import fake_results

NOTHING = Estimate(0.0, 0.0, 0.0, 0.95, 3, 3, "x", 0)


def control(held: bool | None) -> ControlSummary:
    name = Control.SHUFFLED_STEPS if held is None else Control.SELF_SOURCE
    return ControlSummary(name, 3, 0, 1.0 if held is False else 0.0, NOTHING, NOTHING, NOTHING, np.nan, ())


def test_the_largest_cell_is_named_with_its_value() -> None:
    results = fake_results(6, layers=3)
    rows: dict[int, list[np.ndarray]] = {}
    for each in results.maps:
        if each.outcome == "logit_diff":
            for step, row in zip(each.coords["step"], each.values, strict=True):
                rows.setdefault(step - len(each.coords["step"]), []).append(row)
    # Chains differ in length, so that steps are counted to the last one.
    means = {step: np.mean(found, axis=0) for step, found in rows.items()}
    step = max(means, key=lambda each: abs(means[each]).max())
    layer = int(abs(means[step]).argmax())
    where = "the last step" if step == -1 else f"step −{-step}"
    assert largest(results, "logit_diff") == f"read: largest at {where}, layer {layer}, {means[step][layer]:.2f} nats"
    assert largest(replace(results, maps=()), "logit_diff") == ""


def test_controls_that_must_be_0_are_counted_and_broken_ones_named() -> None:
    assert controls_found([control(True), control(True), control(None)]) == "all 2 that must be 0 are; 1 other"
    assert controls_found([control(True), control(False)]) == "1 of 2 that must be 0 BROKEN; 0 others"
    assert controls_found([control(None)]) == "none must be 0; 1 other"
