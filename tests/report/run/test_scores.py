from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from matplotlib import pyplot

from mediate.errors import InputError
from mediate.figures import detached
from mediate.report import Scores, headline, render_page, terminal
from mediate.report.html import ENDINGS
from mediate.results import Results, read_results, set_effects, set_shares
from mediate.results.cube import cube_table
from mediate.results.maps import effect_table
from tests.figures.records import fake_manifest, fake_results
from tests.report.parse import parse

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def scores() -> Scores:
    return Scores(fake_results())


def test_shares_and_effects_are_the_sets(scores: Scores) -> None:
    first, second = scores.results.cubes
    assert scores.shares() == set_shares(first)
    assert scores.shares("logprob_diff") == set_shares(second)
    assert scores.effects() == set_effects(first)
    with pytest.raises(InputError, match=r"no outcome 'loss'.*there is: logit_diff, logprob_diff"):
        scores.shares("loss")


def test_the_spec_sets_the_analysis(scores: Scores) -> None:
    manifest = fake_manifest(spec={"min_te": 0.5, "seed": 3, "level": 0.8})
    changed = Scores(replace(scores.results, manifest=manifest))
    assert changed.shares() == set_shares(scores.results.cubes[0], min_te=0.5, seed=3, level=0.8)


def test_tables_are_those_of_the_run_directory(scores: Scores) -> None:
    assert scores.table().equals(cube_table(scores.results.cubes))
    assert scores.map_table().equals(effect_table(scores.results.maps))
    assert scores.rejects == scores.results.rejects


@pytest.mark.parametrize("name", ["channels", "shares", "layers", "steps"])
def test_each_plot_draws_on_given_axes_and_on_its_own(scores: Scores, name: str) -> None:
    plot = getattr(scores.plot, name)
    with detached((7.0, 4.0)) as (_, ax):
        assert plot(ax=ax) is ax
    assert ax.has_data()
    own = plot()
    assert own.has_data()
    pyplot.close(own.figure)


def test_plots_take_an_outcome(scores: Scores) -> None:
    with detached((7.0, 4.0)) as (_, ax):
        scores.plot.channels("logprob_diff", ax=ax)
    assert "logprob_diff" in ax.get_xlabel()


def test_a_map_that_is_not_there_is_an_error_that_says_what_is(scores: Scores) -> None:
    with pytest.raises(InputError, match=r"no state map of 'logit_diff' in these results \(there is: read\)"):
        scores.plot.layers(kind="state")
    with pytest.raises(InputError, match=r"no step-by-layer map of 'logprob_diff'"):
        scores.plot.steps("logprob_diff")


def test_scores_print_as_their_table(scores: Scores) -> None:
    assert repr(scores) == terminal(scores.results).rstrip("\n")


def test_the_notebook_view_has_the_numbers_and_the_chains(scores: Scores) -> None:
    page = parse(scores._repr_html_())
    assert headline(scores.results) in page.text
    text = scores.shares()["text"]
    row = page.tables[0][2]
    assert (row[0], row[1]) == ("text", f"{100 * text.value:.1f}\xa0%")
    assert "apples-000" in page.text
    assert "is in" not in {tag for tag, _ in page.elements}
    assert {"style", "script"}.isdisjoint({tag for tag, _ in page.elements})


@pytest.mark.parametrize("results", [Results({}), Results(fake_manifest(), rejects=fake_results().rejects)])
def test_nothing_measured_has_views_too(results: Results) -> None:
    scores = Scores(results)
    assert repr(scores).startswith("No item")
    assert "No item" in parse(scores._repr_html_()).text
    assert len(scores.table()) == 0
    with pytest.raises(InputError, match="no outcome"):
        scores.shares()


def test_saved_scores_read_back(scores: Scores, tmp_path: Path) -> None:
    saved = scores.save(tmp_path / "run")
    assert saved.folder == tmp_path / "run"
    again = Scores(read_results(saved.folder))
    assert again.shares() == scores.shares()
    assert again.table().equals(scores.table())
    with pytest.raises(InputError, match="holds a run already"):
        scores.save(tmp_path / "run")


def test_to_html_writes_the_page(tmp_path: Path) -> None:
    few = Scores(fake_results(2, layers=2))
    path = few.to_html(tmp_path / "deep" / "page.html")
    assert path.read_text(encoding="utf-8") == render_page(few.results)


def test_report_writes_the_page_and_its_figures_into_the_run_directory(tmp_path: Path) -> None:
    few = Scores(fake_results(2, layers=2)).save(tmp_path / "run")
    assert not (tmp_path / "run" / "report.html").exists()
    path = few.report()
    assert path == tmp_path / "run" / "report.html"
    assert path.read_text(encoding="utf-8") == render_page(few.results)
    assert {each.name for each in (tmp_path / "run" / "figures").glob("shares.*")} == {
        f"shares.{ending}" for ending in ENDINGS
    }


def test_scores_without_a_directory_have_no_report() -> None:
    with pytest.raises(InputError, match=r"have no run directory; give score\(out=DIR\), save\(DIR\)"):
        Scores(fake_results(2, layers=2)).report()


def test_scores_are_frozen(scores: Scores) -> None:
    with pytest.raises((FrozenInstanceError, AttributeError)):
        scores.folder = Path("x")  # type: ignore[misc]


def test_the_terminal_has_shares_effects_and_rejects(scores: Scores) -> None:
    text = terminal(scores.results)
    share = scores.shares()["mediated"]
    assert f"{100 * share.value:.1f} %   [{100 * share.low:.1f}, {100 * share.high:.1f}] %" in text
    assert "left out: 2 x not_solved (item)" in text
    assert "note: In 1 item |TE| <= 0.1 nats" in text
    assert "−" not in text
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "\x1b" not in text


def test_in_a_notebook_the_text_is_returned_and_nothing_is_displayed(
    scores: Scores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = terminal(scores.results)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert terminal(scores.results) == outside
    assert capsys.readouterr().out == ""
