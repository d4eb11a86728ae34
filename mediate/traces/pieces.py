"""Pieces of text in tokens and back: what a text begins with, and what goes on after other tokens.

Tokenizers of SentencePiece's kind put a space before every text, so that its first word is the same token as inside a
sentence. Published files say so in several ways: a `Metaspace` pre-tokenizer that prepends at the `first` piece or
`always`, a normalizer that prepends `▁`, a byte-level pre-tokenizer with `add_prefix_space`; and their decoders take
that space off again. At the beginning of a text that is what the model was trained on. A piece that goes on after
others must not have it: its tokens would say a space that is not in the text, and its decoder would drop one that is.
"""

import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from mediate.traces.backend import text_ids, text_of

# What pieces go on after where a tokenizer's rules cannot be read; the first with which the words come back is taken.
_ANCHORS = ("\n", "a", ".")
# By component and kind; a byte-level decoder has the name of an option that it does not heed.
_NO_SPACE: dict[tuple[str, str], dict[str, Any]] = {
    ("pre_tokenizer", "Metaspace"): {"prepend_scheme": "never"},
    ("pre_tokenizer", "ByteLevel"): {"add_prefix_space": False},
    ("decoder", "Metaspace"): {"prepend_scheme": "never"},
    ("decoder", "Strip"): {"start": 0},
}

# What is remembered of a tokenizer: the last texts, as those of a pair are checked, laid out and checked again, and
# short windows of tokens, as chains are of like ones.
_TEXTS, _WINDOWS, _SHORT = 64, 8192, 8

# A tokenizer of no more tokens has words that a message can list; so many stand there.
SMALL, LISTED = 512, 12


@dataclass(frozen=True, slots=True)
class _Joined:
    """A tokenizer for texts and for pieces that go on after others, which remembers what it was asked last.

    Args:
        whole: Token ids of a text from its beginning.
        encode: Those of a piece that goes on after others, with control tokens in it read as such or not.
        decode: The text of the tokens of such a piece.
        other: Whether it differs from the plain tokenizer.
    """

    whole: Callable[[str], list[int]]
    encode: Callable[[str, bool], list[int]]
    decode: Callable[[Sequence[int]], str]
    other: bool


_joined: "WeakKeyDictionary[Any, _Joined]" = WeakKeyDictionary()
_lengths: "WeakKeyDictionary[Any, int]" = WeakKeyDictionary()


def encode(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a text from its beginning: no control token is added, and nothing in it becomes one."""
    return _joined_of(tokenizer).whole(text)


def encode_after(tokenizer: Any, text: str, *, control: bool = False) -> list[int]:
    """Token ids of a text that goes on after other tokens: they say that text and no space before it.

    Args:
        tokenizer: Of transformers.
        text: The text.
        control: Whether control tokens in it are read as such, as in a template's own text.
    """
    return _joined_of(tokenizer).encode(text, control) if text else []


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of token ids from its beginning, control tokens included, spacing untouched."""
    return text_of(tokenizer, ids)


def decode_after(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of token ids that go on after others: a space before the first word is part of it."""
    return _joined_of(tokenizer).decode(ids)


def puts_space_first(tokenizer: Any) -> bool:
    """Whether a tokenizer puts a space before every text, so that pieces inside a text need other rules than its own.

    Such tokenizers' pieces had that space when numbers were stored before; all others' tokens are the same.
    """
    return _joined_of(tokenizer).other


def most_characters(tokenizer: Any, tokens: int) -> int:
    """The most characters that so many tokens could say: what is longer need not be tokenised to be too long."""
    return tokens * _longest(tokenizer)


def reads_as(said: str, wanted: str) -> bool:
    """Whether two texts are the same; letters with accents written in one character or two are."""
    return said == wanted or unicodedata.normalize("NFC", said) == unicodedata.normalize("NFC", wanted)


def lost_words(tokenizer: Any, text: str) -> tuple[str, ...]:
    """The pieces of a text for which the tokenizer has no token, so that other words would become the same tokens."""
    unknown = getattr(tokenizer, "unk_token_id", None)
    ids = encode(tokenizer, text)
    if unknown is None or unknown not in ids:
        return ()
    try:
        spans = tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
    except (NotImplementedError, ValueError):  # a tokenizer in plain Python keeps no places
        return (text.strip(),)
    places = zip(ids, spans["offset_mapping"], strict=True)
    found = [text[begin:end] for token, (begin, end) in places if token == unknown]
    return tuple(dict.fromkeys(each.strip() or each for each in found))


def words_known(tokenizer: Any) -> str:
    """What a message adds on the words of a small tokenizer of whole words, in brackets; empty of any other."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    vocabulary = tokenizer.get_vocab()
    if type(getattr(backend, "model", None)).__name__ != "WordLevel" or len(vocabulary) > SMALL:
        return ""
    words = sorted({each.strip() for each in vocabulary if each.strip().isalpha()}, key=str.lower)
    more = f" and {len(words) - LISTED} more" if len(words) > LISTED else ""
    return f" (it knows {', '.join(words[:LISTED])}{more})" if words else ""


def _longest(tokenizer: Any) -> int:
    """Characters of the longest token's name, which has at least one for each that the token stands for."""
    try:
        found = _lengths.get(tokenizer)
        if found is None:
            found = _lengths[tokenizer] = max(map(len, tokenizer.get_vocab()))
    except TypeError:  # not hashable, or without weak references
        return max(map(len, tokenizer.get_vocab()))
    return found


def _joined_of(tokenizer: Any) -> _Joined:
    try:
        found = _joined.get(tokenizer)
    except TypeError:  # not hashable, or without weak references
        return _make_joined(tokenizer)
    if found is None:
        found = _joined[tokenizer] = _make_joined(tokenizer)
    return found


def _make_joined(tokenizer: Any) -> _Joined:
    from weakref import proxy

    own = proxy(tokenizer)  # what is kept for a tokenizer must not keep it alive

    def plainly(text: str, control: bool) -> list[int]:
        return _plainly(own, text, control)

    pieces = _Pieces(plainly, lambda ids: decode(own, ids), other=False)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        pieces = _anchored(tokenizer, own)
    else:
        rules = {name: _rules(getattr(backend, name)) for name in ("normalizer", "pre_tokenizer", "decoder")}
        changed = {name: _without_space(name, rule) for name, rule in rules.items()}
        if changed != rules:
            pieces = _changed(backend, rules, changed)
    whole = lru_cache(_TEXTS)(lambda text: tuple(text_ids(own, text)))
    alike = pieces.encode is plainly  # a piece is then tokenised as a text is, once for both
    encode_piece = lru_cache(_TEXTS)(
        lambda text, control: whole(text) if alike and not control else tuple(pieces.encode(text, control))
    )
    window = lru_cache(_WINDOWS)(pieces.decode)
    return _Joined(
        lambda text: list(whole(text)),
        lambda text, control: list(encode_piece(text, control)),
        lambda ids: window(tuple(ids)) if len(ids) <= _SHORT else pieces.decode(ids),
        pieces.other,
    )


class _Pieces(NamedTuple):
    """How pieces that go on after others are tokenised: see `_Joined`."""

    encode: Callable[[str, bool], list[int]]
    decode: Callable[[Sequence[int]], str]
    other: bool


def _changed(backend: Any, rules: dict[str, Any], changed: dict[str, Any]) -> _Pieces:
    """A tokenizer with other rules in place of its own."""
    from tokenizers import Tokenizer

    inner = Tokenizer.from_str(json.dumps(json.loads(backend.to_str()) | changed))
    inner.no_truncation()
    inner.no_padding()
    inner.encode_special_tokens = True
    outer = Tokenizer.from_str(inner.to_str())
    outer.encode_special_tokens = False

    def encoded(text: str, control: bool) -> list[int]:
        return list((outer if control else inner).encode(text, add_special_tokens=False).ids)

    spaced = any(changed[name] != rules[name] for name in ("normalizer", "pre_tokenizer"))
    return _Pieces(encoded, lambda ids: str(inner.decode(list(ids), skip_special_tokens=False)), other=spaced)


def _plainly(tokenizer: Any, text: str, control: bool) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"]) if control else text_ids(tokenizer, text)


def _rules(component: Any) -> Any:
    return None if component is None else json.loads(component.__getstate__())


def _without_space(component: str, rule: Any) -> Any:
    """A component's rules without the space that it puts before a text, or takes off there."""
    if isinstance(rule, list):
        return [_without_space(component, each) for each in rule if not _prepends(each)]
    if not isinstance(rule, dict):
        return rule
    if _prepends(rule):
        return None
    own = {key: _without_space(component, value) if isinstance(value, list) else value for key, value in rule.items()}
    changes = _NO_SPACE.get((component, str(rule.get("type"))), {})
    return own | {key: value for key, value in changes.items() if key in own}


def _prepends(rule: Any) -> bool:
    return isinstance(rule, dict) and rule.get("type") == "Prepend"


def _anchored(tokenizer: Any, own: Any) -> _Pieces:
    """A tokenizer whose rules cannot be read: pieces are tokenised after a short text, whose tokens are taken off."""
    befores = {each: text_ids(tokenizer, each) for each in _ANCHORS}

    def decoded(ids: Sequence[int]) -> str:
        for before in befores.values():
            known, said = decode(own, before), decode(own, [*before, *ids])
            if said.startswith(known):
                return said[len(known) :]
        return decode(own, ids)

    def encoded(text: str, control: bool) -> list[int]:
        alone = _plainly(own, text, control)
        if reads_as(decoded(alone), text):
            return alone
        for anchor, before in befores.items():
            both = _plainly(own, anchor + text, control)
            if both[: len(before)] == before and reads_as(decoded(both[len(before) :]), text):
                return both[len(before) :]
        return alone

    with_space = decoded(text_ids(tokenizer, "a")) != "a"
    return _Pieces(encoded, decoded, other=with_space)
