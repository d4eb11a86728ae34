"""Forward passes under interventions, what they keep, and what is known of them; `sweeps` runs many of them at once."""

from mediate.passes.sweeps.engine import branch_logits, limits, quickest_tokens, token_bytes
from mediate.passes.sweeps.pace import Pace, pace
from mediate.passes.sweeps.planning import Place, Sweeps, plan_sweeps
from mediate.passes.sweeps.sweep import Untouched, untouched

__all__ = [
    "Pace",
    "Place",
    "Sweeps",
    "Untouched",
    "branch_logits",
    "limits",
    "pace",
    "plan_sweeps",
    "quickest_tokens",
    "token_bytes",
    "untouched",
]
