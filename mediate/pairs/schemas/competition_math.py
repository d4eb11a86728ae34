r"""MATH (Hendrycks et al. 2021, arXiv:2103.03874): competition problems, with the answer in a box.

A row is `problem` and `solution`, and may have `answer`, which then counts; else the answer is what the solution's last
`\boxed{...}` holds. The chain is the whole solution, box and all, since a box is part of a formula; what is measured
before the answer is stated is measured without it.
"""

import re
from collections.abc import Iterator

from mediate.errors import ItemError
from mediate.pairs.answers import boxed
from mediate.pairs.item import Item
from mediate.pairs.row_values import answer, name, text
from mediate.pairs.schema import Fields, Schema


def _fits(row: Fields) -> bool:
    return "problem" in row and "solution" in row


def _items(row: Fields, pattern: re.Pattern[str] | None) -> Iterator[Item]:
    del pattern
    problem, solution = text(row, "problem"), text(row, "solution").strip()
    given = answer(row, "answer") or (boxed(solution) or "").strip()
    if not given:
        raise ItemError("", r"no \boxed{...} in the solution; give the answer under 'answer'", code="no_answer_mark")
    named = name(row, "id") or name(row, "unique_id")
    yield Item(problem, given, solution or None, id=named, group=name(row, "group"))


MATH = Schema("math", "MATH problems", _fits, _items)
