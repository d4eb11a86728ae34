"""Edited chains continued: the model writes on from the edit, up to where it would answer, and then answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mediate.faithfulness.edited import EditedChain, Examined, answered, edited_chains
from mediate.mediation.item import cue_tokens
from mediate.models.decoding import Decoding
from mediate.models.generation import End, Written
from mediate.models.model import Model
from mediate.passes.store import Store
from mediate.results.behaviour import Behaved, ReadAs
from mediate.scoring.chains import ANSWER_TOKENS, answers, write
from mediate.scoring.spec import ScoreSpec
from mediate.traces.edits import Edit
from mediate.traces.pieces import decode_after
from mediate.traces.trace import written_trace

# Prompts with about as much room are written after together: it is rounded up to so many tokens.
ROOM = 16
# A model may write so many times the tokens of the chain as it is, and so many besides; what is longer never ends.
TIMES, BESIDES = 2, 32


@dataclass(frozen=True, slots=True)
class WentOn:
    """What a model wrote on from a beginning of a chain.

    Args:
        written: What it wrote; None where there was no room.
        said: What it then said after the cue; empty where what it wrote has no end.
    """

    written: Written | None
    said: str

    @property
    def ended(self) -> bool:
        """Whether what it wrote has an end."""
        return self.written is not None and self.written.end is not End.LENGTH


def read_continued(
    model: Model,
    subjects: Sequence[tuple[Examined, str]],
    edits: Sequence[Edit],
    spec: ScoreSpec,
    store: Store | None,
    *,
    progress: bool,
) -> list[Behaved]:
    """What the model answers once it has written on from each edit of each item that can be continued.

    Writing that never comes to an end has no answer: it does not parse.

    Args:
        model: The hooked model.
        subjects: The items, each with the answer after its chain as it is.
        edits: The edits.
        spec: The choices of the run, which say how chains are written.
        store: Where what is written is looked up and kept.
        progress: Whether to show bars.
    """
    known = {subject.way.id: (subject, own) for subject, own in subjects}
    found = [each for subject, _ in subjects for each in edited_chains(subject, edits, ReadAs.CONTINUED)]
    asked = [each for each in found if isinstance(each, EditedChain)]
    prompts = [_prompt(known[each.row.item][0], each) for each in asked]
    of = {prompt: known[each.row.item][0] for each, prompt in zip(asked, prompts, strict=True)}
    went = write_on(model, of, spec, spec.decoding(), store, progress=progress)
    told = {
        _key(each.row): _row(model, each, known[each.row.item], went[prompt])
        for each, prompt in zip(asked, prompts, strict=True)
    }
    return [told[_key(each.row)] if isinstance(each, EditedChain) else each for each in found]


def write_on(
    model: Model,
    prompts: Mapping[tuple[int, ...], Examined],
    spec: ScoreSpec,
    decoding: Decoding,
    store: Store | None,
    *,
    progress: bool,
) -> dict[tuple[int, ...], WentOn]:
    """What the model writes after each beginning of a chain, and what it then greedily answers.

    Args:
        model: The hooked model.
        prompts: The tokens of a question and what stands of its chain, with the item.
        spec: The choices of the run.
        decoding: How it writes; it may write as many tokens as that says, and fewer after a short chain.
        store: Where what is written is looked up and kept.
        progress: Whether to show bars.
    """
    written = _written(model, prompts, spec, decoding, store, progress=progress)
    ended = {
        prompt: (*prompt, *_without_space(model, text, spec), *_cue(prompts[prompt], spec))
        for prompt, text in written.items()
        if text.end is not End.LENGTH
    }
    said = answers(model, [*ended.values()], spec.seed, store, progress=progress)
    return {prompt: WentOn(written.get(prompt), said.get(ended.get(prompt, ()), "")) for prompt in prompts}


def _key(row: Behaved) -> tuple[str, str, int]:
    return row.item, row.edit, row.place


def _prompt(subject: Examined, asked: EditedChain) -> tuple[int, ...]:
    return (*subject.way.tokens.question, *asked.edited.ids[: asked.edited.stop])


def _cue(subject: Examined, spec: ScoreSpec) -> list[int]:
    return cue_tokens(subject.chain.tokenizer, subject.item, spec.answer_cue)


def _written(
    model: Model,
    prompts: Mapping[tuple[int, ...], Examined],
    spec: ScoreSpec,
    decoding: Decoding,
    store: Store | None,
    *,
    progress: bool,
) -> dict[tuple[int, ...], Written]:
    """What is written after each prompt that leaves room for anything, and for an answer."""
    by_room: dict[int, list[tuple[int, ...]]] = {}
    for prompt, subject in prompts.items():
        by_room.setdefault(_room(model, prompt, subject, spec, decoding), []).append(prompt)
    found: dict[tuple[int, ...], Written] = {}
    for room, wanted in by_room.items():
        if room > 0:
            found |= write(model, wanted, replace(decoding, max_new_tokens=room), store, progress=progress)
    return found


def _room(model: Model, prompt: tuple[int, ...], subject: Examined, spec: ScoreSpec, decoding: Decoding) -> int:
    """How many tokens a model may write after a prompt."""
    wanted = TIMES * len(subject.chain.trace.ids) + BESIDES
    room = min(decoding.max_new_tokens, -(-wanted // ROOM) * ROOM)
    left = model.facts.context - len(prompt) - len(_cue(subject, spec)) - ANSWER_TOKENS if model.facts.context else room
    return min(room, left)


def _without_space(model: Model, written: Written, spec: ScoreSpec) -> list[int]:
    """What was written without white space at its end, where the cue brings its own."""
    ids, tokenizer = list(written.ids), model.need_tokenizer()
    while spec.answer_cue[:1].isspace() and ids and not written_trace(ids, tokenizer).tokens[-1].strip():
        ids.pop()
    return ids


def _row(model: Model, asked: EditedChain, of: tuple[Examined, str], went: WentOn) -> Behaved:
    subject, own = of
    text = decode_after(model.need_tokenizer(), went.written.ids) if went.written is not None else ""
    return replace(answered(asked.row, went.said, subject, own), written=text)
