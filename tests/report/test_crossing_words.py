"""Two checkpoints crossed, as a terminal and a notebook show them: the words and numbers of the page."""

from dataclasses import replace

from mediate.report import CrossScores
from mediate.report.crossing import crossing_page
from mediate.report.crossing_figures import crossing_figures
from mediate.report.crossing_words import CHANGES, CORNERS, crossing_headline, crossing_terminal, repeated
from mediate.report.words import interval, number, share_words
from mediate.results.crossing_names import CROSSING_WORDS
from tests.report.parse import parse
from tests.report.test_crossing import fake


def test_a_terminal_names_rows_as_the_page_does_and_writes_numbers_in_one_way() -> None:
    results = fake()
    said = crossing_terminal(results, width=140)
    assert said.startswith(crossing_headline(results)[:60].replace("−", "-"))
    changes, shares = results.changes(), results.shares()
    for name in CORNERS | CHANGES:
        line = next(line for line in said.splitlines() if line.strip().startswith(f"{CROSSING_WORDS[name]} "))
        assert f"{number(changes[name].value)} " in line.replace("-", "−")
        assert interval(changes[name]) in line.replace("-", "−")
        if name in shares:
            assert share_words(shares[name]).replace("\N{NO-BREAK SPACE}", " ") in line.replace("-", "−")
    assert "left out: 1 x too_long" in said
    assert not any(f" {name} " in said for name in ("state_in_original", "rest_with_tuned_state"))
    assert repr(CrossScores(results)) == crossing_terminal(results).rstrip("\n")


def test_a_notebook_has_the_same_rows() -> None:
    results = fake()
    tables = parse(CrossScores(results)._repr_html_()).tables
    assert [row[0] for row in tables[0][1:]] == [CROSSING_WORDS[name] for name in CORNERS | CHANGES]
    assert len(tables) == 2


def test_an_outcome_that_says_the_same_is_told_in_a_line() -> None:
    results = fake()
    first, other = results.crossings
    same = replace(results, crossings=(first, replace(other, y=first.y + 1e-13)))
    assert repeated(results, other) is None
    assert repeated(same, first) is None
    gap = repeated(same, same.crossings[1])
    assert gap is not None
    assert 0 < gap < 1e-12
    said = f"logprob_diff: every number is that of logit_diff, to {gap:.0e} nats (answers of one token)."
    assert said in crossing_terminal(same, width=200)
    page = crossing_page(same)
    assert [each.heading for each in page.sections if each.heading.startswith("The same")] == [
        "The same for logprob_diff"
    ]
    assert [each.outcome for each in crossing_figures(same) if each.section == "changes"] == ["logit_diff"]


def test_contents_say_what_was_found() -> None:
    results = fake()
    found = {each.id or each.heading: each.found for each in crossing_page(results).sections}
    total = results.changes()["total"]
    assert found["logit_diff"].startswith(f"moves by {number(total.value)} {interval(total)} nats; CoT state ")
    assert found["maps"] == "read.window3 effect averaged over both models: largest at step 0, layer 1, 2.00 nats"
    assert found["items"].startswith(f"{len(results.crossings[0].items)} rows, total change ")
