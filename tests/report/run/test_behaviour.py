"""The section on behaviour: what it says of a run, in full and in short, from stored rows alone."""

from dataclasses import replace

from mediate.report.blocks import Notes, Section, Table, Text, plain_text
from mediate.report.run.behaviour import behaviour_blocks, behaviour_figures, behaviour_section
from mediate.results import Results
from mediate.results.behaviour import Behaved
from mediate.results.told import Measured, Told
from tests.results.test_edit_tests import rows_of, stand_in
from tests.results.test_joined import cube_of

SHARES = {"a": 1.0, "b": 0.1, "c": 0.5, "d": 0.9}


def run(*more: Behaved) -> Results:
    found = [*rows_of("a", (0, 0)), *rows_of("b", (1, 1)), *rows_of("c", (0, 1)), *rows_of("d", (0, 0)), *more]
    told = Told("How many?", "7", ("3 + 4 = 7.",), (0,), None, written=False)
    items = tuple(Measured(name, name, told) for name in SHARES)
    return Results({"spec": {}}, items, (cube_of(SHARES),), behaviour=tuple(found))


def said(section: Section) -> str:
    words = [plain_text(each.words) for each in section.blocks if isinstance(each, Text)]
    words += [plain_text(note) for each in section.blocks if isinstance(each, Notes) for note in each.items]
    return " ".join(words)


def test_there_is_no_section_without_edits() -> None:
    results = Results({"spec": {}}, run().items, run().cubes)
    assert not behaviour_section(results, ())
    assert not behaviour_blocks(results)
    assert not [*behaviour_figures(results, "logit_diff")]


def test_the_section_has_the_tests_the_worst_items_and_the_agreement() -> None:
    (section,) = behaviour_section(run(), ())
    tests, *_, worst = [each for each in section.blocks if isinstance(each, Table)]
    assert tests.rows[0][0] == "truncated"
    # The areas are 0.75, 0, 0.25 and 0.75; normalised 1, 0, 1/3 and 1.
    assert {"0.44", "0.58"} <= set(tests.rows[0])
    assert worst.rows[0][0] == "c"
    assert "3 + 4 = 7." in worst.rows[0]
    assert "n = 4 items in 4 groups" in said(section)
    assert "Rank correlation over items" in said(section)


def test_replacements_that_disagree_are_told_in_a_sentence() -> None:
    rows = [row for name in SHARES for row in stand_in(name, (1, 0, 1))[1:]]
    first = [row for row in run().behaviour if row.edit != "truncated"]
    truncated = [row for name in SHARES for row in rows_of(name, (1, 1))[1:]]
    results = Results({"spec": {}}, run().items, run().cubes, behaviour=(*first, *truncated, *rows))
    (section,) = behaviour_section(results, ())
    assert "nothing 100" in said(section)
    assert "differ by more than their intervals: nothing and filler; another item's chain and filler" in said(section)
    agreeing = [row for name in SHARES for row in stand_in(name, (1, 1, 1))[1:]]
    results = Results({"spec": {}}, run().items, run().cubes, behaviour=(*first, *truncated, *agreeing))
    assert "Their intervals do not tell them apart" in said(behaviour_section(results, ())[0])


def test_what_could_not_be_made_is_counted_with_its_reason() -> None:
    refused = [
        Behaved(name, name, "another", 0, 2, "at_once", code="no_other", reason="there is none") for name in ("a", "b")
    ]
    (section,) = behaviour_section(run(*refused), ())
    assert "2 x another: there is none (such as item 'a')." in said(section)
    short = behaviour_blocks(run(*refused))
    assert any(isinstance(each, Notes) and "2 x another" in str(each.items) for each in short)


def test_a_test_that_mostly_led_to_no_answer_is_named() -> None:
    mute = [Behaved(name, name, "filled", 0, 2, "at_once", 1.0, "of the") for name in SHARES]
    heard = [replace(row, answer="8") for row in mute[:2]]
    words = "filled, at once: 3 of 4 led to no answer, and count as changed."
    assert words in said(behaviour_section(run(*mute[:3], *heard[:1]), ())[0])
    assert "led to no answer" not in said(behaviour_section(run(*mute[2:], *heard), ())[0])


def test_figures_stand_in_the_section() -> None:
    figures = tuple(behaviour_figures(run(), "logit_diff"))
    assert [each.name for each in figures] == ["early-answering", "agreement"]
    assert {each.section for each in figures} == {"behaviour"}
    assert "truncated at_once" in figures[0].alt


def test_a_model_that_answers_nothing_is_said_to() -> None:
    reason = "after its chain the model says 'apples', in which there is no answer"
    rows = [Behaved(name, name, "whole", 2, 2, "at_once", code="no_own_answer", reason=reason) for name in SHARES]
    results = Results({"spec": {}}, run().items, run().cubes, behaviour=tuple(rows))
    (section,) = behaviour_section(results, ())
    assert "No edited chain was read." in said(section)
    assert f"4 x whole: {reason}" in said(section)
    assert not any(isinstance(each, Table) for each in behaviour_blocks(results))
