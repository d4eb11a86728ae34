"""A cache of keys and values that has room for more, so that a new token does not copy what all came before it."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

# Columns that are made when there is no room left: so many at least, and a part of those that are filled.
SPARE, PART = 8, 4


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """The keys and values of one layer, `row kv_head column d`, of which the first columns are filled."""

    def __init__(self, keys: Tensor | None = None, values: Tensor | None = None, filled: int = 0) -> None:
        super().__init__()
        if keys is not None and values is not None:
            self._hold(keys, values, filled)

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Puts new keys and values behind those that are there."""
        new = key_states, value_states
        if not self.is_initialized:
            self._hold(*(each.new_empty(*each.shape[:2], 0, each.shape[3]) for each in new), 0)
        begin, end = self.filled, self.filled + int(key_states.shape[2])
        room = self.room
        if end > room[0].shape[2]:
            more = end + max(SPARE, end // PART)
            room = tuple(each.new_zeros(*each.shape[:2], more, each.shape[3]) for each in room)
            for new_room, old in zip(room, self.room, strict=True):
                new_room[:, :, :begin] = old[:, :, :begin]
        for each, states in zip(room, new, strict=True):
            each[:, :, begin:end] = states
        self._hold(*room, end)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keeps some rows alone, in this order."""
        if self.is_initialized:
            self._hold(*(each[indices] for each in self.room), self.filled)

    def _hold(self, keys: Tensor, values: Tensor, filled: int) -> None:
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
        self.room, self.filled = (keys, values), filled
        self.keys, self.values = keys[:, :, :filled], values[:, :, :filled]


def roomy_cache(layers: Iterable[tuple[Tensor, Tensor]] = (), filled: int = 0) -> DynamicCache:
    """A cache without windows: the mask alone decides what is visible.

    Args:
        layers: Keys and values of each layer, of which the first columns are filled; none where nothing was run yet.
        filled: How many columns.
    """
    cache = DynamicCache()
    cache.layers = [RoomyLayer(keys, values, filled) for keys, values in layers]
    cache.layer_class_to_replicate = RoomyLayer
    return cache
