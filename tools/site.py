"""What the site needs beside Sphinx's own: docstrings are read as they are written, and links lead to its pages."""

import re
from typing import Any

# Texts outside `docs/`, with the page that includes each.
INCLUDED = {f"../mediate/models/weights/{name}.md": f"{name.lower()}.md" for name in ("CARD", "CARD-worded")}
# Code in single or double backquotes, a role; or a size such as |TE|, which would be a substitution.
_MARKED = re.compile(
    r"(?P<role>:\w+:`[^`]+`_?|``[^`]+``)|(?<![`:\w])`(?P<code>[^`\n]+)`(?![`_])|\|(?P<size>[A-Z]\w*)\|"
)


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", inward)
    app.connect("autodoc-process-docstring", as_code, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def inward(app: Any, name: str, source: list[str]) -> None:
    """Links to texts beside this folder that a page includes lead to that page."""
    for path, page in INCLUDED.items():
        source[0] = source[0].replace(f"]({path})", f"]({page})")


def as_code(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """What stands in single backquotes is code, as in Markdown; reStructuredText has two for that."""
    lines[:] = [_MARKED.sub(_marked, line) for line in lines]


def _marked(found: re.Match[str]) -> str:
    if found["role"]:
        return found["role"]
    return f"``{found['code']}``" if found["code"] else rf"\|{found['size']}\|"
