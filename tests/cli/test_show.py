"""`mediate show`: one item in a terminal."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mediate.cli import app
from mediate.errors import InputError
from mediate.report import Scores
from mediate.results import write_results
from tests.figures.records import fake_results


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("show") / "run"
    write_results(folder, fake_results(4))
    return folder


def shown(*words: str) -> str:
    found = CliRunner().invoke(app, ["show", *words], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def test_an_item_is_shown_by_id_and_by_number_with_a_map_and_a_layer(run: Path) -> None:
    scores = Scores(fake_results(4))
    item = scores.items[1]
    assert shown(str(run), item.id) == shown(str(run), "1") == f"{item.show()}\n"
    assert shown(str(run), "--place", "1") == f"{item.show()}\n"
    item = scores.items[2]
    asked = shown(str(run), "2", "--map", "read:step,layer", "--layer", "2")
    assert "in layer 2 alone; each step begins" in " ".join(asked.split())
    assert f"{item.maps('read')[0].values[0, 2]:+.2f}" in asked
    assert "\x1b" not in asked


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["apples-00"], "no item 'apples-00' in these results; did you mean 'apples-000'"),
        (["99"], "no item '99' in these results; there are 4 items"),
        ([], "give an item's id, or its place with --place"),
        (["apples-000", "--place", "0"], "and not both"),
        (["0", "--map", "raed"], "did you mean 'read'"),
        (["0", "--layer", "99"], "layer: no 99 in 'read:step,layer'"),
    ],
)
def test_what_is_not_there_is_one_line(run: Path, words: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        shown(str(run), *words)


def test_no_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a run directory"):
        shown(str(tmp_path), "0")
