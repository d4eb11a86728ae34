"""Samples of Inspect, the evaluation framework of the UK AI Security Institute: of an `.eval` archive or a `.json` log.

A sample is `id`, `epoch`, `input`, `choices`, `target`, `messages` and `output`. The question is what the model was
asked, the response the output's, and an item's group its sample's id, so that epochs stay together.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mediate.errors import ItemError, short
from mediate.pairs.conversation import Conversation, conversation, ended_by_itself, replied
from mediate.pairs.item import Item
from mediate.pairs.response import answered
from mediate.pairs.row_values import answer, letters, name, options, text
from mediate.pairs.schema import Fields, Schema
from mediate.pairs.schemas.chat import told

_ATTACHMENT = "attachment://"


def _fits(row: Fields) -> bool:
    return {"input", "target", "epoch"} <= set(row) and bool({"output", "messages"} & set(row))


def _items(row: Fields, pattern: re.Pattern[str] | None) -> Iterator[Item | ItemError]:
    if row.get("error"):
        error = row["error"].get("message") if isinstance(row["error"], Mapping) else row["error"]
        raise ItemError("", f"the sample failed ({short(error, 80)}); run it again", code="failed_request")
    row = _with_attachments(row)
    asked, group, choices = _asked(row), name(row, "id"), options(row, "choices")
    given = answer(row, "target")
    if len(choices) <= 26 and given in letters(len(choices)):
        choices = letters(len(choices))
    epoch = row.get("epoch", 1)
    named = group if epoch == 1 or not group else f"{group}/{epoch}"
    item = Item(asked.question, given, id=named, group=group, options=choices, system=asked.system, chat=True)
    replies = _replies(row) or ([(asked.reply, None)] if asked.reply is not None else [])
    if not replies:
        raise ItemError("", "holds no response of the model; run the sample again", code="no_response")
    for reply, ended in replies:
        try:
            written, thoughts = replied(reply)
            yield answered(item, written, pattern, reasoning=thoughts, ended=False if row.get("limit") else ended)
        except ItemError as error:
            yield error


def _asked(row: Fields) -> Conversation:
    """What the model was asked: its messages, and where a log has none of them, the sample's input."""
    if row.get("messages"):
        return conversation(row["messages"])
    if isinstance(row.get("input"), str):
        return Conversation(None, text(row, "input"), None)
    return conversation(row.get("input"))


def _replies(row: Fields) -> list[tuple[Mapping[str, Any], bool | None]]:
    """The messages of the output, each with whether the model ended by itself."""
    output = row.get("output")
    choices = output.get("choices") if isinstance(output, Mapping) else None
    found = [each for each in choices if isinstance(each, Mapping)] if isinstance(choices, list) else []
    return [
        (each["message"], ended_by_itself(each.get("stop_reason")))
        for each in found
        if isinstance(each.get("message"), Mapping)
    ]


def _with_attachments(row: Fields) -> Fields:
    """A sample with its long texts, which the log keeps once and names by their hash, put in their places."""
    kept = row.get("attachments")
    if not isinstance(kept, Mapping) or not kept:
        return row

    def put(value: Any) -> Any:
        if isinstance(value, str) and value.startswith(_ATTACHMENT):
            return kept.get(value.removeprefix(_ATTACHMENT), value)
        if isinstance(value, list):
            return [put(each) for each in value]
        return {key: put(each) for key, each in value.items()} if isinstance(value, Mapping) else value

    return {key: put(row[key]) if key in ("input", "messages", "output") else row[key] for key in row}


def _detail(rows: Sequence[Fields]) -> str:
    return told([reply for row in rows for reply, _ in _replies(row)[:1]])


INSPECT = Schema("inspect", "samples of Inspect", _fits, _items, _detail)
