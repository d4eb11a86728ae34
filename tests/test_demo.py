"""The demo on the reference reasoners, and what their shipped weights can do."""

import json
from pathlib import Path

import pytest

import mediate
from mediate import demo
from mediate.beside import beside
from mediate.models.loading import load_unchecked as load
from mediate.models.shipped import FOLDER, REFERENCE, RUNGS, After, reference_folder
from mediate.reference.card import CARD, MARKS, card, read_marks
from mediate.reference.exam import Way, examine
from mediate.reference.train import TRAINED
from mediate.report.family import PAGE, family_headline
from tests.report.parse import parse

MEGABYTES = 40


def test_the_demo_tells_decorative_from_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "RUNGS", RUNGS[:2])
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    said: list[str] = []
    with beside() as other:
        page, family = demo.run_ladder(tmp_path / "out", pairs=8, seed=1, say=said.append, other=other)
    for member in family.members:
        mediated = member.scores.shares()["mediated"]
        assert mediated.n == 8
        if member.state == After.DECORATIVE:
            assert mediated.high < 0.5
        else:
            assert mediated.low > 0.5
    for after in family.afters:
        found = after.differences().query("kind == 'share' and quantity == 'mediated' and outcome == 'logit_diff'")
        assert found["verdict"].tolist() == ["changed", "unchanged"]
    text = page.read_text()
    assert page == tmp_path / "out" / PAGE
    controlled = {each.name: {row.item for row in each.scores.results.controls} for each in family.members}
    assert {name: len(items) for name, items in controlled.items() if items} == {rung.name(): 8 for rung in RUNGS[:2]}
    assert text.count('<td class="short loose">random weights</td>') == 2
    assert "Not run on the models after decorative and needed tuning." in text
    models = next(table for table in parse(text).tables if "items" in table[0])
    assert {row[models[0].index("items")] for row in models[1:]} == {"8"}
    for name in (rung.name(after) for rung in RUNGS[:2] for after in After):
        assert f'href="{name}/report.html"' in text
        assert (tmp_path / "out" / name / "report.html").is_file()
    for place in ("sizes", "after-0.1m", "after-0.3m"):
        assert f'href="{place}/comparison.html"' in text
        assert (tmp_path / "out" / place / "comparison.html").is_file()
    told = family_headline(family)
    assert told.startswith("Each step is worked out from the one before")
    assert told.index("about to state its answer") < told.index("At the answer, the chain of thought mediates")
    assert text.index("What is not copying") < text.index("Decorative and needed, by size")
    (base, decorative, needed) = family.uncopied
    assert base.reaching(next_one=True).low > abs(base.reaching(next_one=False).high)
    assert len(base.graphs) == 8
    assert not decorative.graphs
    assert needed.effects()["necessity"].value > decorative.effects()["necessity"].value
    links = [each for each in parse(text).attributes("a", "href") if not each.startswith("#")]
    assert len(set(links)) == len(links)
    assert len([line for line in said if "scored" in line]) == 6


def test_the_weights_are_light_and_the_card_is_what_the_marks_say() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < MEGABYTES * 2**20
    records = json.loads((FOLDER / MARKS).read_text())
    assert list(records) == list(REFERENCE)
    assert (FOLDER / CARD).read_text() == card(records)
    for name, record in records.items():
        assert record["training"] == json.loads((reference_folder(name) / TRAINED).read_text())


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if "0.1m" in name else pytest.mark.slow) for name in REFERENCE]
)
def test_a_shipped_model_earns_the_marks_of_its_card(name: str) -> None:
    marks = read_marks()[name]
    again = examine(load(name, device="cpu"), n=marks[0].n, lengths=(5,))
    # Two near-equal logits may fall out otherwise on another processor.
    for mark in again:
        (wanted,) = (each for each in marks if (each.steps, each.hint, each.way) == (mark.steps, mark.hint, mark.way))
        assert abs(mark.right - wanted.right) <= 2
        assert abs(mark.followed - wanted.followed) <= 2


def test_the_task_needs_its_chain() -> None:
    for name, marks in read_marks().items():
        if not name.endswith("decorative"):
            bare = [mark for mark in marks if mark.way is Way.NO_CHAIN and mark.steps == 5]
            given = [mark for mark in marks if mark.way is Way.GIVEN_CHAIN and mark.steps == 5]
            assert max(mark.right / mark.n for mark in bare) < 0.2, name
            assert min(mark.right / mark.n for mark in given) > 0.9, name


def test_an_unknown_reference_reasoner_is_refused_by_name() -> None:
    with pytest.raises(mediate.InputError, match="reference-9m"):
        mediate.load("reference-9m/", device="cpu")
