"""Tables, the HTML page and the notebook view of what a run or a comparison found."""

from mediate.report.comparison.comparison import Comparison, compare
from mediate.report.comparison.folder import RECORD
from mediate.report.comparison.opened import StoredComparison, open_comparison
from mediate.report.cross_scores import CrossScores
from mediate.report.rsd import RsdTraces
from mediate.report.run.attributed import ATTRIBUTED_MAPS, Attributed
from mediate.report.run.drawings import Plots
from mediate.report.run.faithfulness import Faithfulness
from mediate.report.run.page import render_page, terminal, write_report
from mediate.report.run.scores import Scores, open_run
from mediate.report.run.tables import channel_table, mean_map_table, reject_table, summary_table
from mediate.report.token_join import TokenJoin
from mediate.report.traces import TraceScores, selected_content
from mediate.report.tuning import Tuning
from mediate.report.words import headline

__all__ = [
    "ATTRIBUTED_MAPS",
    "RECORD",
    "Attributed",
    "Comparison",
    "CrossScores",
    "Faithfulness",
    "Plots",
    "RsdTraces",
    "Scores",
    "StoredComparison",
    "TokenJoin",
    "TraceScores",
    "Tuning",
    "channel_table",
    "compare",
    "headline",
    "mean_map_table",
    "open_comparison",
    "open_run",
    "reject_table",
    "render_page",
    "selected_content",
    "summary_table",
    "terminal",
    "write_report",
]
