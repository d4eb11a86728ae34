"""Two or more runs on the same items: what changed, where, and through what. Needs neither a model nor torch."""

from mediate.compare.compared import Compared, compare_runs
from mediate.compare.design import Design
from mediate.compare.differences import Verdict
from mediate.compare.runs import NamedRun, Writer, name_runs
from mediate.compare.settings import MARGIN, Settings, settings_of

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
