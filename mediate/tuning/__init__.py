"""The arms that make an "after": a model tuned on questions, chains and answers, by trl's trainers."""

from mediate.tuning.arms import ARMS
from mediate.tuning.arms.arm import Arm

__all__ = ["ARMS", "Arm"]
