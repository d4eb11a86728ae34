"""A page of blocks as HTML: the one way in which text becomes HTML, escaped and with nothing invisible left in it."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import matplotlib
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape
from matplotlib.colors import to_hex

from mediate.figures import CHANNEL_COLOURS, visible
from mediate.figures.figure import PHONE
from mediate.figures.style import DIVERGING
from mediate.files import check_own, write_bytes, write_text
from mediate.report.blocks import BINS, SHADES, Column, Look, Page, Table, TableCell, Words, plain_text
from mediate.report.contents import anchored, contents_of
from mediate.report.figure_files import files_of
from mediate.report.words import DASH, number
from mediate.results import CHANNELS

FIGURES = "figures"  # the folder beside a page
# The files of a figure that come with every page. PDF takes as long as both, for its fonts: it is made where asked for.
ENDINGS = ("png", "svg")
# What a page's one style sheet and its one script are made of, in this order. The shared scripts give the others their
# names; each of those is a block, and its names are its own.
STYLES = ("page.css", "explorer.css")
SHARED = ("dom.js", "cells.js")
SCRIPTS = (*SHARED, "tables.js", "terms.js", "page.js", "explorer.js")
# What ends a script or a line of one, as JSON writes it. A surrogate by itself has no bytes.
IN_JSON = re.compile("[<>&\u2028\u2029\ud800-\udfff]")
TIGHT = 32  # characters of a name that is not broken
LONG = 20  # of one that is broken all the same, at its hyphens, where it is the first column on a phone
DEEPEST = 0.3  # how far from its middle the colour map is used: black text stays legible on it
# What the style sheet says of a class, where there is none: a notebook's cell has the notebook's own.
INLINE = {
    "headline": "font-weight: bold",
    "small": "font-size: smaller",
    "basis": "font-size: smaller",
    "num": "text-align: right; padding-right: 1.2em",
    "undefined": "font-style: italic",
    "chain": "white-space: pre-wrap; font-family: monospace; line-height: 1.8",
    "step": "color: #111; padding: 2px 1px",
    "count": "font-size: smaller; margin: 0 .4em 0 .25em",
    "effect": "font-weight: normal; font-style: normal",
    "token": "border-right: 1px dotted #aaa",
    "states": "outline: 2px solid #111",
    "occurs": "outline-style: dashed",
    "bin": "display: inline-block; width: 1.5em; height: .8em",
    "swatch": "display: inline-block; width: .75em; height: .75em; margin-right: .35em",
}
INLINE |= dict.fromkeys(("left", "short", "says", "text"), "text-align: left; padding-right: 1.2em")
# What the style sheet knows by its element.
CLASSLESS = {"left", "count", "effect", "bin"}


@dataclass(frozen=True, slots=True)
class Image:
    """A figure as SVG, of a desk's width and of a phone's."""

    wide: bytes = b""
    narrow: bytes = b""


def to_html(page: Page, images: Mapping[str, Image] | None = None) -> str:
    """The page as text: one file without links to anywhere; the same page gives the same text.

    It is whole without its one script, which is this package's own and holds nothing of the page.

    Args:
        page: What to show.
        images: Its figures by name, where they are drawn already.
    """
    page, style, script = anchored(page), style_sheet(), page_script()
    drawn = {each.name: _image(each.files("svg", PHONE)) for each in page.figures()} if images is None else images
    return _compiled().render(
        page=page,
        images=drawn,
        style=style,
        style_hash=policy_hash(style),
        script=script,
        script_hash=policy_hash(script),
        look=_classes,
        listed=contents_of(page),
    )


def to_notebook(page: Page) -> str:
    """The page as a notebook's cell shows it; its figures are the notebook's own."""
    return _compiled().render(page=page, images={}, style="", script="", look=_styles)


def write_page(path: Path, page: Page, endings: Sequence[str] = ENDINGS) -> Path:
    """Writes each figure to `figures/`, and then the page; each file whole or not at all.

    Args:
        path: Of the page.
        page: What to show.
        endings: The files that there are of each figure, of `png`, `svg` and `pdf`.

    Raises:
        InputError: `figures` is a link to somewhere else.
    """
    folder = path.parent / FIGURES
    check_own(folder)
    images = {}
    figures = page.figures()
    for each, files in zip(figures, files_of(figures, *dict.fromkeys((*endings, "svg", PHONE))), strict=True):
        for ending in endings:
            write_bytes(folder / f"{each.name}.{ending}", files[ending])
        images[each.name] = _image(files)
    write_text(path, to_html(page, images))
    return path


def _image(files: Mapping[str, bytes]) -> Image:
    return Image(files["svg"], files[PHONE])


@cache
def _compiled() -> Template:
    """Compiled once: that takes as long as three figures."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_finalize, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"data_uri": data_uri, "lines": lines, "negative": lambda value: number(-value)}
    environment.filters |= {"number": number, "kind": lambda block: type(block).__name__, "address": address}
    environment.filters |= {"json": in_json, "rest": rest, "breaking": breaking}
    environment.globals |= {"channels": CHANNELS, "shades": SHADES}
    return environment.from_string(package_text("page.html.j2"))


def package_text(name: str) -> str:
    """A text file of this package."""
    return resources.files("mediate.report").joinpath(name).read_text(encoding="utf-8")


def _finalize(value: Any) -> Any:
    if value is None:
        return DASH
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def lines(text: str) -> Markup:
    """Text set in lines: everything but its line breaks made visible."""
    return escape(visible(text, keep="\n"))


def in_json(value: object) -> Markup:
    """A value as JSON that stays inside of its element: text made visible, and no character that HTML would read."""
    text = json.dumps(_shown(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def _shown(value: object) -> object:
    if isinstance(value, str):
        return visible(value, keep="\n")
    if isinstance(value, Mapping):
        return {_shown(key): _shown(each) for key, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list | tuple) else value


def rest(table: Table) -> dict[str, object]:
    """The rows of a table that do not stand on the page, for its script, and the looks of the columns.

    A cell is its text or, where it is more than that, its text, look, columns and channel.
    """
    rows = [[_cell(cell) for cell in row] for row in table.rows[len(table.first) :]]
    return {"looks": [each.look for each in table.columns], "rows": rows}


def breaking(cell: Words | TableCell, column: Column) -> str:
    """The class that says whether a cell's text may be broken: a short name of one word may not, nor may a number."""
    if column.look is Look.NUMBER:
        return ""
    text = plain_text(cell.words if isinstance(cell, TableCell) else cell)
    if len(text) > TIGHT or len(text.split()) > 1:
        return "loose"
    return "tight long" if len(text) > LONG else "tight"


def _cell(cell: Words | TableCell) -> object:
    if isinstance(cell, TableCell):
        return [visible(plain_text(cell.words)), cell.look, cell.span, cell.channel]
    return visible(plain_text(cell))


def address(href: str) -> str:
    """A place on the page or a file beside it: whatever its name, no other address."""
    return quote(href.lstrip("/"), safe="/#", errors="replace")


def data_uri(image: bytes) -> Markup:
    """An SVG image as an address that needs no file; what an image shows this way runs no script."""
    return Markup("data:image/svg+xml;base64," + b64encode(image).decode("ascii"))


@cache
def _classes(*names: str) -> Markup:
    """An attribute that gives an element its looks, by the style sheet."""
    having = " ".join(name for name in names if name and name not in CLASSLESS)
    return Markup(' class="{}"').format(having) if having else Markup("")


@cache
def _styles(*names: str) -> Markup:
    """The same where there is no style sheet."""
    coloured = _coloured()
    having = "; ".join(style for name in names if (style := coloured.get(name) or INLINE.get(name, "")))
    return Markup(' style="{}"').format(having) if having else Markup("")


@cache
def _coloured() -> dict[str, str]:
    """The classes of shades and channels, and what they look like."""
    shades = {f"e{shade}": f"background: {shade_colour(shade)}" for shade in SHADES}
    return shades | {f"c-{channel}": f"background: {CHANNEL_COLOURS[channel]}" for channel in CHANNELS}


def shade_colour(each: int) -> str:
    """The background of a shade: the heat map's colours, but pale enough for black text."""
    return to_hex(matplotlib.colormaps[DIVERGING](0.5 + DEEPEST * each / BINS))


def style_sheet() -> Markup:
    """The page's style, with a class for each shade (`e-8` ... `e8`) and channel; it holds no text from outside."""
    coloured = [f".{name} {{ {style}; }}" for name, style in _coloured().items()]
    return Markup("\n" + "\n".join([*(package_text(name).rstrip() for name in STYLES), *coloured]) + "\n")


@cache
def page_script() -> Markup:
    """The page's script: the files of `SCRIPTS`, in their order; it holds no text from outside."""
    shared = (package_text(name).rstrip() for name in SHARED)
    others = (package_text(name).rstrip() for name in SCRIPTS if name not in SHARED)
    return Markup("\n".join(['\n"use strict";', *shared, *(f"{{\n{each}\n}}" for each in others), ""]))


def policy_hash(text: str) -> str:
    """What a content security policy calls an element of this text."""
    return "sha256-" + b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii")
