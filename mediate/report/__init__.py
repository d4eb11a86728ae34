"""Tables, the HTML page and the notebook view of what a run found."""

from mediate.report.page import render_page, write_report
from mediate.report.scores import Plots, Scores
from mediate.report.tables import channel_table, mean_map_table, reject_table, summary_table
from mediate.report.terminal import terminal
from mediate.report.words import headline

__all__ = [
    "Plots",
    "Scores",
    "channel_table",
    "headline",
    "mean_map_table",
    "reject_table",
    "render_page",
    "summary_table",
    "terminal",
    "write_report",
]
