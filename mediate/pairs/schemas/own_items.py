"""Items as this package has them: `question`, and where there are any `answer`, `cot`, `options`, `id`, `group` and
`condition`.

In place of `cot`, `response` is what a model wrote, which is cut into chain and answer.
"""

import re
from collections.abc import Iterator

from mediate.errors import ItemError
from mediate.pairs.conversation import ended_by_itself
from mediate.pairs.item import Item
from mediate.pairs.response import answered
from mediate.pairs.row_values import answer, name, optional_text, options, text, values
from mediate.pairs.schema import Fields, Schema
from mediate.pairs.schemas.gsm8k import GSM8K

# What a row may hold. `meta` is for whatever else its maker wants in it, and is not read.
KEYS = (
    "id", "group", "condition", "question", "answer", "cot", "options", "values", "system", "response",
    "finish_reason", "meta",
)  # fmt: skip


def _fits(row: Fields) -> bool:
    return "question" in row and set(row) <= set(KEYS) and not GSM8K.fits(row)


def _items(row: Fields, pattern: re.Pattern[str] | None) -> Iterator[Item]:
    unknown = next((key for key in row if key not in KEYS), None)
    if unknown is not None:
        reason = f"unknown key {unknown[:80]!r}; allowed are {', '.join(KEYS)}; put anything else under 'meta', or "
        raise ItemError("", f"{reason}name the columns that count: question=...,answer=...", code="unknown_field")
    response, cot = optional_text(row, "response"), optional_text(row, "cot")
    if response is not None and cot is not None:
        raise ItemError("", "both 'cot' and 'response' are given; give one of them", code="two_chains")
    item = Item(
        text(row, "question"), answer(row, "answer"), cot, values(row, "values"), options=options(row, "options"),
        id=name(row, "id"), group=name(row, "group"), system=optional_text(row, "system"),
        condition=name(row, "condition"),
    )  # fmt: skip
    if response is None:
        yield item
    else:
        yield answered(item, response, pattern, ended=ended_by_itself(row.get("finish_reason")))


OWN_ITEMS = Schema("items", "items", _fits, _items)
