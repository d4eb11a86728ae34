"""Docstrings are read as they are written, and links to included texts lead to the pages that include them."""

from pathlib import Path

from tools.site import INCLUDED, as_code, inward


def test_single_backquotes_are_code_and_sizes_no_substitutions() -> None:
    lines = ["Where `|TE|` is small, |TE| is `0.1`.", "``As it is``, and :ref:`there`_."]
    as_code(None, "function", "name", None, None, lines)
    assert lines == [r"Where ``|TE|`` is small, \|TE\| is ``0.1``.", "``As it is``, and :ref:`there`_."]


def test_links_to_included_texts_lead_to_their_pages() -> None:
    docs = Path(__file__).parents[2] / "docs"
    for path, page in INCLUDED.items():
        assert (docs / path).is_file()
        assert path in (docs / page).read_text(encoding="utf-8")
        source = [f"[a card]({path})"]
        inward(None, "tuning", source)
        assert source == [f"[a card]({page})"]
