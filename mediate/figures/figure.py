"""A figure of a page as a record: what draws it, and the words that stand in for it and beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from mediate.clock import stage
from mediate.figures.style import detached

DPI = 160


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
    """

    name: str
    draw: Callable[..., object]
    alt: str
    caption: str
    size: tuple[float, float] = (7.2, 3.2)
    section: str = "maps"
    outcome: str = ""

    def png(self) -> bytes:
        """The image; the same bytes for the same drawing."""
        with stage("drawing"), detached(self.size) as (canvas, ax), BytesIO() as file:
            canvas.set_dpi(DPI)
            self.draw(ax=ax)
            # Laid out here: savefig would go through the whole drawing once more for it.
            if (layout := canvas.get_layout_engine()) is not None:
                layout.execute(canvas)
                canvas.set_layout_engine("none")
            canvas.savefig(file, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"compress_level": 3})
            return file.getvalue()
