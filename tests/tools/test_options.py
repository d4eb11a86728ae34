"""The tables of options are those of the specifications' fields."""

from tools.options import END, PAGE, START, TABLES, page


def test_the_tables_are_not_stale() -> None:
    before = PAGE.read_text(encoding="utf-8")
    assert page(before) == before, "write them anew: python -m tools.options"


def test_every_choice_has_its_row_and_its_bounds() -> None:
    made = page(f"a\n{START}\nstale\n{END}\nz")
    assert made.startswith(f"a\n{START}")
    assert made.endswith(f"{END}\nz")
    assert "stale" not in made
    assert made.count("\n## ") == len(TABLES)
    assert "| `level` | `0.95` | Coverage of the intervals (above 0 and below 1). |" in made
    assert "where \\|TE\\| is not above this" in made
