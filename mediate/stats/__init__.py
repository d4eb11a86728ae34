"""Estimates, intervals and tests; arrays only."""

from mediate.stats.bootstrap import bootstrap_mean, bootstrap_ratio
from mediate.stats.estimate import Estimate

__all__ = ["Estimate", "bootstrap_mean", "bootstrap_ratio"]
