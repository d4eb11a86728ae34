"""Edited chains continued: the model writes on from the edit, up to where it would answer, and then answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mediate.faithfulness.edited import EditedChain, Examined, answered, edited_chains
from mediate.mediation.item import cue_tokens
from mediate.models.decoding import Decoding
from mediate.models.generation import End, Written
from mediate.models.model import Model
from mediate.passes.store import Store
from mediate.results.behaviour import Behaved, ReadAs
from mediate.scoring.chains import ANSWER_TOKENS, answers
from mediate.scoring.spec import ScoreSpec
from mediate.scoring.writing import write_each
from mediate.traces.edits import Edit
from mediate.traces.pieces import decode_after
from mediate.traces.trace import written_trace

# Room is counted in steps of so many tokens.
ROOM = 16
# A model may write so many times the tokens of the chain as it is, and so many besides; what is longer never ends.
TIMES, BESIDES = 2, 32


@dataclass(frozen=True, slots=True)
class Begun:
    """A beginning of a chain that is written on from.

    Args:
        subject: The item.
        prompt: The tokens of its question, and of what stands of its chain.
        decoding: How it is written on from: with as many tokens as that says, and fewer after a short chain.
    """

    subject: Examined
    prompt: tuple[int, ...]
    decoding: Decoding


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
    begun = [_begun(known[each.row.item][0], each, spec.decoding()) for each in asked]
    went = write_on(model, begun, spec, store, progress=progress)
    told = {
        _key(each.row): _row(model, each, known[each.row.item], text) for each, text in zip(asked, went, strict=True)
    }
    return [told[_key(each.row)] if isinstance(each, EditedChain) else each for each in found]


def write_on(
    model: Model, begun: Sequence[Begun], spec: ScoreSpec, store: Store | None, *, progress: bool
) -> list[WentOn]:
    """What the model writes after each beginning of a chain, and what it then greedily answers.

    Args:
        model: The hooked model.
        begun: The beginnings; all of them are written on from side by side.
        spec: The choices of the run.
        store: Where what is written is looked up and kept.
        progress: Whether to show bars.
    """
    rooms = [_room(model, each, spec) for each in begun]
    asked = [
        (each.prompt, replace(each.decoding, max_new_tokens=room)) if room > 0 else None
        for each, room in zip(begun, rooms, strict=True)
    ]
    found = write_each(model, [each for each in asked if each is not None], store, progress=progress)
    written = [found[each] if each is not None else None for each in asked]
    ended = [
        (*each.prompt, *_without_space(model, text, spec), *_cue(each.subject, spec))
        if text is not None and text.end is not End.LENGTH
        else ()
        for each, text in zip(begun, written, strict=True)
    ]
    said = answers(model, [each for each in ended if each], spec.seed, store, progress=progress)
    return [WentOn(text, said.get(context, "")) for text, context in zip(written, ended, strict=True)]


def _key(row: Behaved) -> tuple[str, str, int]:
    return row.item, row.edit, row.place


def _begun(subject: Examined, asked: EditedChain, decoding: Decoding) -> Begun:
    prompt = (*subject.way.tokens.question, *asked.edited.ids[: asked.edited.stop])
    return Begun(subject, prompt, decoding)


def _cue(subject: Examined, spec: ScoreSpec) -> list[int]:
    return cue_tokens(subject.chain.tokenizer, subject.item, spec.answer_cue)


def _room(model: Model, begun: Begun, spec: ScoreSpec) -> int:
    """How many tokens a model may write after a beginning; room is left for an answer."""
    wanted = TIMES * len(begun.subject.chain.trace.ids) + BESIDES
    room = min(begun.decoding.max_new_tokens, -(-wanted // ROOM) * ROOM)
    context, cue = model.facts.context, _cue(begun.subject, spec)
    return min(room, context - len(begun.prompt) - len(cue) - ANSWER_TOKENS) if context else room


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
