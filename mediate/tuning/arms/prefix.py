"""The first tokens of self-written chains (unsupervised prefix fine-tuning, UPFT, arXiv 2503.02875).

The first examples are the question with an instruction that asks for the initial step alone, and the first tokens of
the chain, after which nothing is learnt: no end. The others are whole, so that the model still comes to an end.
Chains that the data lack, and the answers after them, the model writes itself; whether they are right is not asked.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mediate.errors import InputError, ItemError
from mediate.tuning.arms.arm import Arm, Arranged, Chosen, Encoded, Ids, Said, Side, Taught
from mediate.tuning.arms.supervised import chain_and_answer, supervised

# The authors', behind the question and a space.
INSTRUCTION = (
    "Please provide the initial step towards resolving the question. This step may serve as a foundation but might not "
    "encompass the entire solution."
)


def _nothing(chosen: Chosen) -> tuple[str, ...]:
    return ()


def _arrange(side: Side, chosen: Chosen) -> Arranged:
    left_out: list[ItemError] = []
    lacking = [each for each in side.taught if chosen.own_chains or not each.said.chain]
    own = _written(side, lacking, chosen) if lacking else {}
    prefixes = round(chosen.prefix_share * len(side.taught))
    taught: list[Taught] = []
    lengths: list[int] = []
    for number, given in enumerate(side.taught):
        each = own.get(given.example.id, given)
        try:
            if isinstance(each, ItemError):
                raise each
            if number >= prefixes:
                taught.append(_whole(each, chosen))
                continue
            taught.append(_prefix(each, side.student.tokenizer, chosen))
            lengths.append(len(each.said.chain))
        except ItemError as error:
            left_out.append(error)
    if lengths and max(lengths) < chosen.prefix_tokens:
        raise InputError(
            f"prefix_tokens is {chosen.prefix_tokens}, and the longest chain has {max(lengths)} tokens; take fewer"
        )
    counts = {
        "prefix": len(lengths),
        "whole": len(taught) - len(lengths),
        "shorter_than_prefix": sum(length < chosen.prefix_tokens for length in lengths),
        "own_chains": len(own),
    }
    return Arranged(taught, counts, left_out)


def _whole(each: Taught, chosen: Chosen) -> Taught:
    if each.about.get("endless"):
        reason = "the model did not end its chain, which is learnt whole; allow more tokens, or skip such examples"
        raise ItemError(each.example.id, reason, place=each.example.place, code="endless_cot", written=True)
    return replace(each, row=chain_and_answer(each.said, chosen), about={**each.about, "part": "whole"})


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


def _written(side: Side, lacking: Sequence[Taught], chosen: Chosen) -> dict[str, Taught | ItemError]:
    """The examples with chains that the model wrote and the answers that it gives after them, or what went wrong."""
    from mediate.models.decoding import Decoding
    from mediate.models.generation import generate
    from mediate.models.prompts import ANSWER_TOKENS
    from mediate.traces.pieces import encode_after
    from mediate.tuning.student import chain_room, ended, own_chains

    model, tokenizer = side.student.hooked(), side.student.tokenizer
    cue = tuple(encode_after(tokenizer, chosen.answer_cue))
    prompts = [each.said.question for each in lacking]
    room = min(chain_room(model.facts.context, prompt, cue) for prompt in prompts)
    if room < 1:
        raise InputError(f"a question leaves no room for a chain in the context of {model.facts.context}; shorten it")
    most = min(chosen.max_new_tokens, room)
    decoding = Decoding(most, temperature=chosen.temperature, seed=chosen.seed)
    chains = own_chains(model, prompts, chosen.answer_cue, decoding, progress=side.student.progress)
    contexts = [(*prompt, *chain.ids, *cue) for prompt, chain in zip(prompts, chains, strict=True)]
    answers = generate(model, contexts, Decoding(ANSWER_TOKENS, ("\n",)), progress=side.student.progress)
    found: dict[str, Taught | ItemError] = {}
    for each, chain, answer in zip(lacking, chains, answers, strict=True):
        example = each.example
        if not chain.text.strip():
            reason = "the model wrote no chain; give one, or skip such examples"
            found[example.id] = ItemError(example.id, reason, place=example.place, code="no_cot", written=True)
        elif not answer.text.strip():
            reason = "the model wrote no answer after its chain; give a chain, or skip such examples"
            found[example.id] = ItemError(example.id, reason, place=example.place, code="no_answer", written=True)
        else:
            told = replace(example, chain=chain.text, answer=answer.text.strip())
            said = Said(example.id, each.said.question, chain.ids, (*cue, *answer.ids, tokenizer.eos_token_id))
            about = {"chain": "own"} if ended(chain) else {"chain": "own", "endless": True}
            found[example.id] = Taught(told, said, each.row, about)
    return found


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
