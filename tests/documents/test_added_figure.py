"""A figure from outside the package: the example of CONTRIBUTING.md, as it stands there, on a page."""

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mediate.errors import InputError
from mediate.figures.figure import Figure
from mediate.report import render_page, write_report
from mediate.report.run import figures
from mediate.results import Results, total_effect, write_results
from tests.figures.records import fake_results
from tests.report.parse import parse

LINES = 30
Made = Callable[[Results, str], Iterator[Figure]]


@pytest.fixture(scope="module")
def added() -> Made:
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text.split("## A new figure")[1].split("\n## ")[0], re.DOTALL)
    assert len(example.splitlines()) < LINES
    names: dict[str, Made] = {}
    exec(compile(example, "figures/spread.py", "exec"), names)
    return names["spread_figure"]


def test_it_is_on_the_page_and_in_the_folder(added: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = fake_results(3, layers=2)
    write_results(tmp_path, results)
    monkeypatch.setattr(figures, "FIGURES", (added,))
    page = parse(write_report(tmp_path).read_text(encoding="utf-8"))
    te = sorted(total_effect(results.cubes[0].y))
    alts = page.attributes("img", "alt")
    assert alts[0] == f"Total effects of 3 items on logit_diff: {te[0]:.2f} to {te[-1]:.2f} nats."
    assert page.text.count("The total effect of each item, in order of size.") == len(alts) == 2
    before = page.text.index("The total effect of each item, in order of size.")
    assert (
        page.text.rindex("Channels of each item") < before < page.text.rindex("Where in the chain and in the network")
    )
    image = b64decode(page.attributes("img", "src")[0].split(",")[1])
    assert image == (tmp_path / "figures" / "spread.svg").read_bytes()
    assert (tmp_path / "figures" / "spread-logprob_diff.png").exists()


def test_one_that_belongs_nowhere_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(results: Results, outcome: str) -> Iterator[Figure]:
        yield Figure("lost", lambda ax: ax, "alt", "caption", section="nowhere")

    monkeypatch.setattr(figures, "FIGURES", (lost,))
    with pytest.raises(InputError, match="figure 'lost': no section 'nowhere'"):
        render_page(fake_results(2, layers=2))
