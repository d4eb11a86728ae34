"""Planted truths, measured: what `mediate check` runs to show that this machine computes right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mediate.mediation.cube import measure_cube, run_contexts
from mediate.mediation.encoding import encode_pair
from mediate.mediation.outcomes import Outcome
from mediate.models.loading import load
from mediate.models.planted import SETTINGS, Planted, planted_model
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.runs.selfcheck import checked
from mediate.traces.trace import given_trace

TOLERANCE = {"float64": 1e-10, "float32": 1e-5}


@dataclass(frozen=True, slots=True)
class Truth:
    """One planted model's largest error over the eight outcomes.

    Args:
        name: The planted model.
        dtype: Of its weights.
        error: The largest difference between measured and closed form, in nats.
        tolerance: What is allowed.
    """

    name: str
    dtype: str
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; a NaN is not."""
        return self.error <= self.tolerance


def planted_truths(settings: Sequence[Planted] = SETTINGS) -> tuple[Truth, ...]:
    """Measures every planted model in float64 and float32."""
    return tuple(measure_truth(planted, dtype) for planted in settings for dtype in TOLERANCE)


def measure_truth(planted: Planted, dtype: str) -> Truth:
    """Measures one planted model's cube, by the path that every pair takes."""
    plain, tokenizer = planted_model(planted, getattr(torch, dtype))
    model = checked(load(plain, tokenizer=tokenizer, device="cpu", copy=False))
    pair = planted.pair()
    chains = (given_trace(str(item.cot), tokenizer) for item in (pair.source, pair.base))
    tokens = encode_pair(model, pair, Template(Style.NONE), ANSWER_CUE, *chains)
    found = measure_cube(model, run_contexts(model, tokens), [Outcome.LOGIT_DIFF])[0]
    return Truth(planted.name, dtype, float(np.abs(found - planted.cube()).max()), TOLERANCE[dtype])
