"""Which items a run left out of its numbers, in words."""

from collections import Counter

from mediate.report.words import plural
from mediate.results import Results

MOST_REASONS = 3  # that are named


def selection(results: Results) -> tuple[str, ...]:
    """That the headline is not of all items, in a line; empty where none was left out."""
    said, count = left_out_words(results), len(results.items)
    return (f"{said}: the numbers are of the other {count} alone.",) if said else ()


def left_out_words(results: Results) -> str:
    """How many items were left out of how many, and the most frequent reasons with their counts; empty where none was.

    Items that a limit did not ask for are none of the run's, and are not counted.
    """
    codes = Counter(reject.code for reject in results.rejects if reject.part == "item")
    out = codes.total()
    if not out:
        return ""
    named = codes.most_common(MOST_REASONS)
    listed = [f"{code}: {count}" for code, count in named]
    if rest := out - sum(count for _, count in named):
        listed.append(f"other reasons: {rest}")
    were, given = "was" if out == 1 else "were", plural(len(results.items) + out, "item")
    return f"{out} of {given} {were} left out ({', '.join(listed)})"
