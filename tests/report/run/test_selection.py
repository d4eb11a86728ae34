from dataclasses import replace

from mediate.report.run.methods_text import methods_words
from mediate.report.run.page import terminal
from mediate.report.run.selection import left_out_words, selection
from mediate.results import Reject, Results
from tests.figures.records import fake_results


def leaving_out(codes: dict[str, int]) -> Results:
    """Eleven measured items, and so many left out for each reason, and one map."""
    results = fake_results(11)
    rejects = [Reject(f"{code}-{place}", code, "why") for code, count in codes.items() for place in range(count)]
    rejects.append(Reject(results.items[0].id, "steps_differ", "why", part="read:step,layer"))
    return replace(results, rejects=tuple(rejects))


def test_what_was_left_out_is_told_under_the_headline_with_its_reasons() -> None:
    results = leaving_out({"endless_cot": 2, "not_solved": 15})
    said = "17 of 28 items were left out (not_solved: 15, endless_cot: 2)"
    assert selection(results) == (f"{said}: the numbers are of the other 11 alone.",)
    assert f"note: {said}" in " ".join(terminal(results).split())
    assert f"11 items in {len(set(results.cube().groups))} groups; {said}; the" in methods_words(results)


def test_the_rarest_reasons_are_counted_together() -> None:
    results = leaving_out({"a": 1, "b": 5, "c": 4, "d": 2, "e": 3})
    assert left_out_words(results) == "15 of 26 items were left out (b: 5, c: 4, e: 3, other reasons: 3)"
    assert left_out_words(leaving_out({"a": 1})) == "1 of 12 items was left out (a: 1)"


def test_where_only_a_map_was_left_out_nothing_is_said_of_items() -> None:
    results = leaving_out({})
    assert selection(results) == ()
    assert "left out" not in methods_words(results)
