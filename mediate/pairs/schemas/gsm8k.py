r"""GSM8K (Cobbe et al. 2021, arXiv:2110.14168): worked solutions with a calculator's annotations.

A row is `question` and `answer`; the answer is a solution with `<<48/2=24>>` before each result, and `#### 72` at its
end. As those who evaluate on it do, the annotations are taken out, the chain is what stands before `####`, and the
answer is what stands behind it.
"""

import re
from collections.abc import Iterator

from mediate.errors import ItemError
from mediate.pairs.answers import normalise
from mediate.pairs.item import Item
from mediate.pairs.row_values import name, text
from mediate.pairs.schema import Fields, Schema

ANNOTATION = re.compile(r"<<([^<>=]*)=([^<>=]*)>>")
_ANY_ANNOTATION = re.compile(r"<<[^<>]*>>")
MARK = "####"


def _fits(row: Fields) -> bool:
    return "question" in row and "cot" not in row and MARK in str(row.get("answer"))


def _items(row: Fields, pattern: re.Pattern[str] | None) -> Iterator[Item]:
    del pattern
    solution, mark, final = text(row, "answer").rpartition(MARK)
    if not mark:
        raise ItemError("", f"no {MARK} before the answer; end the solution with it", code="no_answer_mark")
    if not final.strip():
        raise ItemError("", f"nothing stands behind {MARK}; write the answer there", code="empty_answer")
    chain = plain(solution)
    yield Item(
        text(row, "question"), normalise(final), chain or None, results(solution),
        id=name(row, "id"), group=name(row, "group"),
    )  # fmt: skip


def plain(solution: str) -> str:
    """A solution as a chain: without its annotations."""
    return _ANY_ANNOTATION.sub("", solution).strip()


def results(solution: str) -> tuple[int, ...]:
    """The results of the annotations, where all are whole numbers; else none."""
    found = [normalise(match[2]) for match in ANNOTATION.finditer(solution)]
    if not all(re.fullmatch(r"-?[0-9]{1,300}", each) for each in found):
        return ()
    return tuple(map(int, found))


GSM8K = Schema("gsm8k", "GSM8K problems", _fits, _items)
