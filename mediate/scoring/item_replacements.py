"""The chain of each item replaced, with its question as it is: computed or taken from the store."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import torch

from mediate.clock import stage
from mediate.mediation.item import Encoded, EncodedItem
from mediate.mediation.others import Candidate, nearest_others
from mediate.mediation.prepared_item import PreparedItem
from mediate.mediation.procedures import AmongOthers, PreparedT, Runs
from mediate.mediation.replacing import (
    DrawnFrom,
    Sights,
    Worth,
    gather_chains,
    measure_replaced,
    replaced_rows,
)
from mediate.models.model import Model
from mediate.passes.memory import is_out_of_memory
from mediate.passes.store import Store, array, model_spec, numbers, packed, unpacked
from mediate.results.replacements import ReplacementFacts, replacement_named
from mediate.scoring.scored import Scored, described
from mediate.scoring.spec import ScoreSpec

KIND = "replaced"
NO_MEMORY = "out of memory; give shorter chains, a smaller --dtype or another --device"

# Gives a measured item what its chain is worth under each replacement, from a way to its keys and values.
Replacing = Callable[[Scored[PreparedT], Callable[[], Runs]], Scored[PreparedT]]


def replacing_against_others(
    model: Model, items: Sequence[PreparedItem], spec: ScoreSpec, store: Store | None
) -> Replacing[PreparedItem, AmongOthers]:
    """`replacing_items`, of items that are held against others: what replaces the chain alone is the same."""
    replacing = replacing_items(model, items, spec, store)
    return lambda scored, runs: replacing(scored, lambda: runs().sights)


def replacing_items(
    model: Model, items: Sequence[PreparedItem], spec: ScoreSpec, store: Store | None
) -> Replacing[PreparedItem, Sights]:
    """How the chains of a run's items are replaced, one item after the other.

    What is kept of the chains of all items is made when it is first asked for: where all is stored, nothing is run.

    Args:
        model: The hooked model.
        items: All items.
        spec: The choices of the run.
        store: Where results are looked up and kept.
    """
    wanted = [replacement_named(name) for name in spec.replacements or ()]
    if not wanted:
        return lambda scored, sights: scored
    tokens = [item.tokens for item in items]
    others = nearest_others([Candidate(item.tokens, item.answer) for item in items], 1, seed=spec.seed)
    chains = cache(lambda: gather_chains(model, tokens, seed=spec.seed))
    among = fingerprint(tokens, spec.seed)

    @stage("replacing chains")
    def replacing(scored: Scored[PreparedItem], sights: Callable[[], Sights]) -> Scored[PreparedItem]:
        item = scored.item
        drawn_from = DrawnFrom(chains, next(iter(others[item.id]), None), item.seed)
        entries = {each.name: _entry(model, item, each, spec, drawn_from.other, among) for each in wanted}
        found = {} if store is None else _kept(store, entries, len(spec.outcomes))
        missing = [each for each in wanted if each.name not in found]
        measured = _measured(model, sights, missing, spec, drawn_from) if missing else {}
        for name, worth in measured.items():
            if store is not None and worth.reason != NO_MEMORY:
                store.put(KIND, entries[name], _tensors(worth))
        found |= measured
        own = scored.y[:, 1, 1, 1].tolist()
        rows = [
            row
            for each in wanted
            for row in replaced_rows(item.tokens, each.name, found[each.name], spec.outcomes, own)
        ]
        return replace(scored, replaced=tuple(rows))

    return replacing


def _measured(
    model: Model,
    sights: Callable[[], Sights],
    wanted: Sequence[ReplacementFacts],
    spec: ScoreSpec,
    drawn_from: DrawnFrom,
) -> dict[str, Worth]:
    """What each replacement gives; where they do not fit into memory, that: it must not cost what was measured."""
    try:
        return measure_replaced(model, sights(), wanted, spec.outcomes, drawn_from)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    return {each.name: Worth(reason=NO_MEMORY) for each in wanted}


def _tensors(worth: Worth) -> dict[str, torch.Tensor]:
    found = {"values": worth.values, "distance": worth.distance, "norm_ratio": worth.norm_ratio}
    return {name: numbers(value) for name, value in found.items()} | {"reason": packed(worth.reason)}


def _kept(store: Store, entries: Mapping[str, Mapping[str, Any]], outcomes: int) -> dict[str, Worth]:
    """What replacements gave before, of those that are stored."""
    read = {name: store.read(KIND, entry, partial(_stored, outcomes)) for name, entry in entries.items()}
    return {name: worth for name, worth in read.items() if worth is not None}


def _stored(outcomes: int, kept: Mapping[str, torch.Tensor]) -> Worth:
    """What a replacement gave, as it was stored.

    Raises:
        ValueError: It is not what would be stored of it.
    """
    reason = str(unpacked(kept, "reason"))
    values = array(kept, "values", (0 if reason else outcomes,))
    return Worth(
        tuple(values.tolist()), float(array(kept, "distance", ())), float(array(kept, "norm_ratio", ())), reason
    )


def _entry(
    model: Model,
    item: PreparedItem,
    replacement: ReplacementFacts,
    spec: ScoreSpec,
    other: EncodedItem | None,
    among: str,
) -> dict[str, Any]:
    """What a stored number depends on: of activations, on the chains of all items."""
    entry = model_spec(model) | {
        "item": described(item.tokens),
        "outcomes": [each.stored_as for each in spec.outcomes],
        "replacement": replacement.name,
        "seed": item.seed,
    }
    if replacement.of_text:
        return entry
    return entry | {"group": item.tokens.group, "among": among, "other": None if other is None else described(other)}


def fingerprint(items: Sequence[Encoded], seed: int) -> str:
    """sha256 over all items whose chains are drawn on, in whatever order, and the seed of drawing."""
    said = sorted((each.id, each.group, json.dumps(described(each), sort_keys=True)) for each in items)
    return hashlib.sha256(json.dumps([seed, said]).encode("utf-8", "surrogatepass")).hexdigest()
