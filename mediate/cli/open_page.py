"""`mediate open`."""

from pathlib import Path
from typing import Annotated

import typer

from mediate.cli.ending import put


def open_page(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run, a comparison or a family of models.")],
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it, or only say where it is.")] = True,
) -> None:
    """Opens the page of a directory in the browser, and writes it first where it is missing; needs no model."""
    import webbrowser

    from mediate.report.opening import page_of

    page = page_of(folder)
    put(f"page: {page}")
    if browser and not webbrowser.open(page.resolve().as_uri()):
        put("no browser was found to open it with")
