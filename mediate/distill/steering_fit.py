"""Fitting a steering vector: how a chain's state differs where it goes on from where it looks back or changes course.

SEAL (arXiv 2504.07986): a thought's representation is the residual stream, as it leaves one block, at the token that
opens it; the vector is `mean(execution) - mean(reflection and transition)`, each thought counted once. It is not
`execution - reflection - transition`, in which one mean is subtracted for each kind and the sum is not a difference.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mediate.clock import stage
from mediate.distill.steering_spec import SteerSpec
from mediate.errors import InputError
from mediate.mediation.batching import of_like_length
from mediate.mediation.prepared_item import PreparedItem
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.models.steering_vector import SteeringVector, check_layer
from mediate.pairs.item import Item
from mediate.pairs.pair import Pair
from mediate.passes.forward import forward
from mediate.scoring.given import as_measured, check_set, fitting
from mediate.scoring.items import ITEMS
from mediate.scoring.preparing import prepare
from mediate.scoring.score import Call
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec
from mediate.traces.pieces import decode_after
from mediate.traces.thoughts import KindOf, ThoughtKind
from mediate.watch import tell, work

FORMULA = "mean(execution) - mean(reflection and transition)"
# The fewest thoughts on either side of the difference.
LEAST = 8
# Tokens that are run side by side, padding included.
TOKENS = 2048


@dataclass(frozen=True, slots=True)
class OpenedThought:
    """A thought of a chain.

    Args:
        place: The position of the token that opens it, in the whole sequence.
        text: What it says.
        kind: What it does.
    """

    place: int
    text: str
    kind: ThoughtKind


@stage("fitting a steering vector")
def fit_steering(
    model: Model,
    given: Sequence[Pair] | Sequence[Item],
    layer: int,
    specs: tuple[SteerSpec, ScoreSpec],
    call: Call,
    kind: KindOf | None = None,
) -> SteeringVector:
    """`mediate.fit_steering`, which says what each argument is.

    Args:
        model: The hooked model, unsteered.
        given: Items with chains, or pairs, of which the base is taken.
        layer: The block at whose end the stream is read, and later steered.
        specs: The choices, from `make_steer_specs`.
        call: How it is made.
        kind: The kind of a thought, by its text; by the words of `thoughts` without.

    Raises:
        InputError: No such layer, no token that opens a thought, or too few thoughts.
        ItemError: Unless bad items are skipped, the first that cannot be taken.
    """
    spec, scoring = specs
    unread, progress, store = call.get("unread", ()), call.get("progress", False), call.get("store")
    say = tell if progress else str
    if model.steering is not None:
        raise InputError(f"model {model.facts.name!r} is steered already; fit on its base")
    check_layer(layer, model.facts)
    opening = opening_tokens(model, spec.rules.opens)
    check_set(given, unread, scoring)
    items = as_measured(given, "hidden", str)
    scoring = scoring.model_copy(update={"maps": (), "replacements": (), "control_pairs": 0})
    scoring = settled(model, items, fitting(items, scoring), say)
    items = [each for each in items if isinstance(each, Item)]
    prepared, left_out = prepare(ITEMS, model, items, scoring, store, unread=unread, progress=progress)
    chains = [thoughts_of(item, frozenset(opening), spec.rules.opens, kind or spec.rules.kind) for item in prepared]
    counts = Counter(thought.kind for chain in chains for thought in chain)
    split = sum(unopened(item, frozenset(opening), spec.rules.opens) for item in prepared)
    check_counts(counts, spec.rules.opens, split)
    if split:
        say(f"{spec.rules.opens!r} stands in the chains {split} times in several tokens, which open nothing")
    streams: dict[int, Float[Tensor, "thought d_model"]] = {}
    with work(len(chains), "reading thoughts", "chain", shown=progress) as done:
        for batch in of_like_length({at: len(item.tokens.whole) for at, item in enumerate(prepared)}, TOKENS):
            read = _streams(model, layer, [prepared[each] for each in batch], [chains[each] for each in batch])
            streams |= zip(batch, read, strict=True)
            done(len(batch))
    executing = [
        torch.from_numpy(np.array([each.kind is ThoughtKind.EXECUTION for each in chain], dtype=bool))
        for chain in chains
    ]
    direction, facts = difference([streams[number] for number in range(len(chains))], executing, scoring.seed)
    told = {
        "formula": FORMULA,
        "site": str(Component.RESID_POST),
        "thoughts": spec.rules.name if kind is None else str(getattr(kind, "__name__", type(kind).__name__)),
        "opens": spec.rules.opens,
        "counts": {str(each): counts[each] for each in ThoughtKind},
        "chains": {
            "read": len(prepared),
            "written_by_the_model": sum(item.tokens.trace.written for item in prepared),
            "left_out": len(left_out),
            "openings_of_several_tokens": split,
        },
        **facts,
    }
    own = {name: getattr(model.facts, name) for name in ("name", "fingerprint", "tokenizer", "dtype")}
    return SteeringVector(direction, layer, torch.from_numpy(np.array(opening, dtype=np.int64)), own, told)


def opening_tokens(model: Model, opens: str) -> tuple[int, ...]:
    """The ids of the tokens that hold the text that opens a thought, ascending.

    Raises:
        InputError: No token does.
    """
    tokenizer = model.need_tokenizer()
    there = sorted({number for number in tokenizer.get_vocab().values() if number < model.facts.d_vocab})
    found = tuple(number for number in there if opens in decode_after(tokenizer, [number]))
    if not found:
        raise InputError(
            f"no token of {model.facts.name!r} holds {opens!r}, which is to open a thought; name another text with "
            "'opens'"
        )
    return found


def thoughts_of(item: PreparedItem, opening: frozenset[int], opens: str, kind: KindOf) -> tuple[OpenedThought, ...]:
    """The thoughts of an item's chain: what lies between two opening tokens, or behind the last.

    The prompt's last token may open the first; what stands before the first opening is none, for nothing opens it.

    Raises:
        InputError: A kind that is none of the three.
    """
    ids, start = item.tokens.whole, len(item.tokens.question)
    tokenizer = item.model.need_tokenizer()
    places = [place for place in range(max(0, start - 1), len(ids)) if ids[place] in opening]
    found = []
    for place, end in pairwise([*places, len(ids)]):
        # A token may hold more than what opens: the end of a sentence before it, or the beginning of the next.
        begins = decode_after(tokenizer, ids[place : place + 1]).rpartition(opens)[2]
        ends = decode_after(tokenizer, ids[end : end + 1]).partition(opens)[0] if end < len(ids) else ""
        text = begins + decode_after(tokenizer, ids[place + 1 : end]) + ends
        if text.strip():
            found.append(OpenedThought(place, text, _kind(kind, text)))
    return tuple(found)


def _kind(kind: KindOf, text: str) -> ThoughtKind:
    said = kind(text)
    if said not in list(ThoughtKind):
        raise InputError(f"the kind of a thought is {said!r}; there are {', '.join(ThoughtKind)}")
    return ThoughtKind(said)


def unopened(item: PreparedItem, opening: frozenset[int], opens: str) -> int:
    """How often a chain holds the text that opens a thought without a token that does: some tokenizers split it."""
    places = len(re.findall(f"(?:{re.escape(opens)})+", item.tokens.trace.text))
    return max(0, places - sum(token in opening for token in item.tokens.trace.ids))


def check_counts(counts: Counter[ThoughtKind], opens: str, split: int = 0) -> None:
    """Raises InputError where a vector would be between too few thoughts.

    Args:
        counts: Thoughts by kind.
        opens: The text that opens one.
        split: How often that stands in the chains in several tokens.
    """
    going_on = counts[ThoughtKind.EXECUTION]
    if min(going_on, counts.total() - going_on) < LEAST:
        told = ", ".join(f"{counts[each]} of {each}" for each in ThoughtKind)
        remedy = "give more chains, or chains that look back"
        if split:
            remedy = f"name a text of one token with 'opens': {opens!r} stands there {split} times in several tokens"
        raise InputError(
            f"too few thoughts, opened by {opens!r}: {told}; at least {LEAST} of execution and {LEAST} of the others "
            f"together are needed, so {remedy}"
        )


def difference(
    streams: Sequence[Float[Tensor, "thought d_model"]], executing: Sequence[Tensor], seed: int
) -> tuple[Float[Tensor, " d_model"], dict[str, object]]:
    """The difference of the two means, in float32, with what is to be known of it.

    Chains, not thoughts, are dealt into the two halves, for thoughts of one chain are alike.

    Args:
        streams: Of every chain, the residual stream at the opening of each of its thoughts.
        executing: Of every chain, which of these are execution.
        seed: Of the halves.
    """

    def means(chosen: Sequence[int]) -> tuple[Float[Tensor, " d_model"], Float[Tensor, " d_model"]]:
        read = torch.cat([streams[each].double() for each in chosen])
        which = torch.cat([executing[each] for each in chosen]).bool()
        return read[which].mean(dim=0), read[~which].mean(dim=0)

    there = [number for number, stream in enumerate(streams) if len(stream)]
    execution, others = means(there)
    direction = execution - others
    if not direction.norm():
        raise InputError("the states of both kinds have the same mean, so there is no direction between them")
    dealt = np.random.default_rng(seed).permutation(there).tolist()
    halves = [dealt[::2], dealt[1::2]]
    cosine = float("nan")
    if all(halves):
        one, other = (torch.sub(*means(half)) for half in halves)
        cosine = float(torch.cosine_similarity(one, other, dim=0))
    norms = {
        "execution": float(execution.norm()),
        "others": float(others.norm()),
        "stream": float(torch.cat([streams[each].double() for each in there]).norm(dim=-1).mean()),
    }
    return direction.float(), {"norms": norms, "halves": {"cosine": None if np.isnan(cosine) else cosine, "seed": seed}}


def _streams(
    model: Model, layer: int, items: Sequence[PreparedItem], chains: Sequence[Sequence[OpenedThought]]
) -> Iterator[Float[Tensor, "thought d_model"]]:
    """Of each item, the residual stream as it leaves the block at the openings of its thoughts."""
    site = Site(model.need(Component.RESID_POST), layer)
    ids = np.zeros((len(items), max(len(item.tokens.whole) for item in items)), dtype=np.int64)
    for row, item in enumerate(items):
        ids[row, : len(item.tokens.whole)] = item.tokens.whole
    kept = forward(model, torch.from_numpy(ids).to(model.device), keep=[site], last=1).kept[site]
    for row, chain in enumerate(chains):
        yield kept[row, [thought.place for thought in chain]].cpu()
