"""Completions of an OpenAI-compatible server, such as vLLM's: a line a response, with its `choices`.

The response is the row, or stands under `response` (and `body`, in a batch's output). The question must stand beside
it: as `messages` or `prompt`, also under `request` or `body`. Of several choices each is an item, in the question's
group. `answer` (or `target`) is the right answer.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mediate.errors import ItemError, short
from mediate.pairs.conversation import Conversation, conversation, ended_by_itself, replied
from mediate.pairs.item import Item
from mediate.pairs.response import answered
from mediate.pairs.row_values import answer, name, optional_text, options
from mediate.pairs.schema import Fields, Schema
from mediate.pairs.schemas.chat import told


def _fits(row: Fields) -> bool:
    choices = _response(row).get("choices")
    listed = isinstance(choices, list) and all(isinstance(each, Mapping) for each in choices)
    return listed or {"custom_id", "response"} <= set(row)


def _items(row: Fields, pattern: re.Pattern[str] | None) -> Iterator[Item | ItemError]:
    if row.get("error"):
        raise ItemError("", f"the request failed ({short(row['error'], 80)}); send it again", code="failed_request")
    choices = _response(row).get("choices")
    if not isinstance(choices, list) or not all(isinstance(each, Mapping) for each in choices) or not choices:
        raise ItemError("", "'choices' is no list of responses; send the request again", code="wrong_type")
    asked = _asked(row)
    given = answer(row, "answer") or answer(row, "target")
    named = name(row, "custom_id") or name(row, "id")
    item = Item(
        asked.question, given, id=named, group=name(row, "group"), options=options(row, "options"),
        system=asked.system, chat=asked.chat or any("message" in each for each in choices),
    )  # fmt: skip
    for choice in choices:
        try:
            text, thoughts = replied(_message(choice))
            ended = ended_by_itself(choice.get("finish_reason"))
            yield answered(item, text, pattern, reasoning=thoughts, ended=ended)
        except ItemError as error:
            yield error


def _response(row: Fields) -> Fields:
    """The server's response, which is the row or stands in it."""
    found: Any = row
    for key in ("response", "body"):
        if "choices" not in found and isinstance(found.get(key), Mapping):
            found = found[key]
    return found  # type: ignore[no-any-return]


def _asked(row: Fields) -> Conversation:
    """What was asked, wherever the log has it."""
    places = [row, row.get("request"), row.get("body")]
    places += [each.get("body") for each in places if isinstance(each, Mapping) and each is not row]
    for place in places:
        if isinstance(place, Mapping):
            for key in ("messages", "prompt"):
                if isinstance(place.get(key), list):
                    return conversation(place[key])
            text = optional_text(place, "prompt") or optional_text(place, "question")
            if text is not None:
                return Conversation(None, text, None, chat=False)
    reason = "holds a response without its question; put the request's 'messages' beside it (by its custom_id)"
    raise ItemError("", reason, code="no_question")


def _message(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message of a choice, or what one of plain text would be."""
    message = choice.get("message")
    return message if isinstance(message, Mapping) else {"content": choice.get("text")}


def _detail(rows: Sequence[Fields]) -> str:
    choices = [_response(row).get("choices") for row in rows]
    firsts = [each[0] for each in choices if isinstance(each, list) and each and isinstance(each[0], Mapping)]
    return told([_message(each) for each in firsts])


COMPLETIONS = Schema("completions", "completions", _fits, _items, _detail)
