"""Choices that were left open, settled once model and pairs are there: a manifest holds what was really done."""

from collections.abc import Callable, Sequence

from mediate.errors import InputError, ItemError
from mediate.mediation.encoding import encode_question
from mediate.mediation.said import check_characters
from mediate.models.known import known_template
from mediate.models.model import Model
from mediate.models.prompts import CHAT, FEW_SHOT_STOP, HOLE, NONE, Style, Template, few_shot, parse_template
from mediate.models.vocabulary import named_control
from mediate.pairs.pair import Item, Pair, named_items
from mediate.scoring.chains import ANSWER_TOKENS
from mediate.scoring.spec import MOST_NEW_TOKENS, ScoreSpec
from mediate.scoring.worked_examples import is_few_shot
from mediate.traces.pieces import encode_after, lost_words


def settled(
    model: Model, pairs: Sequence[Pair] | Sequence[Item], spec: ScoreSpec, say: Callable[[str], object]
) -> ScoreSpec:
    """The choices of a run with none left open.

    Where all chains are given, the template is `none`, or `chat` where they come from a log of one. With chains of
    another run, it is that run's. Where the model must write, it is what is known to suit it, else `chat` where its
    tokenizer has a chat template, else `few-shot`.

    Args:
        model: The hooked model, which writes the chains that are missing.
        pairs: What is to be measured.
        spec: The choices as they were made.
        say: Takes a line on each choice that was settled.

    Raises:
        ItemError: The first pair after whose question the context has no room for `max_new_tokens`.
    """
    _tell_control(model, pairs, say)
    asked = [(given, item) for given in pairs for _, item in named_items(given) if item.cot is None]
    writes = bool(asked) and spec.chains is None
    changes: dict[str, object] = {}
    if spec.template.style is Style.AUTO:
        items = [item for each in pairs for _, item in named_items(each)]
        logged = any(item.chat or item.system is not None or item.closed for item in items)
        template, why = _template(model, spec, writes, logged)
        changes["template"] = template
        if why:
            say(f"template: {template.name} ({why})")
    else:
        template = spec.template
    if writes and is_few_shot(template) and not spec.stop:
        changes["stop"] = FEW_SHOT_STOP
    room = _room(model, asked, template, spec, say) if writes else MOST_NEW_TOKENS
    if spec.max_new_tokens is None:
        changes["max_new_tokens"] = room
    return spec.model_copy(update=changes)


def _tell_control(model: Model, pairs: Sequence[Pair] | Sequence[Item], say: Callable[[str], object]) -> None:
    """Says how many pairs or items spell control tokens, which somebody may have meant to be read as such."""
    texts = (
        "\0".join(text for _, item in named_items(each) for text in (item.question, item.cot or "", item.answer))
        for each in pairs
    )
    count, name = named_control(model.need_tokenizer(), texts)
    if count:
        say(f"control tokens: {count} of {len(pairs)} spell one, such as {name!r}; it is read as text")


def _template(model: Model, spec: ScoreSpec, writes: bool, logged: bool) -> tuple[Template, str]:
    """The template that suits a run, and why; where all chains are given that goes without saying."""
    if spec.chains is not None:
        if spec.chains.template is None:
            return NONE, f"how run {spec.chains.run} put its questions is not known"
        return spec.chains.template, f"as in run {spec.chains.run}, whose chains are read"
    if not writes and logged and getattr(model.need_tokenizer(), "chat_template", None):
        return CHAT, "the chains come from a chat"
    if not writes:
        return NONE, ""
    tokenizer, known = model.need_tokenizer(), known_template(model.facts.name)
    if known is not None:
        return parse_template(known), f"the model must write chains, and {model.facts.name} writes them best after this"
    if getattr(tokenizer, "chat_template", None):
        return CHAT, "the model must write chains, and its tokenizer has a chat template"
    if lost_words(tokenizer, few_shot().text.replace(HOLE, "")):
        return NONE, "the model must write chains, and has neither a chat template nor the words of worked examples"
    return few_shot(), "the model must write chains, and its tokenizer has no chat template"


def _room(
    model: Model,
    asked: Sequence[tuple[Pair | Item, Item]],
    template: Template,
    spec: ScoreSpec,
    say: Callable[[str], object],
) -> int:
    """The most tokens that every chain can have, the answer after it included in the context."""
    context = model.facts.context
    if not context:
        return MOST_NEW_TOKENS
    after = len(encode_after(model.need_tokenizer(), spec.answer_cue)) + ANSWER_TOKENS
    left = MOST_NEW_TOKENS
    tightest = ""
    for pair, item in asked:
        try:
            check_characters(model.need_tokenizer(), pair, context)
            taken = len(encode_question(model, template, item.question))
        except InputError:  # said with the item's place, or of the template, when all is put into tokens
            continue
        if spec.max_new_tokens is not None and taken < context < taken + spec.max_new_tokens:
            reason = (
                f"its prompt takes {taken} tokens, and --max-new-tokens {spec.max_new_tokens} more do not fit the "
                f"context of {model.facts.name!r}, {context}; give at most {context - taken}, or leave it out"
            )
            raise ItemError(pair.id, reason, place=pair.place, code="too_long")
        if 0 < context - taken - after < left:  # where there is no room at all, the item itself is refused
            left, tightest = context - taken - after, pair.id
    if spec.max_new_tokens is None and left < MOST_NEW_TOKENS:
        say(f"longest chain: {left} tokens, which is what the context of {context} leaves after item {tightest!r}")
    return left
