"""The figures of a comparison as PNG, each with the text that stands in for it."""

from mediate.comparison import Compared
from mediate.report.pictures import Picture


def comparison_pictures(compared: Compared) -> tuple[Picture, ...]:
    """Every figure of the page, outcome by outcome."""
    return ()
