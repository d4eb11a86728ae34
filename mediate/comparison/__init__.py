"""Two or more runs on the same items: what changed, where, and through what. Needs neither a model nor torch."""

from mediate.comparison.compared import Compared, compare_runs
from mediate.comparison.design import Design
from mediate.comparison.differences import Verdict
from mediate.comparison.runs import NamedRun, Writer, name_runs
from mediate.comparison.settings import MARGIN, Settings, settings_of

__all__ = [
    "MARGIN",
    "Compared",
    "Design",
    "NamedRun",
    "Settings",
    "Verdict",
    "Writer",
    "compare_runs",
    "name_runs",
    "settings_of",
]
