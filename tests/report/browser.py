"""A page in a real browser: headless Chromium by playwright, where both are installed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
# No sandbox: tests may run as root. The others keep the browser itself off the network.
FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update")
PATIENCE = 10_000  # milliseconds for what should be there at once, on a machine that has much to do
WIDTHS = {"desk": 1280, "phone": 390}


def executable() -> str | None:
    """The browser: `MEDIATE_CHROMIUM`, or one of the usual names on the path."""
    return os.environ.get("MEDIATE_CHROMIUM") or next((found for each in NAMES if (found := shutil.which(each))), None)


@contextmanager
def running() -> Iterator[Any]:
    """A headless Chromium; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if (path := executable()) is None:
        pytest.skip("no Chromium on the path; install one, or name it in MEDIATE_CHROMIUM")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Opened:
    """A page that is open, with all that it asked of the network and said otherwise than by being there."""

    page: Any
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """What axe-core finds against its rules, in words."""
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing")
        found = axe.Axe().run(self.page).response["violations"]
        return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@contextmanager
def opened(
    browser: Any, path: Path, *, width: int = WIDTHS["desk"], dark: bool = False, script: bool = True, at: str = ""
) -> Iterator[Opened]:
    """A file in a window of its own; `at` is a place on it, such as `#items`."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        accept_downloads=True,
    )
    try:
        page, address = context.new_page(), path.resolve().as_uri()
        page.set_default_timeout(PATIENCE)
        found = Opened(page)
        page.on("request", lambda request: found.asked.append(request.url.split("#")[0]))
        page.on("console", lambda message: found.said.append(message.text))
        page.on("pageerror", lambda error: found.said.append(str(error)))
        page.on("dialog", lambda dialog: (found.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(address + at)
        found.asked.remove(address)
        yield found
    finally:
        context.close()
