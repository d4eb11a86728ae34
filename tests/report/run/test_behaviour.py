"""The section on behaviour: what it says of a run, in full and in short, from stored rows alone."""

from dataclasses import replace

from mediate.report.blocks import Notes, Section, Table, Text, plain_text
from mediate.report.run.behaviour import behaviour_blocks, behaviour_figures, behaviour_section
from mediate.results import Results
from mediate.results.behaviour import Behaved
from mediate.results.cmi import SpanLoss
from mediate.results.nldd import Decay
from mediate.results.text_effects import TextCorners
from mediate.results.told import Measured, Told
from tests.results.test_edit_tests import rows_of, stand_in
from tests.results.test_joined import cube_of
from tests.results.test_joined_steps import mistakes, of_steps

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
    """Of eight items: that four of four stay does not tell a rate of 100 % from one of 40 %."""
    names, shares = [*SHARES, *"efgh"], SHARES | dict.fromkeys("efgh", 0.5)
    items, cubes = tuple(replace(run().items[0], id=name, group=name) for name in names), (cube_of(shares),)
    rows = [row for name in names for row in stand_in(name, (1, 0, 1))[1:]]
    first = [row for row in run().behaviour if row.edit != "truncated"]
    truncated = [row for name in names for row in rows_of(name, (1, 1))[1:]]
    results = Results({"spec": {}}, items, cubes, behaviour=(*first, *truncated, *rows))
    (section,) = behaviour_section(results, ())
    assert "nothing 100" in said(section)
    assert "differ by more than their intervals: nothing and filler; another item's chain and filler" in said(section)
    agreeing = [row for name in names for row in stand_in(name, (1, 1, 1))[1:]]
    results = Results({"spec": {}}, items, cubes, behaviour=(*first, *truncated, *agreeing))
    assert "Their intervals do not tell them apart" in said(behaviour_section(results, ())[0])


def test_where_there_is_no_area_its_reason_stands_in_its_place() -> None:
    up_to = [row for name in SHARES for row in rows_of(name, (0, 1), "reworded.up_to")[1:]]
    another = [row for row in stand_in("a", (1, 1, 1)) if row.edit == "another"]
    (section,) = behaviour_section(run(*up_to, *another), ())
    table = next(each for each in section.blocks if isinstance(each, Table))
    heads = [each.heading for each in table.columns]
    place = heads.index("area")
    cells = {row[0]: row[place : place + 4] for row in table.rows}
    assert cells["reworded.up_to"] == ("none: nothing is cut", "", "", "")
    assert cells["another"] == ("none: the whole chain", "", "", "")
    assert "" not in cells["truncated"]
    short = next(each for each in behaviour_blocks(run(*up_to)) if isinstance(each, Table))
    assert "none: nothing is cut" in short.rows[1]
    assert "without an area" not in said(section)


def test_what_could_not_be_made_is_counted_with_its_reason() -> None:
    refused = [
        Behaved(name, name, "another", 0, 2, "at_once", code="no_other", reason="there is none") for name in ("a", "b")
    ]
    (section,) = behaviour_section(run(*refused), ())
    assert "2 x another: there is none (such as item 'a')." in said(section)
    short = behaviour_blocks(run(*refused))
    assert any(isinstance(each, Notes) and "2 x another" in str(each.items) for each in short)


def test_text_level_effects_are_told_where_they_were_measured() -> None:
    assert "level of text" not in said(behaviour_section(run(), ())[0])
    corners = tuple(TextCorners(name, name, 0.1, 0.7, 0.2, 0.9) for name in SHARES)
    (section,) = behaviour_section(replace(run(), text=corners), ())
    (table,) = [each for each in section.blocks if isinstance(each, Table) and each.rows[0][0] == "TE"]
    assert {row[0]: row[2] for row in table.rows} == {
        "TE": "0.800",
        "NDE": "0.100",
        "NIE": "0.600",
        "TDE": "0.200",
        "TIE": "0.700",
        "interaction": "0.100",
    }
    assert "n = 4 pairs" in said(section)


def test_the_decay_of_the_lead_is_told_with_what_cutting_does_alone() -> None:
    rows = [Decay(name, name, step, 2, 2.0, (1.0, -1.0)[step], (1.0, 2.0)[step]) for name in "ab" for step in (0, 1)]
    rows += [Decay("c", "c", step, 2, 0.05, -1.0, 0.0) for step in (0, 1)]
    rows += [Decay("d", "d", step, 2, code="no_result", reason="it states none") for step in (0, 1)]
    (section,) = behaviour_section(replace(run(), decays=tuple(rows)), ())
    (table,) = [each for each in section.blocks if isinstance(each, Table) and "NLDD" in each.columns[0].heading]
    assert [row[1] for row in table.rows] == [
        "150\N{NO-BREAK SPACE}%",
        "0\N{NO-BREAK SPACE}%",
        "100\N{NO-BREAK SPACE}%",
    ]
    assert "n = 2 items; undefined for 1, whose clean lead" in said(section)
    assert "steps that could not be made wrong: 2 no_result" in said(section)


def test_the_index_is_told_with_what_its_published_form_would_have_said() -> None:
    losses = {"a": (3.0, 1.0), "b": (-2.0, 2.0), "c": (0.001, 0.0)}
    spans = [SpanLoss(name, name, 0, 3, *both, 0.0) for name, both in losses.items()]
    spans.append(SpanLoss("d", "d", code="no_filler", reason="the tokenizer has no filler"))
    (section,) = behaviour_section(replace(run(), spans=tuple(spans)), ())
    (table,) = [each for each in section.blocks if isinstance(each, Table) and "states" in each.columns[0].heading]
    # (0.5 - 1) / 2; (2 - 4 + 0.001) / 3; (1 + 0 + 1) / 3.
    assert [row[1] for row in table.rows] == ["\N{MINUS SIGN}0.25", "\N{MINUS SIGN}0.67", "0.67"]
    assert "of 3 items these would have another index: by losses below 0 that count as 0, 1;" in said(section)
    assert "by losses of no size, 1; by a control that cannot move, 1." in said(section)
    assert "Of 1 item no span has an index" in said(section)
    assert "1 item without: the tokenizer has no filler." in said(section)


def test_mistakes_are_held_against_effects_over_all_steps_and_within_items() -> None:
    mistaken = [
        row
        for place, name in enumerate(SHARES)
        for row in mistakes(name, (1, 1, 0), (place + 0.0, place + 1.0, place + 2.0))[1:]
    ]
    rows = [row for row in run().behaviour if row.edit == "whole"]
    rows = [replace(row, place=3, steps=3, logprob=-1.0) for row in rows]
    maps = tuple(of_steps(name, [0.0, 1.0, 2.0]) for name in SHARES)
    results = replace(run(), behaviour=(*rows, *mistaken), maps=maps)
    (section,) = behaviour_section(results, ())
    (table,) = [each for each in section.blocks if isinstance(each, Table) and each.columns[0].heading == "of a step"]
    changes, lost = table.rows
    assert (changes[0], changes[1], lost[0]) == (
        "its answer changes, mistaken",
        "read",
        "log-probability lost, mistaken",
    )
    assert (lost[4], lost[5], lost[7], lost[8]) == ("12", "1.00", "4", "0")
    assert float(str(lost[2])) < 0.9
    assert "Mistakes are not held against state effects by step: they take a twin" in said(section)
    assert "read effects by step and state effects by step" in said(behaviour_section(run(), ())[0])


def test_a_correlation_of_nothing_is_told_once_and_has_no_row() -> None:
    rows = [replace(row, place=3, steps=3, logprob=-1.0) for row in run().behaviour if row.edit == "whole"]
    mistaken = [row for name in SHARES for row in mistakes(name, (0, 0, 0), (1.0, 2.0, 3.0))[1:]]
    maps = tuple(of_steps(name, [0.0, 1.0, 2.0], kind) for name in SHARES for kind in ("read", "knockout"))
    (section,) = behaviour_section(replace(run(), behaviour=(*rows, *mistaken), maps=maps), ())
    (table,) = [each for each in section.blocks if isinstance(each, Table) and each.columns[0].heading == "of a step"]
    assert {row[0] for row in table.rows} == {"log-probability lost, mistaken"}
    assert said(section).count("Undefined: its answer changes, mistaken (one side is the same for all items).") == 1


def test_filler_is_held_against_the_latent_channel() -> None:
    assert "filler with the latent share" not in said(behaviour_section(run(), ())[0])
    filled = [row for name in SHARES for row in rows_of(name, (0, 0), "filled")[1:]]
    assert "one side is the same for all items), n = 4" in said(behaviour_section(run(*filled), ())[0])


def test_a_test_that_mostly_led_to_no_answer_is_named() -> None:
    mute = [Behaved(name, name, "filled", 0, 2, "at_once", 1.0, "of the") for name in SHARES]
    heard = [replace(row, answer="8") for row in mute[:2]]
    words = "filled, at once: 3 of 4 led to no answer, and count as changed."
    assert words in said(behaviour_section(run(*mute[:3], *heard[:1]), ())[0])
    assert "led to no answer" not in said(behaviour_section(run(*mute[2:], *heard), ())[0])


def test_that_nothing_was_continued_is_said_where_it_was_asked_for() -> None:
    spec = {"spec": {"behaviour": {"readings": ["at_once", "continued"]}}}
    words = "Nothing was continued: none of these edits can be, and those that can are truncated, mistaken, "
    assert words in said(behaviour_section(replace(run(), manifest=spec), ())[0])
    assert "Nothing was continued" not in said(behaviour_section(run(), ())[0])
    continued = [replace(row, reading="continued") for row in run().behaviour if row.edit == "truncated"]
    assert words not in said(behaviour_section(replace(run(*continued), manifest=spec), ())[0])


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


def test_answers_that_follow_a_hint_are_told_apart_from_those_that_change() -> None:
    hinted = [
        Behaved(name, name, "hint.wrong", 0, 2, "at_once", 0.0, "8", "8", towards=towards)
        for name, towards in zip(SHARES, ("8", "8", "9", "9"), strict=True)
    ]
    (section,) = behaviour_section(run(*hinted), ())
    assert "that a hint states" in said(section)
    table = next(each for each in section.blocks if isinstance(each, Table) and "follow" in str(each.columns))
    (row,) = table.rows
    assert row[:2] == ("hint.wrong", "at once")
    assert "50" in str(row[2])
    assert row[4] == "4"
    (section,) = behaviour_section(run(), ())
    assert "that a hint states" not in said(section)
