"""What replacements would have said of the reference reasoners, from runs that are made up."""

from pathlib import Path

import numpy as np

from mediate.models.shipped import After
from mediate.stats import Estimate
from tests.tools.test_findings import rows
from tools.findings.replacements import REPLACEMENTS, Judged


def estimate(value: float, reach: float = 0.0) -> Estimate:
    return Estimate(value, value - reach, value + reach, 0.95, 40, 40, "made up", 0)


def test_a_verdict_is_of_the_whole_interval() -> None:
    def verdicts(after: After, value: float, reach: float) -> tuple[bool, bool]:
        judged = Judged(("0.1m", after), estimate(value, reach), estimate(0.05))
        return judged.tells, judged.misleads

    assert verdicts(After.DECORATIVE, 0.1, 0.09) == (True, False)
    assert verdicts(After.DECORATIVE, 0.1, 0.11) == (False, False)
    assert verdicts(After.DECORATIVE, 0.3, 0.11) == (False, False)
    assert verdicts(After.DECORATIVE, 0.3, 0.09) == (False, True)
    for after in (After.BASE, After.NEEDED):
        assert verdicts(after, 1.5, 0.6) == (True, False)
        assert verdicts(after, 0.9, 0.2) == (False, False)
        assert verdicts(after, 0.7, 0.11) == (False, False)
        assert verdicts(after, 0.7, 0.09) == (False, True)
    nowhere = Estimate(0.5, np.nan, np.nan, 0.95, 40, 40, "made up", 0, "one group")
    assert not Judged(("0.1m", After.BASE), nowhere, nowhere).tells
    assert not Judged(("0.1m", After.BASE), nowhere, nowhere).misleads


def test_who_would_have_misled_is_named_with_by_how_much(runs: Path) -> None:
    summary = {row[0]: row[1:] for row in rows(REPLACEMENTS.table(runs).split("\n\n")[0])}
    assert list(summary) == ["hidden", "deletion", "filler", "mistake"]
    assert summary["deletion"][::2] == ["12, 0, 0", "12, 0, 0", "–"]
    assert summary["deletion"][1].startswith("+100.0 points [")
    # All of hidden's shares are wrong: 60 % of base and needed, 30 % of decorative.
    assert summary["hidden"][0] == "0, 0, 12"
    assert "0.10M base −40.0 points, 0.10M decorative +25.0 points" in summary["hidden"][4]
    # A chain that filler calls used, and one that it calls hardly needed: 40 and 30 %.
    assert summary["filler"][0] == "4, 0, 8"
    assert summary["filler"][1].startswith("−10.0 points [")
    # The intervals of decorative and needed chains are about 20 and 80 % themselves.
    assert summary["mistake"][0] == "4, 8, 0"


def test_every_share_behind_a_verdict_is_shown(runs: Path) -> None:
    shown = rows(REPLACEMENTS.table(runs).split("\n\n")[1])
    assert [row[:2] for row in shown[:5]] == [
        *(["hidden", size] for size in ("0.10M", "1.00M", "10.00M", "100.00M")),
        ["deletion", "0.10M"],
    ]
    assert [cell.split(" %")[0] for cell in shown[-1][2:]] == ["150", "20", "80"] * 2
