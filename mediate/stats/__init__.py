"""Estimates, intervals and tests; arrays only."""

from mediate.stats.bootstrap import bootstrap_mean, bootstrap_rate, bootstrap_ratio
from mediate.stats.bounded import bounded_difference, bounded_mean
from mediate.stats.equivalence import Equivalence, equivalence
from mediate.stats.estimate import Estimate
from mediate.stats.ladder import RankCorrelation, ladder_mean_slope, ladder_rank_correlation, ladder_slope
from mediate.stats.paired import paired_difference, paired_ratio_difference
from mediate.stats.signflip import MaxT, false_discovery, sign_flip_max_t

__all__ = [
    "Equivalence",
    "Estimate",
    "MaxT",
    "RankCorrelation",
    "bootstrap_mean",
    "bootstrap_rate",
    "bootstrap_ratio",
    "bounded_difference",
    "bounded_mean",
    "equivalence",
    "false_discovery",
    "ladder_mean_slope",
    "ladder_rank_correlation",
    "ladder_slope",
    "paired_difference",
    "paired_ratio_difference",
    "sign_flip_max_t",
]
