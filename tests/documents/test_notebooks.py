"""The notebooks run from start to end, and each `.ipynb` holds what its `.py` source says."""

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediate.stats import Estimate

FOLDER = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
# Notebooks on the models in the package, which fetch nothing; most end in a table of claims with verdicts.
CLAIMS = ("before_after", "sizes")
PACKAGED = (*CLAIMS, "faithfulness")
RUNS = [pytest.param(name, marks=pytest.mark.slow if name in PACKAGED else pytest.mark.real) for name in NAMES]


def test_there_are_notebooks() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES
    assert NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_holds_its_source(name: str) -> None:
    import jupytext

    source, made = (jupytext.read(FOLDER / f"{name}.{ending}") for ending in ("py", "ipynb"))
    assert [(cell.cell_type, cell.source) for cell in made.cells] == [
        (cell.cell_type, cell.source) for cell in source.cells
    ]


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
    """A function of a notebook, without running the notebook."""
    tree = ast.parse((FOLDER / f"{notebook}.py").read_text(encoding="utf-8"))
    (wanted,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    # Annotations are not evaluated: they name what the notebook imports.
    source = "from __future__ import annotations\n" + ast.unparse(wanted)
    exec(compile(source, notebook, "exec"), given)
    return given[name]


@pytest.mark.parametrize("name", RUNS)
def test_the_notebook_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import jupytext
    from nbclient import NotebookClient

    monkeypatch.setenv("MEDIATE_FAST", "1")
    notebook = jupytext.read(FOLDER / f"{name}.py")
    resources = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
