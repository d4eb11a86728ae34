"""The figures of a family's page say where they come from: they may leave it."""

from dataclasses import replace

import pytest

from mediate.figures.style import detached
from mediate.report.family import Family, Member, family_figures
from mediate.report.run.scores import Scores
from tests.compare import made
from tests.report.whole.test_injection import sizes


def member(place: int, *, day: str = "2026-11-30") -> Member:
    run = made.run(f"m{place}", parameters=10 ** (6 + place), seed=place)
    run.manifest["finished"] = f"{day}T10:00:00Z"
    return Member(f"m{place}", "base", Scores(run), ())


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ((member(0), member(1, day="2026-12-01"), member(2)), "3 models, m0 to m2; {} pairs, 2026-12-01"),
        ((member(0),), "m0; {} pairs, 2026-11-30"),
    ],
)
def test_every_figure_of_a_family_says_of_which_models_it_is(members: tuple[Member, ...], wanted: str) -> None:
    family = Family(members, sizes(), ())
    found = family_figures(family)
    assert found
    said = wanted.format(len(family.sizes.compared.pairing.items))
    for each in found:
        with detached(each.size) as (figure, ax):
            each.draw(ax=ax)
            assert figure.get_supxlabel() == said


def test_a_family_of_unknown_days_names_none() -> None:
    one = member(0)
    manifest = {
        name: value for name, value in one.scores.results.manifest.items() if name not in ("finished", "created")
    }
    undated = replace(one, scores=Scores(replace(one.scores.results, manifest=manifest)))
    (first, *_) = family_figures(Family((undated,), sizes(), ()))
    with detached(first.size) as (figure, ax):
        first.draw(ax=ax)
    assert figure.get_supxlabel().endswith(" pairs")
