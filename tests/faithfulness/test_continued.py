"""Edited chains continued: what is prompted, how much may be written, and writing that never ends."""

import pytest

import mediate as md
from mediate.faithfulness import continued
from mediate.faithfulness.continued import read_continued
from mediate.faithfulness.edited import subjects_of
from mediate.models.decoding import Decoding
from mediate.models.generation import End, Written
from mediate.scoring.spec import ScoreSpec
from mediate.traces.mistakes import MISTAKEN
from mediate.traces.pieces import encode_after
from mediate.traces.step_edits import ANOTHER, FILLED, TRUNCATED
from tests import tiny

QUESTION = "Tom has 3 apples and buys 4. How many apples does Tom have?"
CHAIN = "Tom has 3 + 4 = 7 apples. Tom has 7 - 2 = 5 in all."


def test_the_model_writes_on_from_each_edit_and_then_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.model("llama")
    item = md.prepare(model, md.Item(QUESTION, "5", CHAIN, id="a"), store=False)
    asked, rooms = list[tuple[int, ...]](), set[int]()

    def write_each(
        model: object, begun: list[tuple[tuple[int, ...], Decoding]], store: object, *, progress: bool
    ) -> object:
        asked.extend(prompt for prompt, _ in begun)
        rooms.update(decoding.max_new_tokens for _, decoding in begun)
        ids = tuple(encode_after(tiny.tokenizer(), " Tom has 5.\n"))
        ends = [End.LENGTH, *[End.STOP] * len(begun)]
        return {each: Written(ids, "", end) for each, end in zip(begun, ends, strict=False)}

    def answers(model: object, contexts: list[tuple[int, ...]], *_: object, **__: object) -> object:
        cue = encode_after(tiny.tokenizer(), ScoreSpec().answer_cue)
        assert all(list(each[-len(cue) :]) == cue for each in contexts)
        assert all(tiny.tokenizer().decode(each[: -len(cue)]).endswith("Tom has 5.") for each in contexts)
        return dict.fromkeys(contexts, "5")

    monkeypatch.setattr(continued, "write_each", write_each)
    monkeypatch.setattr(continued, "answers", answers)
    (subject,) = subjects_of([item], 0)
    edits = (TRUNCATED, FILLED, MISTAKEN, ANOTHER)
    rows = read_continued(model, [(subject, "5")], edits, ScoreSpec(), None, progress=False)
    assert [(row.edit, row.place) for row in rows] == [(e, p) for e in ("truncated", "mistaken") for p in (0, 1)]
    question, (_, (second, _)) = item.tokens.question, subject.chain.spans
    wrong = MISTAKEN.of(subject.chain, 0).ids
    assert asked[:2] == [question, question + subject.chain.trace.ids[:second]]
    assert asked[2] == question + wrong[:second]
    # The first never ended: it has no answer, which counts as changed.
    assert [row.same for row in rows] == [False, True, True, True]
    assert not rows[0].parsed
    assert all(row.written == " Tom has 5.\n" for row in rows)
    assert rooms == {min(256, 16 * -(-(2 * len(subject.chain.trace.ids) + 32) // 16))}
