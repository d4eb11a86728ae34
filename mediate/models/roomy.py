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
        if not self.is_initialized:
            self._hold(key_states[:, :, :0], value_states[:, :, :0], 0)
        end = self.filled + int(key_states.shape[2])
        keys, values = (self._with(room, new) for room, new in zip(self.room, (key_states, value_states), strict=True))
        self._hold(keys, values, end)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keeps some rows alone, in this order."""
        if self.is_initialized:
            keys, values = self.room
            self._hold(keys[indices], values[indices], self.filled)

    def given_up(self) -> tuple[Tensor, Tensor]:
        """The keys and values, which the layer then no longer holds: of many rows, two copies would be too many."""
        given = self.keys, self.values
        self._hold(self.keys[:, :, :0].clone(), self.values[:, :, :0].clone(), 0)
        return given

    def _with(self, room: Tensor, new: Tensor) -> Tensor:
        """The room with new columns behind the filled ones; a larger one where there is none left."""
        end = self.filled + int(new.shape[2])
        if end > room.shape[2]:
            old, room = room, new.new_zeros(*new.shape[:2], end + max(SPARE, end // PART), new.shape[3])
            room[:, :, : self.filled] = old[:, :, : self.filled]
        room[:, :, self.filled : end] = new
        return room

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
