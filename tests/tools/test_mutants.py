"""The seeded bugs: each can still be seeded, and the tests that ought to notice it are there."""

from tools.mutants.__main__ import MUTANTS, ROOT


def test_every_bug_can_be_seeded() -> None:
    stale = {each.name for each in MUTANTS if (ROOT / "mediate" / each.file).read_text("utf-8").count(each.right) != 1}
    assert not stale
    assert all(each.right != each.wrong for each in MUTANTS)


def test_every_bug_has_its_tests() -> None:
    asked = {path for each in MUTANTS for path in each.tests.split() if path.endswith(".py")}
    assert asked
    assert all((ROOT / path).exists() for path in asked)
