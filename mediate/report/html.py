"""The one way in which text becomes HTML here: escaped, and with nothing invisible left in it."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from mediate.figures import CHANNEL_COLOURS, visible
from mediate.report.run.tokens import SHADES, shade_colour
from mediate.report.words import DASH, number
from mediate.results import CHANNELS


def render(template: str, **content: Any) -> str:
    """Fills a template of this package.

    Every text is escaped and made visible unless it is `Markup`, and a name that `content` lacks is an error.
    """
    return _compiled(template).render(content)


@cache
def _compiled(template: str) -> Template:
    """Compiled once: that takes as long as three figures."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_finalize, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"data_uri": data_uri, "lines": lines, "negative": lambda value: number(-value)}
    environment.filters |= {"number": number, "shade_colour": lambda shade: Markup(shade_colour(shade))}
    return environment.from_string(package_text(template))


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


def data_uri(image: bytes) -> Markup:
    """A PNG image as an address that needs no file."""
    return Markup("data:image/png;base64," + b64encode(image).decode("ascii"))


def style_sheet() -> Markup:
    """The page's style, with a class for each shade (`e-8` ... `e8`) and channel; it holds no text from outside."""
    shades = [f".e{shade} {{ background: {shade_colour(shade)}; }}" for shade in SHADES]
    channels = [f".c-{channel} {{ background: {CHANNEL_COLOURS[channel]}; }}" for channel in CHANNELS]
    return Markup("\n" + "\n".join([package_text("page.css").rstrip(), *shades, *channels]) + "\n")


def style_hash(style: str) -> str:
    """What a content security policy calls this style element."""
    return "sha256-" + b64encode(sha256(style.encode("utf-8")).digest()).decode("ascii")
