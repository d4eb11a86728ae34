"""The first tokens of self-written chains (unsupervised prefix fine-tuning, UPFT, arXiv 2503.02875).

The first examples are the question with an instruction that asks for the initial step alone, and the first tokens of
the chain, after which nothing is learnt: no end. The others are whole, so that the model still comes to an end.
Chains that the data lack, and the answers after them, the model writes itself; whether they are right is not asked.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mediate.errors import InputError, ItemError
from mediate.tuning.arms.arm import Arm, Arranged, Chosen, Encoded, Ids, Side, Taught
from mediate.tuning.arms.supervised import chain_and_answer, supervised

# The authors', behind the question and a space.
INSTRUCTION = (
    "Please provide the initial step towards resolving the question. This step may serve as a foundation but might not "
    "encompass the entire solution."
)


def _nothing(chosen: Chosen) -> tuple[str, ...]:
    return ()


def _arrange(side: Side, chosen: Chosen) -> Arranged:
    count = round(chosen.prefix_share * len(side.taught))
    first, rest = side.taught[:count], side.taught[count:]
    own = _written(side, [_lacking(first, chosen), _lacking(rest, chosen)], chosen)
    taught: list[Taught] = []
    left_out: list[ItemError] = []
    for number, given in enumerate(side.taught):
        each = own.get(given.example.id, given)
        if isinstance(each, ItemError):
            left_out.append(each)
        elif number < count:
            taught.append(_prefix(each, side.student.tokenizer, chosen))
        else:
            about = {**each.about, "part": "whole"}
            taught.append(replace(each, row=chain_and_answer(each.said, chosen), about=about))
    lengths = [len(each.said.chain) for each in taught if each.about["part"] == "prefix"]
    if lengths and max(lengths) < chosen.prefix_tokens:
        raise InputError(
            f"prefix_tokens is {chosen.prefix_tokens}, and the longest chain has {max(lengths)} tokens; take fewer"
        )
    counts = {
        "prefix": len(lengths),
        "whole": len(taught) - len(lengths),
        "shorter_than_prefix": sum(length < chosen.prefix_tokens for length in lengths),
        "own_chains": sum(isinstance(each, Taught) for each in own.values()),
    }
    return Arranged(taught, counts, left_out)


def _lacking(taught: Sequence[Taught], chosen: Chosen) -> list[Taught]:
    """Those whose chain the model writes."""
    return [each for each in taught if chosen.own_chains or not each.said.chain]


def _prefix(each: Taught, tokenizer: Any, chosen: Chosen) -> Taught:
    begin = each.said.chain[: chosen.prefix_tokens]
    row = Encoded(each.example.id, _asked(tokenizer, each.example.question, chosen), begin)
    return replace(each, row=row, about={**each.about, "part": "prefix", "tokens": len(begin)})


def _asked(tokenizer: Any, question: str, chosen: Chosen) -> Ids:
    """The question with the instruction behind it, in tokens."""
    from mediate.models.prompts import prompt_of
    from mediate.traces.pieces import lost_words

    lost = lost_words(tokenizer, chosen.instruction)
    if lost:
        raise InputError(
            f"the tokenizer has no token for {', '.join(map(repr, lost[:3]))} of the instruction; give another, or an "
            "empty one (instruction='', --instruction '') to ask nothing beside the question"
        )
    return prompt_of(tokenizer, chosen.template, f"{question} {chosen.instruction}".rstrip()).ids


def _written(side: Side, lacking: Sequence[Sequence[Taught]], chosen: Chosen) -> dict[str, Taught | ItemError]:
    """The examples with chains that the model wrote, by id, or what went wrong.

    Of the first of the two lots no more is written than tells whether the prefix is all of the chain; of the other the
    whole chain and the answer after it.
    """
    if not any(lacking):
        return {}
    from mediate.models.generation import Decoding, generate
    from mediate.models.prompts import ANSWER_TOKENS
    from mediate.traces.pieces import encode_after
    from mediate.tuning.student import chain_room, ended, own_chains

    model, tokenizer, progress = side.student.hooked(), side.student.tokenizer, side.student.progress
    cue = tuple(encode_after(tokenizer, chosen.answer_cue))
    room = min(chain_room(model.facts.context, each.said.question, cue) for lot in lacking for each in lot)
    if room < 1:
        raise InputError(f"a question leaves no room for a chain in the context of {model.facts.context}; shorten it")
    longest = min(chosen.max_new_tokens, room)
    found: dict[str, Taught | ItemError] = {}
    for lot, most in zip(lacking, (min(longest, chosen.prefix_tokens + len(cue)), longest), strict=True):
        prompts = [each.said.question for each in lot]
        decoding = Decoding(most, temperature=chosen.temperature, seed=chosen.seed)
        chains = own_chains(model, prompts, chosen.answer_cue, decoding, progress=progress) if lot else []
        for each, chain in zip(lot, chains, strict=True):
            said, told = replace(each.said, chain=chain.ids), replace(each.example, chain=chain.text or None)
            found[told.id] = Taught(told, said, each.row, {"chain": "own"})
            if not chain.text.strip():
                found[told.id] = _failed(each, "wrote no chain", "no_cot")
            elif lot is lacking[1] and not ended(chain):
                found[told.id] = _failed(each, f"did not end its chain within {most} tokens", "endless_cot")
    whole = [each for each in (found[one.example.id] for one in lacking[1]) if isinstance(each, Taught)]
    contexts = [(*each.said.question, *each.said.chain, *cue) for each in whole]
    answers = generate(model, contexts, Decoding(ANSWER_TOKENS, ("\n",)), progress=progress) if whole else []
    for each, answer in zip(whole, answers, strict=True):
        if answer.text.strip() and ended(answer):
            said = replace(each.said, ending=(*cue, *answer.ids, tokenizer.eos_token_id))
            found[said.id] = replace(each, said=said, example=replace(each.example, answer=answer.text.strip()))
        else:
            found[each.example.id] = _failed(each, "wrote no answer after its chain, or did not end it", "no_answer")
    return found


def _failed(each: Taught, what: str, code: str) -> ItemError:
    reason = f"the model {what}; give it a chain, or skip such examples"
    return ItemError(each.example.id, reason, place=each.example.place, code=code, written=True)


PREFIX = Arm(
    name="prefix",
    help="The first tokens of self-written chains, without an end, and some whole ones; an adapter unless --full.",
    rates=(2e-6, 2e-4),  # the authors', and that of lora
    needs=_nothing,
    tokens=chain_and_answer,
    trainer=supervised,
    own=("prefix_tokens", "prefix_share", "instruction", "own_chains", "temperature"),
    arrange=_arrange,
)
