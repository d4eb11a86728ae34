"""A figure of a page as a record: what draws it, and the words that stand in for it and beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from mediate.figures.style import detached

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
RC = {"svg.hashsalt": "mediate", "svg.fonttype": "none", "pdf.fonttype": 42}


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
        size_narrow: Width and height on a phone, in inches; as high as `size` by default.
    """

    name: str
    draw: Callable[..., object]
    alt: str
    caption: str
    size: tuple[float, float] = (7.2, 3.2)
    section: str = "maps"
    outcome: str = ""
    size_narrow: tuple[float, float] | None = None

    def png(self) -> bytes:
        """The image; the same bytes for the same drawing."""
        return self.files("png")["png"]

    def files(self, *kinds: str) -> dict[str, bytes]:
        """The figure as files, drawn once; the same bytes for the same drawing.

        Args:
            kinds: `png`, `svg`, `pdf`; `narrow` is SVG of a phone's width, with labels in as many lines as that takes.
        """
        with stage("drawing"), detached(self.size) as (canvas, ax), matplotlib.rc_context(RC):
            canvas.set_dpi(DPI)
            self.draw(ax=ax)
            layout = canvas.get_layout_engine()
            # Laid out here: savefig would go through the whole drawing once more for it.
            canvas.set_layout_engine("none")
            if layout is not None:
                layout.execute(canvas)
            made = {each: _saved(canvas, each) for each in kinds if each != PHONE}
            if PHONE in kinds:
                canvas.set_size_inches(self.size_narrow or (NARROW, self.size[1]))
                if layout is not None:
                    narrowed(canvas, layout.execute)
                made[PHONE] = _saved(canvas, "svg")
            return made


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
