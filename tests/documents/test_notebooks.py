"""Notebooks and studies run from start to end, and what is kept of them holds what their sources say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediate.stats import Estimate
from tools.studies import executed, report

ROOT = Path(__file__).parents[2]
FOLDER, STUDIES = ROOT / "notebooks", ROOT / "docs" / "studies"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
# They end in a table of claims with verdicts.
CLAIMS = tuple(sorted(path.stem for path in STUDIES.glob("*.py")))
# On SmolLM2, which is fetched; all else is on models of the package.
REAL = ("01_first_measurement", "02_one_problem")
# Minutes rather than seconds.
LONG = ("10_tests_on_behaviour",)
MARKS = dict.fromkeys(REAL, pytest.mark.real) | dict.fromkeys(LONG, pytest.mark.slow)
RUNS = [pytest.param(name, marks=[MARKS[name]] if name in MARKS else []) for name in NAMES]
MOST_LINES = 5
# Fewer items and steps and smaller models, by what stands in a source and what is run in its place. What is slow runs
# the sources as they stand.
FEWER = {
    "01_first_measurement": {"enumerate(numbers)": "enumerate(numbers[:2])"},
    "02_one_problem": {"for name in names for each in numbers": "for name in names[:2] for each in numbers[:1]"},
    "03_score_your_data": {"modular_pairs(60,": "modular_pairs(12,"},
    "04_sizes": {', "reference-4m"]': "]", "modular_pairs(24,": "modular_pairs(8,"},
    "05_before_and_after": {"modular_pairs(400,": "modular_pairs(40,", "steps=200": "steps=10", "(24,": "(8,"},
    "06_estimates": {"reference-1.2m": "reference-0.1m", "modular_pairs(6,": "modular_pairs(3,"},
    "07_contrasts_and_pitfalls": {"modular_pairs(16,": "modular_pairs(6,"},
    "08_your_own": {"reference-1.2m": "reference-0.1m"},
}


def test_there_are_notebooks() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES
    assert [int(name[:2]) for name in NAMES] == list(range(1, len(NAMES) + 1))
    assert CLAIMS == ("before_after", "sizes")


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_holds_its_source(name: str) -> None:
    import jupytext

    source, made = (jupytext.read(FOLDER / f"{name}.{ending}") for ending in ("py", "ipynb"))
    assert [(cell.cell_type, cell.source) for cell in made.cells] == [
        (cell.cell_type, cell.source) for cell in source.cells
    ]
    assert all(cell.execution_count for cell in made.cells if cell.cell_type == "code")


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_asks_first_says_its_limits_last_and_uses_what_is_public(name: str) -> None:
    import jupytext

    cells = jupytext.read(FOLDER / f"{name}.py").cells
    said = [cell.source for cell in cells if cell.cell_type == "markdown"]
    assert said[0].startswith("# ")
    assert "?" in said[0]
    assert "What it does not say" in (said[-1] if cells[-1].cell_type == "markdown" else "\n".join(said[-2:]))
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MOST_LINES, node.name
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("mediate"), node.module
        if isinstance(node, ast.Import):
            assert not [each.name for each in node.names if each.name.startswith("mediate.")]


@pytest.mark.parametrize("name", CLAIMS)
def test_a_report_has_its_study_text_and_its_figures(name: str) -> None:
    import jupytext

    text = (STUDIES / f"{name}.md").read_text(encoding="utf-8")
    for cell in jupytext.read(STUDIES / f"{name}.py").cells:
        if cell.cell_type == "markdown":
            assert " ".join(cell.source.split()) in " ".join(text.split())
    assert "```" not in text
    figures = re.findall(r"\]\(([^)]*\.png)\)", text)
    assert figures
    assert all((STUDIES / each).is_file() for each in figures)


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize(
    ("claimed", "low", "high", "levels", "told"),
    [
        ("+", 0.2, 0.4, (), "agrees"),
        ("-", -0.4, -0.2, (), "agrees"),
        ("+", -0.4, -0.2, (), "disagrees"),
        ("-", 0.2, 0.4, (0.99, 1.0), "disagrees"),
        ("+", 0.02, 0.08, (0.4, 0.5), "agrees, within the margin"),
        ("-", 0.02, 0.08, (0.4, 0.5), "disagrees, within the margin"),
        ("+", -0.05, 0.05, (0.4, 1.0), "disagrees: no change beyond the margin"),
        ("+", -0.05, 0.05, (0.95, 1.0), "cannot be told: every model is at the ceiling"),
        ("-", -0.05, 0.05, (0.0, 0.02), "cannot be told: every model is at the floor"),
        ("+", -0.05, 0.3, (), "cannot be told"),
        ("+", np.nan, np.nan, (), "cannot be told"),
    ],
)
def test_a_verdict_follows_from_the_interval(
    name: str, claimed: str, low: float, high: float, levels: tuple[float, ...], told: str
) -> None:
    verdict = _defined(name, "verdict", {"Estimate": Estimate, "np": np, "MARGIN": 0.1})
    reason = "" if low < high else "no interval"
    found = Estimate((low + high) / 2 if low < high else 0.0, low, high, 0.95, 9, 9, "made up", 0, reason)
    assert verdict(claimed, found, levels) == told
    assert verdict(claimed, None, levels) == "cannot be told"


def _defined(notebook: str, name: str, given: dict[str, Any]) -> Any:
    """A function of a study, without running the study."""
    tree = ast.parse((STUDIES / f"{notebook}.py").read_text(encoding="utf-8"))
    (wanted,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    # Annotations are not evaluated: they name what the notebook imports.
    source = "from __future__ import annotations\n" + ast.unparse(wanted)
    exec(compile(source, notebook, "exec"), given)
    return given[name]


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    """One for all, emptied before each: a kernel's imports take longer than most notebooks that are shortened."""
    from jupyter_client import KernelManager

    manager = KernelManager(kernel_name="python3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDIATE_FAST", "1")
        manager.start_kernel(cwd=str(FOLDER))
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("name", [run for run in RUNS if run.values[0] not in LONG])
def test_the_notebook_runs_with_fewer_items(name: str, kernel: Any) -> None:
    import jupytext
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell

    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    for usual, fewer in FEWER.get(name, {}).items():
        assert usual in source
        source = source.replace(usual, fewer)
    notebook = jupytext.reads(source, fmt="py:percent")
    notebook.cells.insert(0, new_code_cell("%reset -f"))
    client = NotebookClient(notebook, timeout=600, km=kernel)
    try:
        client.execute()
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_the_notebook_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import jupytext
    from nbclient import NotebookClient

    monkeypatch.setenv("MEDIATE_FAST", "1")
    notebook = jupytext.read(FOLDER / f"{name}.py")
    resources = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_the_study_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATE_FAST", "1")
    text, figures = report(name, executed(name))
    assert "on these models" in text
    assert figures
