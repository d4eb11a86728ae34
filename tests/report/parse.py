"""A page taken apart by the standard library's parser, so that tests see what a browser would."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "img", "br", "link", "input", "hr", "wbr", "source"}


@dataclass
class Page:
    """Elements in order, the text outside style sheets and scripts, tables by cell, and those two; data by its id."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""
    tables: list[list[list[str]]] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    left_open: list[str] = field(default_factory=list)

    def attributes(self, tag: str, name: str) -> list[str]:
        """The values of an attribute over all elements of a kind."""
        return [attrs[name] or "" for kind, attrs in self.elements if kind == tag and name in attrs]

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Every element with the names of its attributes: what text must not be able to change."""
        return [(tag, tuple(attrs)) for tag, attrs in self.elements]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._script = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice: {attrs}"
        self.page.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.page.left_open.append(tag)
        if tag == "table":
            self.page.tables.append([])
        elif tag == "tr":
            self.page.tables[-1].append([])
        elif tag in ("td", "th"):
            self.page.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.page.left_open.pop() == tag
        if tag == "script":
            attributes = self.page.elements[-1][1]
            if attributes.get("type") == "application/json":
                self.page.data[attributes.get("id") or f"rest {len(self.page.data)}"] = json.loads(self._script)
            else:
                self.page.scripts.append(self._script)
            self._script = ""

    def handle_data(self, data: str) -> None:
        if self.page.left_open[-1:] == ["style"]:
            self.page.styles.append(data)
            return
        if self.page.left_open[-1:] == ["script"]:
            self._script += data
            return
        self.page.text += data
        if {"td", "th"} & set(self.page.left_open):
            self.page.tables[-1][-1][-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")


def parse(html: str) -> Page:
    """The page; fails on elements that are not closed in order, on comments and on repeated attributes."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.page.left_open == [], reader.page.left_open
    return reader.page
