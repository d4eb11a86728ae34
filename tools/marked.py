"""The parts of a page that commands write: what stands between two markers, of which the first names the command."""

from dataclasses import dataclass
from pathlib import Path

from mediate.errors import InputError
from mediate.files import write_text


@dataclass(frozen=True, slots=True)
class Part:
    """One such part.

    Args:
        name: Once on a page.
        command: What writes it.
    """

    name: str
    command: str

    @property
    def start(self) -> str:
        """The line before it."""
        return f"<!-- {self.name}: written by {self.command} -->"

    @property
    def end(self) -> str:
        """The line after it."""
        return f"<!-- end of {self.name} -->"

    def written(self, text: str, content: str, place: Path | str) -> str:
        """A page with this part written anew, and all else as it was.

        Args:
            text: The page.
            content: What is to stand between the markers.
            place: The name of the page, for errors.

        Raises:
            InputError: A marker is missing, stands twice, or they stand in the wrong order.
        """
        for mark in (self.start, self.end):
            if (count := text.count(mark)) != 1:
                raise InputError(
                    f"{place}: {count or 'no'} {mark!r}; it has to stand there once, {self.start!r} before {self.end!r}"
                )
        start, end = text.index(self.start) + len(self.start), text.index(self.end)
        if end < start:
            raise InputError(f"{place}: {self.end!r} stands before {self.start!r}; put it after")
        return f"{text[:start]}\n\n{content.strip()}\n\n{text[end:]}"

    def check(self, page: Path) -> None:
        """Raises what `write` would, before anything is measured."""
        self.written(page.read_text(encoding="utf-8"), "", page)

    def write(self, page: Path, content: str) -> None:
        """Writes this part of a page anew."""
        write_text(page, self.written(page.read_text(encoding="utf-8"), content, page))
