"""An example in tokens, laid out as scoring lays out a pair: question part, chain, answer cue, answer; then an EOS."""

from typing import Any

from mediate.errors import InputError, ItemError
from mediate.models.prompts import prompt_of, prompt_reads
from mediate.traces.pieces import decode_after, encode_after, lost_words, most_characters, reads_as
from mediate.tuning.arms.arm import Encoded, Said, Taught
from mediate.tuning.examples import Example
from mediate.tuning.spec import TuneSpec


def encode_example(tokenizer: Any, example: Example, spec: TuneSpec) -> Encoded:
    """The tokens of an example, as its arm lays them out; see `taught_example`."""
    return taught_example(tokenizer, example, spec).row


def taught_example(tokenizer: Any, example: Example, spec: TuneSpec) -> Taught:
    """An example with what it says in tokens, and as its arm lays them out.

    Raises:
        ItemError: The example lacks what its arm needs, or both of its completions are the same.
        InputError: The tokenizer has no EOS.
    """
    needed = spec.arm.needs(spec)
    for name in needed:
        if getattr(example, name) is None:
            reason = f"has no {name!r}, which the arm {spec.arm} needs; add it"
            raise ItemError(example.id, reason, place=example.place, code="missing_field")
    eos_id(tokenizer)
    for part in ("question", "chain", "answer"):
        lost = lost_words(tokenizer, str(getattr(example, part) or ""))
        if lost:
            reason = (
                f"the tokenizer has no token for {', '.join(map(repr, lost[:3]))} of the {part}; reword it, or skip it"
            )
            raise ItemError(example.id, reason, place=example.place, code="unknown_words")
    prompt = prompt_of(tokenizer, spec.template, example.question)
    question = prompt.ids
    if not prompt_reads(tokenizer, prompt):
        raise _unlike(example, "the question")
    ending = _ending(tokenizer, example, example.answer, spec.answer_cue)
    chain = _piece(tokenizer, example, "the chain", example.chain) if example.chain is not None else ()
    rejected: tuple[int, ...] = ()
    if "rejected" in needed:
        other = example.answer if example.rejected_answer is None else example.rejected_answer
        rejected = _piece(tokenizer, example, "the rejected chain", example.rejected or "")
        rejected += _ending(tokenizer, example, other, spec.answer_cue)
    said = Said(example.id, question, chain, ending, rejected)
    encoded = spec.arm.tokens(said, spec)
    if encoded.rejected == encoded.completion:
        reason = "the rejected chain and answer are the chain and answer; give others"
        raise ItemError(example.id, reason, place=example.place, code="no_preference")
    return Taught(example, said, encoded)


def check_characters(tokenizer: Any, example: Example, context: int) -> None:
    """Raises ItemError where a text has more characters than the tokens of a context (0: unknown) could say."""
    most = most_characters(tokenizer, context)
    for name in ("question", "chain", "answer", "rejected", "rejected_answer"):
        length = len(getattr(example, name) or "")
        if context and length > most:
            reason = (
                f"the {name} has {length} characters, and a context of {context} tokens holds at most {most}; shorten "
                "it, or skip such examples"
            )
            raise ItemError(example.id, reason, place=example.place, code="too_long")


def check_length(encoded: Encoded, example: Example, spec: TuneSpec, context: int) -> None:
    """Raises ItemError where an example is longer than the model's context (0: unknown) or than `max_length`."""
    limits = [(context, "the model's context"), (spec.max_length or 0, "max_length")]
    most, which = min((each for each in limits if each[0]), default=(0, ""))
    if most and encoded.length > most:
        reason = f"{encoded.length} tokens, and {which} is {most}; shorten the chain, or skip such examples"
        raise ItemError(example.id, reason, place=example.place, code="too_long")


def pad_id(tokenizer: Any) -> int:
    """What fills up shorter rows: the padding token, or the EOS where there is none; either way it is never learnt."""
    return eos_id(tokenizer) if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id)


def eos_id(tokenizer: Any) -> int:
    """The EOS.

    Raises:
        InputError: The tokenizer has none.
    """
    if tokenizer.eos_token_id is None:
        raise InputError(
            "the tokenizer has no EOS token, with which every answer ends and shorter rows are filled up; set its "
            "eos_token and save it again"
        )
    return int(tokenizer.eos_token_id)


def _ending(tokenizer: Any, example: Example, answer: str, cue: str) -> tuple[int, ...]:
    cued = _piece(tokenizer, example, "the cue", cue) + _piece(tokenizer, example, "the answer", " " + answer.strip())
    return (*cued, eos_id(tokenizer))


def _piece(tokenizer: Any, example: Example, what: str, text: str) -> tuple[int, ...]:
    """The tokens of a text that goes on after others, which say that text."""
    ids = tuple(encode_after(tokenizer, text))
    if not reads_as(decode_after(tokenizer, ids), text):
        raise _unlike(example, what)
    return ids


def _unlike(example: Example, what: str) -> ItemError:
    reason = f"the tokenizer's tokens of {what} say another text; reword it, or skip it"
    return ItemError(example.id, reason, place=example.place, code="not_encodable")
