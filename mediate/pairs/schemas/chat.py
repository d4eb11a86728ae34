"""Chat logs: `messages` of one question, and where there is one the reply, with its chain apart or between think tags.

Beside it may stand `answer` or `target` (the right answer), `options`, `id`, `group` and `finish_reason`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from mediate.pairs.conversation import conversation, ended_by_itself, replied, where_apart
from mediate.pairs.item import Item
from mediate.pairs.response import answered
from mediate.pairs.row_values import answer, name, options
from mediate.pairs.schema import Fields, Schema


def _fits(row: Fields) -> bool:
    return isinstance(row.get("messages"), list) and not {"choices", "response", "epoch"} & set(row)


def _items(row: Fields, pattern: re.Pattern[str] | None) -> Iterator[Item]:
    asked = conversation(row.get("messages"))
    given = answer(row, "answer") or answer(row, "target")
    item = Item(
        asked.question, given, id=name(row, "id"), group=name(row, "group"), options=options(row, "options"),
        system=asked.system, chat=True,
    )  # fmt: skip
    if asked.reply is None:
        yield item
        return
    text, thoughts = replied(asked.reply)
    reason = row.get("finish_reason") or asked.reply.get("finish_reason")
    yield answered(item, text, pattern, reasoning=thoughts, ended=ended_by_itself(reason))


def told(replies: Sequence[Fields]) -> str:
    """How replies hold their chains, the usual way first."""
    ways = Counter(where_apart(each) for each in replies)
    ways.pop("", None)
    return f"reasoning in {' or '.join(way for way, _ in ways.most_common())}" if ways else ""


def _detail(rows: Sequence[Fields]) -> str:
    return told([row["messages"][-1] for row in rows if row["messages"] and isinstance(row["messages"][-1], dict)])


CHAT = Schema("chat", "chat messages", _fits, _items, _detail)
