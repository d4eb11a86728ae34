"""Runs the studies of `docs/studies` and writes each as a report: text, tables and figures, without its code.

`python -m tools.studies [NAME ...]`. The `.py` beside a report is its source, a notebook in jupytext's percent format.
"""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mediate.files import write_bytes, write_text

FOLDER = Path(__file__).parents[1] / "docs" / "studies"
SECONDS = 7200  # of one cell at the most


def names() -> list[str]:
    """All studies."""
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def executed(name: str) -> Any:
    """The notebook of a study with its outputs."""
    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.read(FOLDER / f"{name}.py")
    NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    ).execute()
    return notebook


def report(name: str, notebook: Any) -> tuple[str, Mapping[str, bytes]]:
    """The report in Markdown, and its figures by file name.

    Args:
        name: Of the study; figures lie in a folder of this name.
        notebook: With its outputs.
    """
    from nbconvert import MarkdownExporter

    exporter = MarkdownExporter(exclude_input=True)  # type: ignore[no-untyped-call]
    text, resources = exporter.from_notebook_node(notebook, {"output_files_dir": name, "unique_key": "figure"})
    # pandas brings a style of its own with each table.
    text = re.sub(r"<style scoped>.*?</style>\n?", "", text, flags=re.DOTALL)
    text = re.sub(r"!\[png\]", f"![A figure of {name.replace('_', ' ')}; its numbers are in the tables]", text)
    text = re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).strip()
    source = f"*Written by `make studies` from [{name}.py]({name}.py).*"
    return f"{text}\n\n{source}\n", resources["outputs"]


def write(name: str, notebook: Any) -> Path:
    """Writes a report and its figures."""
    text, figures = report(name, notebook)
    path = FOLDER / f"{name}.md"
    for old in (FOLDER / name).glob("*.png"):
        old.unlink()
    for place, figure in figures.items():
        write_bytes(FOLDER / place, figure)
    write_text(path, text)
    return path


def main() -> None:
    """Those that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(names())}; all by default")
    chosen = parser.parse_args().names
    if unknown := set(chosen) - set(names()):
        parser.error(f"no such study: {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    for name in chosen or names():
        print(write(name, executed(name)))


if __name__ == "__main__":
    main()
