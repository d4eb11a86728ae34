"""`help()` is complete: every public name says what it gives, and has an example, which runs unless it says so."""

import doctest
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import pytest

import mediate as md

NAMES = [name for name in md.__all__ if callable(getattr(md, name))]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """What examples take for granted: `md`, the smallest reference reasoner, and four pairs that it can read."""
    with pytest.MonkeyPatch.context() as patch, matplotlib.rc_context({"backend": "agg"}):
        folder = tmp_path_factory.mktemp("examples")
        patch.chdir(folder)
        patch.setenv("MEDIATE_CACHE", str(folder / "cache"))
        yield {"md": md, "model": md.load("reference-0.1m", device="cpu"), "pairs": md.modular_pairs(4)}


@pytest.mark.parametrize("name", NAMES)
def test_help_says_what_comes_back_and_shows_it(name: str) -> None:
    found = getattr(md, name)
    said = inspect.getdoc(found) or ""
    assert re.search(r"^Example:$\n    >>> ", said, re.MULTILINE), "no example"
    if inspect.isfunction(found):
        assert re.search(r"^Returns:$", said, re.MULTILINE), "it does not say what it returns"


@pytest.mark.parametrize("name", NAMES)
def test_examples_run(name: str, names: dict[str, object]) -> None:
    said = inspect.getdoc(getattr(md, name)) or ""
    (test,) = [doctest.DocTestParser().get_doctest(said, dict(names), name, None, None)]
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert not runner.run(test, out=told.append).failed, "".join(told)


def test_most_examples_run_and_do_not_only_stand_there() -> None:
    run = [name for name in NAMES if "+SKIP" not in (inspect.getdoc(getattr(md, name)) or "")]
    assert len(run) > len(NAMES) / 2


def test_the_package_is_typed() -> None:
    assert (Path(md.__file__).parent / "py.typed").is_file()
