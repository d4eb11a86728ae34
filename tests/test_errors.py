"""What to install is said by a name that installs this package."""

import re
import tomllib
from pathlib import Path

import pytest

from mediate.errors import DISTRIBUTION, HIDDEN, ItemError, inert, install_hint, one_line, redacted

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_hints_name_this_distribution_and_extras_that_it_has() -> None:
    assert PROJECT["name"] == DISTRIBUTION
    assert install_hint("train") == 'pip install "cot-mediate[train]" (in a clone: pip install -e ".[train]")'
    sources = [path.read_text() for path in (ROOT / "mediate").rglob("*.py")]
    extras = {found for text in sources for found in re.findall(r"install_hint\(['\"](\w+)", text)}
    assert {"gguf", "tasks", "train"} <= extras <= PROJECT["optional-dependencies"].keys()


def test_the_name_stands_in_one_place_and_the_other_project_of_that_name_in_none() -> None:
    for path in [*(ROOT / "mediate").rglob("*.py"), ROOT / "README.md", *(ROOT / "notebooks").glob("*.py")]:
        assert not re.search(r'pip install "?mediate\b', path.read_text()), f"{path.name} installs another project"


def test_a_message_names_a_long_id_by_its_beginning() -> None:
    assert str(ItemError("a/b", "is bad", place="p.jsonl:1")) == "p.jsonl:1: item 'a/b': is bad"
    told = ItemError("x" * 5000, "is bad")
    assert len(str(told)) < 200
    assert str(told).startswith("item 'xxx")
    assert told.item == "x" * 5000


SECRET = "hf_AbCdEfGhIjKlMnOpQrStUvWx"


def test_no_message_tells_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (
        f"401 for {SECRET}", f"Authorization: Bearer {SECRET}", "bearer abc.def-ghi", f"https://me:{SECRET}@x.test/a",
        "http://me:pass-word@x.test",
    ):  # fmt: skip
        for said in (redacted(text), one_line(ValueError(f"{text}\nand on"))):
            assert "hf_A" not in said
            assert "abc.def" not in said
            assert "pass-word" not in said
            assert HIDDEN in said
    monkeypatch.setenv("HF_TOKEN", "not-of-the-usual-form")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a")  # no secret, and in every word
    assert redacted("with not-of-the-usual-form here") == f"with {HIDDEN} here"
    for text in ("a hf_x at https://x.test/a:b@c", "model org/hf_name"):
        assert redacted(text) == text


def test_what_a_terminal_takes_for_commands_goes() -> None:
    assert inert("a\x1b[2J\x9b31m\u202eb\u2066\r\x00\nc é 名 🙂") == "a[2J31mb\nc é 名 🙂"
    assert inert("99\xa0%\u3000and\u20287\u202f%\n") == "99 % and7 %\n"
