from dataclasses import replace

import numpy as np

from mediate.report.run.in_short import controls_found, largest
from mediate.results import mean_map
from mediate.results.controls import Control, ControlSummary
from mediate.stats import Estimate
from tests.figures.records import fake_results

NOTHING = Estimate(0.0, 0.0, 0.0, 0.95, 3, 3, "x", 0)


def control(held: bool | None) -> ControlSummary:
    name = Control.SHUFFLED_STEPS if held is None else Control.SELF_SOURCE
    return ControlSummary(name, 3, 0, 1.0 if held is False else 0.0, NOTHING, NOTHING, NOTHING, np.nan, ())


def test_the_largest_cell_is_named_with_its_value() -> None:
    results = fake_results(6, layers=3)
    mean, coords, _ = mean_map([each for each in results.maps if each.outcome == "logit_diff"])
    row, column = np.unravel_index(np.argmax(abs(mean)), mean.shape)
    said = largest(results, "logit_diff")
    assert (
        said == f"read: largest at step {coords['step'][row]}, layer {coords['layer'][column]}, {mean.max():.2f} nats"
    )
    assert largest(replace(results, maps=()), "logit_diff") == ""


def test_controls_that_must_be_0_are_counted_and_broken_ones_named() -> None:
    assert controls_found([control(True), control(True), control(None)]) == "all 2 that must be 0 are; 1 other"
    assert controls_found([control(True), control(False)]) == "1 of 2 that must be 0 BROKEN; 0 others"
    assert controls_found([control(None)]) == "none must be 0; 1 other"
