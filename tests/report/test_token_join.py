"""What a user holds after joining tokens: tables, the headline, notes and the page, and that text stays text."""

from pathlib import Path
from typing import Any

import pytest

import mediate
from mediate.errors import InputError
from mediate.figures.style import detached
from mediate.report import TokenJoin, write_report
from mediate.report.html import Image, to_html
from mediate.report.terminal import typed
from mediate.report.token_page import joined_figures, joined_page
from mediate.results import Reject
from mediate.results.token_join import EFFECTS, SETS
from tests.report.parse import parse
from tests.report.payloads import PAYLOADS
from tests.results.test_token_join import results, trace


def held(traces: Any = None, rejects: tuple[Reject, ...] = ()) -> TokenJoin:
    return TokenJoin(results(traces, rejects))


def test_what_rejected_tokens_carry_is_the_headline() -> None:
    joined = held()
    rejected = 1 - joined.tokens()["accepted"].mean()
    assert 0 < rejected < 1
    assert f"The {100 * rejected:.1f}\N{NO-BREAK SPACE}% of tokens that the speculative rule rejects" in joined.headline
    assert "25\N{NO-BREAK SPACE}% [25, 25] of what the whole chain carries" in joined.headline
    assert "6 chains of 48 tokens under small, teacher large" in joined.headline
    assert typed(joined.headline) in repr(joined)
    assert "0.12" not in joined.summary()["of the whole effect"].tolist()


def test_what_is_undefined_is_told() -> None:
    weak = held([trace(number, whole=0.05) for number in range(6)], (Reject("z", "no_cot", "no chain"),))
    assert "What rejected tokens carry is undefined" in weak.headline
    assert weak.table()["share.rejected"].isna().all()
    assert [note.split(":")[0].split(",")[0] for note in weak.notes()] == [
        "In 6 of 6 chains hiding the whole chain changes no more than 0.1 nats",
        "The answer is stated in 6 of 6 chains",
        "1 item left out",
    ]
    some = held([trace(0), trace(1, read=False)])
    assert "Read effects are of 1 of 2 chains." in some.notes()
    assert "no interval" in held([trace(0)]).headline
    accepting = held()
    accepting.manifest["spec"].update(top=10_000, likely=0.0)
    assert "rejects no token" in accepting.headline
    assert accepting.summary()["of the whole effect"][0] == "–"


def test_tables_have_a_row_a_thing() -> None:
    joined = held()
    frame = joined.agreed()
    assert set(frame["effect"]) == set(EFFECTS)
    assert set(frame["score"]) == {"surprisal", "rank", "entropy", "rejected", "position"}
    assert len(frame) == 3 * 5 * 6
    kinds = joined.by_kind().set_index("kind")
    tokens = joined.tokens()
    assert kinds["tokens"].to_dict() == {"result": 6, "operand": 12, "operator": 12, "word": 18, "opening": 12}
    words = tokens[tokens["kind"] == "word"]
    assert kinds.loc["word", "knockout"] == pytest.approx(words["knockout"].mean())
    assert kinds.loc["word", "rejected"] == pytest.approx(1 - words["accepted"].mean())
    assert joined.carried()["set"].tolist() == [*SETS]
    without = joined.agreed(tokens[~tokens["states_answer"]])
    left = without[without["kind"] == "result"]
    assert left["correlation_n"].sum() == left["correlation_without"].sum() == 0
    assert joined.plot.agreed("area") is not None
    assert joined.plot.tokens("state") is not None


def test_a_saved_run_opens_again_and_has_its_page(tmp_path: Path) -> None:
    joined = held([trace(0), trace(1, read=False)], (Reject("z", "no_cot", "no chain"),))
    joined.save(tmp_path / "run")
    opened = mediate.open(tmp_path / "run")
    assert isinstance(opened, TokenJoin)
    assert opened.rejects == joined.rejects
    assert opened.table().equals(joined.table())
    assert opened.tokens().equals(joined.tokens())
    assert [*opened.results.traces[1].effects] == ["knockout"]
    with pytest.raises(InputError, match="holds a run already"):
        joined.save(tmp_path / "run")
    assert "What they carry together" in write_report(tmp_path / "run").read_text("utf-8")
    assert {each.stem for each in (tmp_path / "run" / "figures").iterdir()} == {
        "joined-tokens",
        "tokens-area",
        "tokens-correlation",
    }


def test_the_page_has_what_is_known_of_the_tokens_that_carry_most(tmp_path: Path) -> None:
    joined = held()
    html = joined.to_html(tmp_path / "page.html").read_text("utf-8")
    assert html.count("<img") == 3
    largest = joined.tokens()["knockout"].max()
    assert f"{largest:.2f}" in html
    headings = (
        "What they carry together",
        "Which score finds what carries",
        "Without the tokens that state",
        "left out",
    )
    for heading in (*headings, "By kind of token"):
        assert heading in html


def undrawn(joined: TokenJoin) -> str:
    page = joined_page(joined.results)
    return to_html(page, {each.name: Image() for each in page.figures()})


def test_text_stays_text() -> None:
    """All hostile texts on one page, whose figures are not drawn."""
    texts = (*PAYLOADS, *PAYLOADS[:7])
    rows = [tuple(texts[place : place + 8]) for place in range(0, len(texts), 8)]
    hostile = held([trace(number, tokens=row) for number, row in enumerate(rows) if len(row) == 8])
    plain = held([trace(number) for number, _ in enumerate(hostile.results.traces)])
    hostile.manifest["model"]["student"]["name"] = "".join(PAYLOADS)
    assert parse(hostile._repr_html_()).shape() == parse(plain._repr_html_()).shape()
    assert parse(undrawn(hostile)).shape() == parse(undrawn(plain)).shape()


def test_its_figures_say_where_they_come_from() -> None:
    joined = results()
    joined.manifest["finished"] = "2026-11-30T10:00:00Z"
    found = joined_figures(joined, ())
    assert found
    for each in found:
        with detached(each.size) as (figure, ax):
            each.draw(ax=ax)
            assert figure.get_supxlabel() == "small, 2026-11-30"
