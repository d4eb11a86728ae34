"""Forward passes under interventions, what they keep, and what is known of them; `sweeps` runs many of them at once."""

from mediate.passes.sweeps.engine import branch_logits, grouped, quickest_tokens, token_bytes
from mediate.passes.sweeps.pace import Pace, pace
from mediate.passes.sweeps.planning import SweepWork, work_of
from mediate.passes.sweeps.sweep import Untouched, untouched

__all__ = [
    "Pace",
    "SweepWork",
    "Untouched",
    "branch_logits",
    "grouped",
    "pace",
    "quickest_tokens",
    "token_bytes",
    "untouched",
    "work_of",
]
