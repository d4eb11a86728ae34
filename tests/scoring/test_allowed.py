"""How many items may fail before a run stops."""

import pytest

from mediate.errors import InputError
from mediate.results.folder import Results
from mediate.results.told import Reject
from mediate.scoring.allowed import FIRST, Tally, check_allowed, most_failures
from mediate.scoring.spec import ScoreSpec, make_spec


@pytest.mark.parametrize(("allowed", "most"), [("0", 0), ("7", 7), ("5%", 10), ("2.5 %", 5), ("100%", 200)])
def test_a_number_or_a_part_of_the_items_may_fail(allowed: str, most: int) -> None:
    assert most_failures(check_allowed(allowed), 200) == most


@pytest.mark.parametrize("allowed", ["", "-1", "many", "101%", "5%%", "1e3"])
def test_anything_else_is_refused_in_a_line(allowed: str) -> None:
    with pytest.raises(InputError, match="give how many items may fail, such as 20, or a part of them, such as 5%"):
        make_spec(max_errors=allowed)


def test_it_is_no_part_of_what_a_run_is() -> None:
    assert make_spec(max_errors="3").described() == ScoreSpec().described()


def test_more_than_may_fail_end_the_run_and_other_reasons_do_not_count() -> None:
    tally = Tally()
    tally.count(50, {"nonfinite": 1, "too_long": 9})
    tally.check("1", 100)
    rejects = (Reject("a", "out_of_memory", "why"), Reject("b", "out_of_memory", "why", part="read:step"))
    tally.add(Results({}, rejects=rejects))
    tally.check("2%", 100)
    said = r"2 of 100 items failed \(1 nonfinite, 1 out_of_memory\), and --max-errors allows 1; such as item 'a': why;"
    with pytest.raises(InputError, match=said):
        tally.check("1", 100)


def test_by_default_a_run_ends_where_the_first_hundred_all_fail() -> None:
    tally = Tally()
    tally.count(0, {"nonfinite": FIRST - 1})
    tally.check(None, 5000)
    tally.count(0, {"nonfinite": 1})
    with pytest.raises(InputError, match=r"100 of 5000 items failed .*, and none was measured; mend that"):
        tally.check(None, 5000)
    tally.count(1, {"nonfinite": 4000})
    tally.check(None, 5000)
