"""Samples of EleutherAI's lm-evaluation-harness, as `--log_samples` writes them (`samples_*.jsonl`).

A row is `doc_id`, `doc`, `target`, `arguments`, `resps`, `filtered_resps` and `filter`. The question is the document's,
where the prompt holds it, and else the prompt; worked examples before it are no part of an item. A task with several
filters has each response once a filter, and the rows of the first filter of a file are read.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mediate.errors import ItemError
from mediate.pairs.answers import boxed, normalise
from mediate.pairs.conversation import Conversation, conversation, tags_in
from mediate.pairs.item import Item
from mediate.pairs.response import answered
from mediate.pairs.row_values import answer, name
from mediate.pairs.schema import Fields, Schema

# Where tasks keep the question itself.
_QUESTION = ("question", "problem", "input", "query", "prompt")


def _fits(row: Fields) -> bool:
    return {"doc", "resps", "target"} <= set(row)


def _items(row: Fields, pattern: re.Pattern[str] | None) -> Iterator[Item | ItemError]:
    responses = _responses(row.get("resps"))
    asked = _asked(row)
    given, named = _given(answer(row, "target")), name(row, "doc_id")
    item = Item(asked.question, given, id=named, system=asked.system, chat=asked.chat)
    for response in responses:
        try:
            yield answered(item, response, pattern)
        except ItemError as error:
            yield error


def filter_of(row: Fields) -> str:
    """The filter of a row; the rows of another one say the same responses again."""
    return f"filter {row.get('filter', 'none')}"


def _responses(found: Any) -> list[str]:
    """The responses of the one request of a row."""
    if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], list | str):
        reason = "holds no response in text but log-likelihoods; read the task's data set, and let the model write"
        raise ItemError("", reason, code="no_response")
    responses = found[0] if isinstance(found[0], list) else found
    if not responses or not all(isinstance(each, str) for each in responses):
        raise ItemError("", "'resps' is no list of texts; log the samples again", code="wrong_type")
    return responses


def _asked(row: Fields) -> Conversation:
    """The system prompt and the question."""
    system, prompt, chat = _prompt(row.get("arguments"))
    found = row.get("doc")
    doc = found if isinstance(found, Mapping) else {}
    known = [doc[key].strip() for key in _QUESTION if isinstance(doc.get(key), str) and doc[key].strip()]
    question = next((each for each in known if prompt is None or each in prompt), prompt)
    if question is None:
        raise ItemError(
            "", "neither 'doc' nor 'arguments' holds the question; log the samples again", code="no_question"
        )
    return Conversation(system, question, None, chat)


def _prompt(arguments: Any) -> tuple[str | None, str | None, bool]:
    """The system prompt and the last prompt of a request, and whether they are messages in JSON, as of a chat API."""
    first = arguments.get("gen_args_0") if isinstance(arguments, Mapping) else None
    if isinstance(arguments, list) and arguments:  # samples that are kept in memory
        first = {"arg_0": arguments[0][0]} if isinstance(arguments[0], list) and arguments[0] else None
    prompt = first.get("arg_0") if isinstance(first, Mapping) else None
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        return None, None, False
    try:
        messages = json.loads(prompt) if prompt.lstrip()[:1] == "[" else None
    except (ValueError, RecursionError):
        messages = None
    if not isinstance(messages, list) or not all(isinstance(each, Mapping) and "role" in each for each in messages):
        return None, prompt, False
    # Worked examples may stand as turns before the question, which is the last one.
    system = [each for each in messages if each["role"] == "system"]
    users = [each for each in messages if each["role"] == "user"]
    asked = conversation(system + users[-1:])
    return asked.system, asked.question, True


def _given(target: str) -> str:
    """The right answer of a target, which in some tasks is a worked solution."""
    if "####" in target:
        return normalise(target.rpartition("####")[2])
    return (boxed(target) or target).strip()


def _detail(rows: Sequence[Fields]) -> str:
    ways = sorted({tags_in(str(row["resps"])) for row in rows} - {""})
    return f"reasoning in {' or '.join(ways)}" if ways else ""


LM_EVAL = Schema("lm-eval", "samples of lm-eval", _fits, _items, _detail, variant=filter_of)
