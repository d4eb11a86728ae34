"""The chain alone replaced, with the question as it is: by edited text, or by other keys and values.

An *edit* (`mediate.traces.edits`) puts other tokens after the question, and the model computes them. A replacement of
*activations* puts keys, as they were before rotary embedding, and values in place at all positions of the chain in all
layers and KV heads at once, as the readers find them (bridge, cue and answer); the positions stay. So the same as
ablating `k` and `v` everywhere in the chain (`mediate.mediation.kinds.ablation`, its slow twin), but for families that
norm their keys: there an ablation's `k` comes before that norm, and these keys after it. Nobody but the readers sees
what is put in place, so each costs a short pass, and edits a pass over the chain.

The effect is Y(as it is) - Y(replaced): positive where the chain as it is speaks for the measured answer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError, ItemError
from mediate.mediation.contrasts.chain_pool import Chains, at_positions, before_turning, run_chain
from mediate.mediation.contrasts.hidden import Sights, read_hidden
from mediate.mediation.item import EncodedItem
from mediate.mediation.kinds.cube import ROW_BYTES, read_rows
from mediate.mediation.kinds.references import norm_matched_noise
from mediate.mediation.names import WHOLE_RUN, at_home
from mediate.mediation.others import without_other
from mediate.mediation.outcomes import Outcome, Reading, read_off, reading
from mediate.models.model import Model
from mediate.passes.keyvalues import KeyValues, joined, prefill
from mediate.results.replacements import ReplacementFacts
from mediate.traces.edits import EDITS


@dataclass(frozen=True, slots=True, eq=False)
class DrawnFrom:
    """What a chain is replaced by, and from.

    Args:
        chains: Gives what is kept of the chains of all items; asked for only where activations are replaced.
        other: The nearest other item; None where there is none.
        seed: Of what is drawn.
    """

    chains: Callable[[], Chains]
    other: EncodedItem | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Replacement:
    """A replacement of a chain's activations.

    Args:
        name: As it is asked for and stored.
        make: Keys before rotary embedding, and values, from the item, the chain's own and what it is replaced from: of
            as many positions as the chain has, or of one where all are alike. Raises ItemError where there is nothing
            to make them from.
        of_another: Whether they are the nearest other item's own.
    """

    name: str
    make: Callable[[Model, EncodedItem, KeyValues, DrawnFrom], KeyValues]
    of_another: bool = False


def _zeros(model: Model, item: EncodedItem, own: KeyValues, drawn_from: DrawnFrom) -> KeyValues:
    one = own.part(0, 1)
    return KeyValues(torch.zeros_like(one.keys), torch.zeros_like(one.values), 0)


def _mean(model: Model, item: EncodedItem, own: KeyValues, drawn_from: DrawnFrom) -> KeyValues:
    """Over all positions of the chains of other groups, in each layer and KV head."""
    found = drawn_from.chains().elsewhere(item.group)
    if found is None:
        raise ItemError(item.id, "no item of another group has a chain to take the mean of; give more", code="no_other")
    keys, values = ((each / found.positions).to(own.keys.dtype) for each in (found.keys, found.values))
    return KeyValues(keys[:, :, None], values[:, :, None], 0)


def _nearest(model: Model, item: EncodedItem, own: KeyValues, drawn_from: DrawnFrom) -> KeyValues:
    """The nearest other item's chain after its own question, from its start, and again where it is shorter."""
    if drawn_from.other is None:
        raise without_other(item)
    chain = before_turning(model, run_chain(model, drawn_from.other))
    again = torch.arange(len(own), device=chain.keys.device) % len(chain)
    return KeyValues(chain.keys[:, :, again], chain.values[:, :, again], 0)


def _noise(model: Model, item: EncodedItem, own: KeyValues, drawn_from: DrawnFrom) -> KeyValues:
    """A Gaussian direction of the norm that was there, at each position and KV head; keys and values by turns."""
    drawn = [
        [_drawn(part[layer], drawn_from.seed + 2 * layer + place) for layer in range(len(part))]
        for place, part in enumerate((own.keys, own.values))
    ]
    keys, values = map(torch.stack, drawn)
    return KeyValues(keys, values, 0)


def _drawn(part: Float[Tensor, "kv_head pos d"], seed: int) -> Float[Tensor, "kv_head pos d"]:
    return norm_matched_noise(part.transpose(0, 1), seed).transpose(0, 1)


ZERO, MEAN, NOISE = Replacement("zero", _zeros), Replacement("mean", _mean), Replacement("noise", _noise)
OTHER = Replacement("other", _nearest, of_another=True)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a replacement of one item's chain gives.

    Args:
        values: Each outcome under it; none where it was left out.
        distance: Of activations, how far they are off the distribution; see `mediate.mediation.contrasts.chain_pool`.
        norm_ratio: Of activations, their norm over that of what was there.
        reason: Why it was left out.
    """

    values: tuple[float, ...] = ()
    distance: float = float("nan")
    norm_ratio: float = float("nan")
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """What the readers find under a replacement: question and chain, and how far the chain is off."""

    found: KeyValues
    distance: float = float("nan")
    norm_ratio: float = float("nan")


def measure_replaced(
    model: Model,
    sights: Sights,
    wanted: Sequence[ReplacementFacts],
    outcomes: Sequence[Outcome],
    drawn_from: DrawnFrom,
) -> dict[str, Worth]:
    """Each outcome of an item under each replacement of its chain, by the replacement's name.

    Args:
        model: The hooked model.
        sights: From `run_sights`; where an outcome is held against a rival, from `with_rivals`.
        wanted: The replacements.
        outcomes: What to read off.
        drawn_from: What the chain is replaced from.
    """
    tokens = reading(sights.item.readers, model.device, outcomes)
    if any(each.against == WHOLE_RUN for each in outcomes):
        tokens = replace(tokens, whole=read_hidden(model, tokens, sights, [(1, 1, 1)])[0])
    together = max(1, ROW_BYTES // (sights.seen.nbytes * len(tokens.ids)))
    chain = sights.seen.part(len(sights.item.question), len(sights.seen))
    own = cache(lambda: before_turning(model, chain))
    found: dict[str, Worth] = {}
    for first in range(0, len(wanted), together):
        some = wanted[first : first + together]
        laid: dict[str, Laid | Worth] = _edited(model, sights, [each for each in some if each.of_text], drawn_from.seed)
        for each in some:
            if not each.of_text:
                laid[each.name] = _put_in_place(model, sights, own, at_home(each.home), drawn_from)
        found |= {name: each for name, each in laid.items() if isinstance(each, Worth)}
        found |= _read(model, tokens, {name: each for name, each in laid.items() if isinstance(each, Laid)}, outcomes)
    return {each.name: found[each.name] for each in wanted}


def _edited(model: Model, sights: Sights, wanted: Sequence[ReplacementFacts], seed: int) -> dict[str, Laid | Worth]:
    """The question with each edited chain, run after it; those of one length side by side."""
    item = sights.item
    question = sights.seen.part(0, len(item.question))
    laid: dict[str, Laid | Worth] = {}
    chains: dict[str, tuple[int, ...]] = {}
    for each in wanted:
        edit = next(edit for edit in EDITS if edit.name == each.name)
        try:
            chains[edit.name] = edit.tokens(item.trace, model.need_tokenizer(), seed)
        except ItemError as error:
            laid[edit.name] = Worth(reason=error.reason)
    for names in _alike({name: len(ids) for name, ids in chains.items()}):
        ids = torch.tensor([chains[name] for name in names], device=model.device)
        runs = prefill(model, ids, past=question) if ids.numel() else [question] * len(names)
        laid |= {name: Laid(run) for name, run in zip(names, runs, strict=True)}
    return laid


def _put_in_place(
    model: Model, sights: Sights, own_chain: Callable[[], KeyValues], by: Replacement, drawn_from: DrawnFrom
) -> Laid | Worth:
    """The question with other keys and values where the chain's stand."""
    item, begin = sights.item, len(sights.item.question)
    try:
        own = own_chain()
        made = by.make(model, item, own, drawn_from)
        distance = drawn_from.chains().distance(item, made.values, drawn_from.other if by.of_another else None)
    except InputError as error:
        return Worth(reason=error.reason if isinstance(error, ItemError) else str(error))
    parts = [(made.keys, own.keys), (made.values, own.values)]
    keys, values = (new.expand(*old.shape[:3], -1) for new, old in parts)
    placed = at_positions(model, KeyValues(keys, values, 0), sights.seen.part(begin, len(sights.seen)))
    ratio = float(np.mean([norm_ratio(new, old) for new, old in parts]))
    return Laid(joined([sights.seen.part(0, begin), placed]), distance, ratio)


def norm_ratio(new: Float[Tensor, "layer kv_head one d"], old: Float[Tensor, "layer kv_head pos d"]) -> float:
    """The mean over layers and positions of the norm of all KV heads over what it was."""
    put, was = (each.double().norm(dim=3).norm(dim=1) for each in (new, old))
    return float((put / was.clamp_min(torch.finfo(old.dtype).tiny)).mean())


def _read(model: Model, tokens: Reading, laid: dict[str, Laid], outcomes: Sequence[Outcome]) -> dict[str, Worth]:
    """The outcomes that the readers give of what they find; rows of one length in one pass."""
    found = {}
    for names in _alike({name: len(each.found) for name, each in laid.items()}):
        read = read_rows(model, [tokens] * len(names), [[laid[name].found] for name in names])
        for name, logits in zip(names, read, strict=True):
            values = tuple(read_off(tokens, logits, outcome) for outcome in outcomes)
            found[name] = Worth(values, laid[name].distance, laid[name].norm_ratio)
    return found


def _alike(lengths: Mapping[str, int]) -> Iterable[list[str]]:
    """Names of what is of one length, together."""
    by_length: dict[int, list[str]] = {}
    for name, length in lengths.items():
        by_length.setdefault(length, []).append(name)
    return by_length.values()
