"""Sequences of one model that grow side by side, a token at a time, where another hand chooses the tokens.

What each sequence is given next comes from outside, as where noise is drawn for each of them or two models write
together. Keys and values of what was read are kept, and go with a sequence that is at its end.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.numbers import not_numbers
from mediate.models.past import arguments_of, with_past
from mediate.models.side_by_side import Prefix, Rows


class Stepping:
    """Some sequences of one model, with what it expects after each.

    Args:
        model: The hooked model.
        prompts: What each sequence begins with. Of unequal lengths only where `mediate.models.side_by_side.can_pad`.
        prefix: What all of them begin with, where that was run already.
    """

    def __init__(self, model: Model, prompts: Sequence[Sequence[int]], prefix: Prefix | None = None) -> None:
        self._begin(model, Rows.of(prompts, prefix or Prefix()))

    @classmethod
    def of(cls, model: Model, rows: Rows) -> "Stepping":
        """Rows that were laid out elsewhere, with what was run of them."""
        found = cls.__new__(cls)
        found._begin(model, rows)
        return found

    @classmethod
    def joined(cls, parts: Sequence["Stepping"], order: Int[Tensor, " row"]) -> "Stepping":
        """The sequences of several, which end at one column and are used up, as one; in an order of all of them."""
        from mediate.models.roomy import roomy_cache

        found, first = cls.__new__(cls), parts[0]
        order = order.to(first.model.device)
        found.model, found._takes = first.model, first._takes
        found._mask = torch.cat([each._mask for each in parts])[order]
        found.logits = torch.cat([each.logits for each in parts])[order]
        layers = []
        for each in zip(*(part._cache.layers for part in parts), strict=True):
            layers.append(tuple(torch.cat(some)[order] for some in zip(*(one.given_up() for one in each), strict=True)))
        found._cache = roomy_cache([(keys, values) for keys, values in layers], found._mask.shape[1])
        return found

    def _begin(self, model: Model, rows: Rows) -> None:
        from mediate.models.roomy import roomy_cache

        self.model = model
        self._mask = rows.mask.to(model.device)
        self._cache = roomy_cache() if rows.cache is None else rows.cache
        self._takes = arguments_of(type(model.plain).forward)
        run = self._cache.get_seq_length()
        self.logits: Float[Tensor, "row d_vocab"] = self._run(rows.ids[:, run:].to(model.device))

    def past(self) -> list[tuple[Tensor, Tensor]]:
        """The keys and values of each layer, `row kv_head column d`."""
        return [(layer.keys, layer.values) for layer in self._cache.layers]

    def grow(self, tokens: Int[Tensor, " row"]) -> None:
        """Gives each sequence one more token."""
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], dim=1)
        self.logits = self._run(tokens.to(self.model.device)[:, None])

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Goes on with some of the sequences alone, in this order."""
        rows = rows.to(self.model.device)
        self._cache.batch_select_indices(rows)
        self._mask, self.logits = self._mask[rows], self.logits[rows]

    def _run(self, ids: Int[Tensor, "row new"]) -> Float[Tensor, "row d_vocab"]:
        options: dict[str, Any] = with_past(self.model.plain, self._cache)
        if "position_ids" in self._takes:
            options["position_ids"] = (self._mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        if "logits_to_keep" in self._takes:
            options["logits_to_keep"] = 1
        with torch.no_grad():
            logits: Tensor = self.model.plain(input_ids=ids, attention_mask=self._mask, **options).logits[:, -1]
        if not logits.amax(dim=-1).isfinite().all():
            raise InputError(not_numbers(self.model.facts.name, self.model.facts.dtype))
        return logits
