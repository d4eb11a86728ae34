"""A conversation of a log: its system prompt, its question, and what the model replied, chain and text apart.

An item is one question. A conversation of several is refused rather than cut: what the later ones ask depends on the
replies before them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mediate.errors import ItemError, short
from mediate.pairs.lines import kind_of
from mediate.pairs.response import TAGS
from mediate.pairs.row_values import optional_text
from mediate.showing import plural

# Where a log keeps a chain apart, in the order in which servers name it.
APART = ("reasoning_content", "reasoning")
_ENDED = {
    "stop": True, "eos": True, "end_turn": True, "stop_sequence": True,
    "length": False, "max_tokens": False, "model_length": False,
}  # fmt: skip


class Conversation(NamedTuple):
    """One question of a conversation, and the message that replies to it, where there is one.

    `chat`: whether it was put as a message, rather than as a text to go on with.
    """

    system: str | None
    question: str
    reply: Mapping[str, Any] | None
    chat: bool = True


def conversation(messages: object) -> Conversation:
    """What a list of messages says.

    Raises:
        ItemError: It is none, or it holds several questions, several replies, or calls of tools.
    """
    if not isinstance(messages, Sequence) or isinstance(messages, str) or not messages:
        shown = "an empty array" if messages == [] else kind_of(messages)
        raise ItemError("", f"'messages' is {shown}; give a list of messages with role and content", code="wrong_type")
    by_role: dict[str, list[Mapping[str, Any]]] = {"system": [], "user": [], "assistant": []}
    for message in messages:
        if not isinstance(message, Mapping):
            raise ItemError("", f"a message is {kind_of(message)}; give it as an object with role", code="wrong_type")
        role = "system" if message.get("role") == "developer" else message.get("role")
        if not isinstance(role, str) or role not in by_role or message.get("tool_calls"):
            what = "a call of a tool" if message.get("tool_calls") else f"a message of the role {short(role)}"
            raise ItemError("", f"holds {what}, and an item is a question and a reply; leave it out", code="tool_call")
        by_role[role].append(message)
    questions, replies = by_role["user"], by_role["assistant"]
    if not questions:
        raise ItemError("", "holds no message of the role 'user'; give the question as one", code="no_question")
    if len(questions) > 1 or len(replies) > 1:
        counts = f"{plural(len(questions), 'question')} and {plural(len(replies), 'reply', 'replies')}"
        reason = f"holds {counts}, and an item is one question; "
        raise ItemError("", f"{reason}give each of them as an item of its own, or leave it out", code="many_turns")
    if replies and messages[-1] is not replies[0]:
        raise ItemError("", "the reply stands before the question; order the messages", code="many_turns")
    system = "\n\n".join(optional_text(each, "content") or "" for each in by_role["system"])
    return Conversation(system or None, optional_text(questions[0], "content") or "", replies[0] if replies else None)


def replied(message: Mapping[str, Any]) -> tuple[str, str | None]:
    """A reply's text, and its chain where the log keeps it apart.

    Raises:
        ItemError: Parts that are not text.
    """
    content = message.get("content")
    thoughts = next((optional_text(message, key) for key in APART if message.get(key)), None)
    if isinstance(content, list) and all(isinstance(each, Mapping) for each in content):
        found = [_thought(each) for each in content]
        rest = [each for each, thought in zip(content, found, strict=True) if thought is None]
        apart = "".join(thought for thought in found if thought is not None)
        return (optional_text({"content": rest}, "content") or "") if rest else "", thoughts or apart or None
    return optional_text(message, "content") or "", thoughts


def where_apart(message: Mapping[str, Any]) -> str:
    """How a reply holds its chain, in a few words; empty where it may end at a cue."""
    key = next((each for each in APART if message.get(each)), None)
    if key is not None:
        return key
    text, thoughts = replied(message)
    return "parts of the message" if thoughts else tags_in(text)


def tags_in(text: str) -> str:
    """Of a response, which think tags it holds, in a few words."""
    tags = next((tags for tags in TAGS if tags[1] in text or tags[0] in text), None)
    return "" if tags is None else f"{tags[0]} tags"


def ended_by_itself(reason: object) -> bool | None:
    """Whether a model ended by itself (True) or at a length limit (False), by the word of a server; None if unsaid."""
    return _ENDED.get(reason) if isinstance(reason, str) else None


def _thought(part: Mapping[str, Any]) -> str | None:
    """The chain that a part of a message is; None for a part of its text."""
    if part.get("type") not in ("reasoning", "thinking"):
        return None
    if part.get("redacted"):
        raise ItemError("", "its chain is redacted; leave the item out", code="redacted")
    found = part.get("reasoning", part.get("thinking", part.get("text")))
    if not isinstance(found, str):
        raise ItemError("", f"its chain is {kind_of(found)}; leave the item out", code="wrong_type")
    return found
