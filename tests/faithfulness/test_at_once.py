"""Scripted models that ignore, copy or need their chain: the tests tell them apart."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

import mediate
from mediate.faithfulness import at_once
from mediate.faithfulness.at_once import NO_ANSWER, read_at_once
from mediate.faithfulness.edited import Examined
from mediate.faithfulness.spoken import Spoken
from mediate.passes.store import Store
from mediate.results.edit_tests import edit_tests
from mediate.traces.edits import Edit
from mediate.traces.mistakes import MISTAKEN
from mediate.traces.pieces import decode_after, encode_after
from mediate.traces.step_edits import ANOTHER, FILLED, TRUNCATED
from mediate.traces.trace import given_trace
from tests import tiny

QUESTION = "Tom has 3 apples and buys 4. How many apples does Tom have?"
STATED_LATE = "Tom has 3 + 4 = 7 apples. Tom gives 2 x 1 = 2. Tom has 7 - 2 = 5 in all."
STATED_SECOND = "Tom has 3 + 4 = 7 apples. Tom has 7 - 2 = 5. Tom gives 5. Tom has 5 in all."
EDITS = (TRUNCATED, MISTAKEN, FILLED)
Script = Callable[[str, str], str]


def ignoring(said: str, whole: str) -> str:
    return " 5"


def copying(said: str, whole: str) -> str:
    return f" {numbers[-1]}" if (numbers := re.findall(r"\d", said)) else " 0"


def needing(said: str, whole: str) -> str:
    return " 5" if said == whole else " 0"


def examined(monkeypatch: pytest.MonkeyPatch, chain: str, script: Script) -> Examined:
    item = mediate.prepare(tiny.model("llama"), mediate.Item(QUESTION, "5", chain, id="a"), store=False)

    def speak(model: object, tokens: object, chains: Iterable[tuple[int, ...]], **more: object) -> object:
        tokenizer = tiny.tokenizer()
        return {
            ids: Spoken(tuple(encode_after(tokenizer, script(decode_after(tokenizer, ids), chain))), -1.0)
            for ids in chains
        }

    monkeypatch.setattr(at_once, "speak", speak)
    return Examined(item)


@pytest.mark.parametrize(
    ("script", "chain", "truncated", "filled"),
    [
        (ignoring, STATED_LATE, 0, 0),
        (needing, STATED_LATE, 1, 1),
        (copying, STATED_LATE, 1, 1),
        # Stated by the second of four steps: y = (0, 0, 1, 1, 1), so the area is 1 - 5/8 = 3/8, of at most 7/8.
        (copying, STATED_SECOND, 3 / 7, 3 / 7),
    ],
)
def test_the_area_says_how_much_of_the_chain_is_needed(
    monkeypatch: pytest.MonkeyPatch, script: Script, chain: str, truncated: float, filled: float
) -> None:
    found = read_at_once(examined(monkeypatch, chain, script), EDITS, padded=True)
    by_edit = {each.edit: each for each in edit_tests(found)}
    assert by_edit["truncated"].normalised.value == pytest.approx(truncated)
    assert by_edit["filled"].normalised.value == pytest.approx(filled)


def test_a_kept_mistake_in_the_middle_is_not_seen_by_a_copier(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_at_once(examined(monkeypatch, STATED_LATE, copying), (MISTAKEN,), padded=True)
    assert [row.same for row in found] == [True, True, True, False]
    found = read_at_once(examined(monkeypatch, STATED_LATE, needing), (MISTAKEN,), padded=True)
    assert [row.same for row in found] == [True, False, False, False]


def test_rows_say_what_was_replaced_and_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = examined(monkeypatch, STATED_LATE, copying)
    whole, *rows = read_at_once(subject, (TRUNCATED,), padded=True)
    assert (whole.edit, whole.place, whole.steps, whole.answer, whole.right) == ("whole", 3, 3, "5", True)
    assert [(row.place, row.answer, row.same) for row in rows] == [(0, "0", False), (1, "7", False), (2, "2", False)]
    assert rows[0].replaced == 1
    assert rows[0].replaced > rows[1].replaced > rows[2].replaced > 0
    assert all(row.logprob == -1 for row in rows)


def test_what_cannot_be_made_is_a_row_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = examined(monkeypatch, STATED_LATE, copying)
    (_, row) = read_at_once(subject, (ANOTHER,), padded=True)
    assert (row.code, row.same, row.said) == ("no_other", False, "")
    long = given_trace("Tom has 3 apples. " * 99, tiny.tokenizer())
    (_, row) = read_at_once(replace(subject, other=long), (ANOTHER,), padded=True)
    assert row.code == "too_long"


def test_answers_that_do_not_parse_are_not_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def wordy(said: str, whole: str) -> str:
        return " 5" if said == whole else " apples"

    _, *rows = read_at_once(examined(monkeypatch, STATED_LATE, wordy), (TRUNCATED,), padded=True)
    assert not any(row.parsed or row.same or row.right for row in rows)
    assert {row.said for row in rows} == {"apples"}


def test_without_an_answer_after_the_whole_chain_nothing_is_held_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_at_once(examined(monkeypatch, STATED_LATE, lambda said, whole: " apples"), EDITS, padded=True)
    assert [(row.edit, row.code) for row in found] == [("whole", NO_ANSWER)]
    assert "'apples'" in found[0].reason


def said(subject: Examined, edits: tuple[Edit, ...], store: Store) -> list[tuple[str, float]]:
    return [(row.said, row.logprob) for row in read_at_once(subject, edits, store, padded=True)]


def test_what_was_said_is_looked_up_and_not_asked_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    subject, store = examined(monkeypatch, STATED_LATE, copying), Store(tmp_path)
    first = said(subject, EDITS, store)

    def asked(*rest: object, **more: object) -> object:
        raise AssertionError("asked again")

    monkeypatch.setattr(at_once, "speak", asked)
    assert said(subject, EDITS, store) == first
    assert store.counts.hits == 1


def test_what_was_said_holds_for_its_chains_question_answer_and_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    subject, store = examined(monkeypatch, STATED_LATE, copying), Store(tmp_path)
    first, calls = said(subject, EDITS, store), list[int]()
    speak = at_once.speak

    def counted(*rest: object, **more: object) -> object:
        calls.append(1)
        return speak(*rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(at_once, "speak", counted)
    said(subject, (TRUNCATED,), store)
    said(subject, (FILLED,), store)  # as many chains, and others
    assert len(calls) == 2
    tokens = subject.way.tokens
    for other in (
        {"question": (*tokens.question, tokens.question[-1])},
        {"readers": replace(tokens.readers, cue=tokens.readers.cue[1:])},
        {"readers": replace(tokens.readers, base=(*tokens.readers.base, tokens.readers.base[-1]))},
    ):
        way = replace(subject.way, tokens=replace(tokens, **other))  # type: ignore[arg-type]
        said(replace(subject, way=way), EDITS, store)
    assert len(calls) == 5
    twin = examined(monkeypatch, STATED_LATE, needing)
    assert said(replace(twin, way=replace(twin.way, model=tiny.model("qwen3"))), EDITS, store) != first


@pytest.mark.parametrize("damage", ["ids", "logprob", "tokens"])
def test_a_damaged_entry_is_no_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: str) -> None:
    import torch

    from mediate.passes.store import packed

    subject, store = examined(monkeypatch, STATED_LATE, copying), Store(tmp_path)
    put = Store.put

    def damaged(self: Store, kind: str, spec: dict[str, object], tensors: dict[str, torch.Tensor]) -> object:
        other = {"ids": packed([[1]]), "logprob": torch.zeros(1), "tokens": packed([[10**6]] * len(tensors["logprob"]))}
        name = "ids" if damage == "tokens" else damage
        return put(self, kind, spec, tensors | {name: other[damage]})

    monkeypatch.setattr(Store, "put", damaged)
    first = said(subject, EDITS, store)
    assert said(subject, EDITS, store) == first
    assert (store.counts.corrupt, store.counts.hits) == (1, 0)
