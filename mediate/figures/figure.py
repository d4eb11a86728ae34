"""A figure of a page as a record: what draws it, and the words that stand in for it and beside it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import Collection
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from mediate.clock import stage
from mediate.figures.narrow import NARROW, narrowed
from mediate.figures.style import detached, signed_by

DPI = 160
MOST_MARKS = 2000  # of one artist; more are an image in files of lines, which they would fill
# The same bytes for the same drawing: no dates, and ids that are hashes. Text of SVG stays text, at a third of the size
# that its outlines take.
FILES: Mapping[str, dict[str, Any]] = {
    "png": {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 3}},
    "svg": {"metadata": {"Date": None}},
    "pdf": {"metadata": {"CreationDate": None}},
}
PHONE = "narrow"
RC: Mapping[str, Any] = {
    "svg.hashsalt": "mediate",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a page; it is drawn when the page is shown.

    Args:
        name: File name without its ending; no two figures of a page have the same.
        draw: Draws it on the axes that it is given by name, as every function of this room: `draw(ax=axes)`.
        alt: What it shows, with its main numbers, for readers who do not see it.
        caption: What a reader must know to read it.
        size: Width and height, in inches.
        section: The id of the page's section in which it stands.
        outcome: The outcome that it shows; a page of several outcomes fills it in or goes by it.
        size_narrow: Width and height on a phone, in inches; by default as high as `size`. It grows by what words take.
        draw_narrow: Draws it for a phone, where panels stand otherwise; by default what is drawn is laid out again.
        extent: The least and the largest effect on its vertical axis, with intervals, in the outcome's unit; None where
            that axis shows none. Those of an outcome have one axis, see `mediate.figures.one_axis`.
    """

    name: str
    draw: Callable[..., object]
    alt: str
    caption: str
    size: tuple[float, float] = (7.2, 3.2)
    section: str = "maps"
    outcome: str = ""
    size_narrow: tuple[float, float] | None = None
    draw_narrow: Callable[..., object] | None = None
    extent: tuple[float, float] | None = None

    def signed(self, source: str) -> "Figure":
        """The figure with a line in it that says where it comes from: it may leave the page."""
        narrow = self.draw_narrow and signed_by(source, self.draw_narrow)
        return replace(self, draw=signed_by(source, self.draw), draw_narrow=narrow)

    def png(self) -> bytes:
        """The image; the same bytes for the same drawing."""
        return self.files("png")["png"]

    def files(self, *kinds: str) -> dict[str, bytes]:
        """The figure as files, drawn once; the same bytes for the same drawing.

        Args:
            kinds: `png`, `svg`, `pdf`; `narrow` is SVG of a phone's width, with labels in as many lines as that takes.
        """
        with stage("drawing"):
            made: dict[str, bytes] = {}
            wide = [each for each in kinds if each != PHONE]
            again = self.draw_narrow if PHONE in kinds else None
            if wide or again is None:
                with _drawn(self.draw, self.size) as (canvas, lay_out):
                    lay_out(canvas)
                    made = {each: _saved(canvas, each) for each in wide}
                    if PHONE in kinds and again is None:
                        canvas.set_size_inches(self.size_narrow or (NARROW, self.size[1]))
                        narrowed(canvas, lay_out)
                        made[PHONE] = _saved(canvas, "svg")
            if again is not None:
                with _drawn(again, self.size_narrow or (NARROW, self.size[1])) as (canvas, lay_out):
                    narrowed(canvas, lay_out)
                    made[PHONE] = _saved(canvas, "svg")
            return made


@contextmanager
def _drawn(
    draw: Callable[..., object], size: tuple[float, float]
) -> Iterator[tuple[Canvas, Callable[[Canvas], object]]]:
    """A drawing that is not laid out, and what lays it out: savefig would go through all of it once more for that."""
    with detached(size) as (canvas, ax), matplotlib.rc_context(dict(RC)):
        canvas.set_dpi(DPI)
        draw(ax=ax)
        layout = canvas.get_layout_engine()
        canvas.set_layout_engine(None)  # not "none", which stands for one, and savefig draws twice then
        yield canvas, layout.execute if layout is not None else _not_laid_out


def _not_laid_out(canvas: Canvas) -> None:
    """A drawing without a layout stays as it is."""


def _saved(canvas: Canvas, ending: str) -> bytes:
    if ending != "png":
        for each in canvas.findobj(lambda artist: _marks(artist) > MOST_MARKS):
            each.set_rasterized(True)
    with BytesIO() as file:
        canvas.savefig(file, format=ending, dpi=DPI, **FILES[ending])
        return file.getvalue()


def _marks(artist: Artist) -> int:
    if isinstance(artist, Line2D):
        return int(np.size(artist.get_xdata()))
    return max(np.shape(artist.get_offsets())[0], len(artist.get_paths())) if isinstance(artist, Collection) else 0
