"""What tests on behaviour would have concluded of the reference reasoners, from runs that are made up."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.models.shipped import RUNGS, After
from mediate.results import write_results
from mediate.results.behaviour import WHOLE, Behaved
from mediate.stats import Estimate
from tests.compare import made
from tests.tools.test_findings import rows
from tools.findings.behaviour import BEHAVIOUR, FOLDER, operands_swapped
from tools.findings.concluded import Verdict, verdict

ITEMS = 20


def behaved(after: After, number: int) -> Iterator[Behaved]:
    """Chains of two steps; decorative answers change under filler alone, the others under all but `odd`."""

    def row(edit: str, place: int, same: bool, said: str) -> Behaved:
        return Behaved(
            f"i{number:04d}", f"g{number}", edit, place, 2, "at_once", 1.0, said, said if same else "8", same, same
        )

    ignores = after is After.DECORATIVE
    yield row(WHOLE, 2, True, "7")
    for place in (0, 1):
        yield row("truncated", place, ignores, "8")
        yield row("mistaken", place, ignores or place == 0, "8")
        yield row("filled", place, place == 1 and ignores, "x")
    # Nobody's edit: it has its row all the same.
    yield row("odd", 0, number % 2 == 0, "8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for size, rung in enumerate(RUNGS):
        for after in After:
            direct = 0.95 if after is After.DECORATIVE else 0.01 * size
            shares = (direct, 1 - direct, 0.0)
            run = made.run(rung.name(after), shares, given=True, count=ITEMS, groups=ITEMS, parameters=10 ** (5 + size))
            found = tuple(each for number in range(ITEMS) for each in behaved(after, number))
            write_results(folder / FOLDER / rung.name(after), replace(run, behaviour=found))
    return folder


def test_a_verdict_is_of_the_whole_interval() -> None:
    def said(value: float, reach: float) -> Verdict:
        return verdict(Estimate(value, value - reach, value + reach, 0.95, 9, 9, "made up", 0))

    assert said(0.3, 0.1) is Verdict.USED
    assert said(0.3, 0.3) is Verdict.OPEN
    assert said(0.7, 0.1) is Verdict.NOT_USED
    assert verdict(Estimate(0.3, np.nan, np.nan, 0.95, 9, 1, "made up", 0, "one group")) is Verdict.OPEN


def test_every_edit_of_the_runs_is_told_with_what_it_concludes(folder: Path) -> None:
    summary = {tuple(row[:3]): row[3:] for row in rows(BEHAVIOUR.table(folder).split("\n\n")[0])}
    assert list(summary) == [
        ("`truncated`", "at once", "every step"),
        ("`truncated`", "at once", "from the first"),
        ("`mistaken`", "at once", "every step"),
        ("`mistaken`", "at once", "the last"),
        ("`filled`", "at once", "every step"),
        ("`filled`", "at once", "from the first"),
        ("`odd`", "at once", "all of it"),
    ]
    early = summary["`truncated`", "at once", "every step"]
    assert early[:3] == ["4, 0, 0", "0, 0, 4", "4, 0, 0"]
    assert early[4] == "100 %"
    # Half of the places of every item stay: no interval reaches beyond a half.
    assert summary["`mistaken`", "at once", "every step"][:3] == ["0, 4, 0", "0, 0, 4", "0, 4, 0"]
    assert summary["`mistaken`", "at once", "the last"][:3] == ["4, 0, 0", "0, 0, 4", "4, 0, 0"]
    assert summary["`filled`", "at once", "every step"][:3] == ["4, 0, 0", "0, 4, 0", "4, 0, 0"]
    assert summary["`filled`", "at once", "from the first"] == ["4, 0, 0", "4, 0, 0", "4, 0, 0", "undefined", "50 %"]


def test_what_is_wrong_is_bold_and_the_truth_stands_first(folder: Path) -> None:
    shown = rows(BEHAVIOUR.table(folder).split("\n\n")[1])
    truth, filled = shown[0], next(row for row in shown if row[0] == "`filled`" and row[2] == "from the first")
    assert [cell.split(" %")[0] for cell in truth[3:]] == ["100", "99", "98", "97", *["5"] * 4, "100", "99", "98", "97"]
    assert [cell.startswith("**") for cell in filled[3:]] == [False] * 4 + [True] * 4 + [False] * 4


def test_areas_are_by_size_and_state(folder: Path) -> None:
    areas = {tuple(row[:2]): row[2:] for row in rows(BEHAVIOUR.table(folder).split("\n\n")[2])}
    assert areas["early answering, area", "0.10M"] == ["0.75 [0.75, 0.75]", "0.00 [0.00, 0.00]", "0.75 [0.75, 0.75]"]
    assert areas["early answering, normalised", "0.10M"][0] == "1.00 [1.00, 1.00]"
    assert areas["mistakes recomputed, normalised", "0.10M"] == ["undefined"] * 3


def test_what_explains_it_is_counted(folder: Path) -> None:
    beneath = " ".join(BEHAVIOUR.table(folder).replace("\N{NO-BREAK SPACE}", " ").split())
    assert "a mistake kept in the last step 0 % of the answers stay, in an earlier one 100 %" in beneath
    assert (
        f"0.10M decorative, with the whole chain filled: of {ITEMS} answers that change {ITEMS} become 8; of chains of "
        "2 to 2 steps 0 % stay; with a step or more left before the filler 100 %." in beneath
    )
    assert "what tells decorative from the others and nothing else has 0.8" in beneath
    assert "n = 20 in 20 groups" in beneath


def test_runs_of_other_items_are_refused(folder: Path, tmp_path: Path) -> None:
    for place, rung in enumerate(RUNGS):
        for after in After:
            run = made.run(rung.name(after), given=True, count=ITEMS - place, groups=ITEMS - place)
            found = tuple(each for number in range(ITEMS - place) for each in behaved(after, number))
            write_results(tmp_path / FOLDER / rung.name(after), replace(run, behaviour=found))
    with pytest.raises(InputError, match="measured other items"):
        BEHAVIOUR.table(tmp_path)


def test_a_sum_and_a_product_are_said_the_other_way_round() -> None:
    assert operands_swapped("4 + 9 = 3. 3 - 3 = 0. 3 x 9 = 7.") == "9 + 4 = 3. 3 - 3 = 0. 9 x 3 = 7."
