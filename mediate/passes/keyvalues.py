"""Keys and values as later positions read them: computed, moved to other positions, laid side by side, and read.

For a causal model whose blocks look back through attention alone, the keys and values of a stretch of tokens in every
layer are everything that later positions can learn of it. That is what makes the cube exact; the self-check at load
tests it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.float64 import keeps_float64
from mediate.models.model import Model
from mediate.models.rope import depends_on_length
from mediate.models.turning import sine_table, spun
from mediate.passes.memory import is_out_of_memory
from mediate.passes.one_pass import one_pass
from mediate.passes.rows_together import RowsTogether
from mediate.passes.unhooked import leanly


@dataclass(frozen=True, slots=True, eq=False)
class KeyValues:
    """Keys (after rotary embedding) and values of a stretch of one sequence, in every layer.

    Args:
        keys: As attention reads them.
        values: As attention reads them.
        start: The position of the first token.
        among: The sequences beside which it was run, from position 0, and its place among them; None where its keys
            and values are others than were run there.
    """

    keys: Float[Tensor, "layer kv_head pos d_key"]
    values: Float[Tensor, "layer kv_head pos d_value"]
    start: int
    among: tuple[RowsTogether, int] | None = None

    def __post_init__(self) -> None:
        if self.keys.shape[:3] != self.values.shape[:3]:
            raise ValueError(f"keys {tuple(self.keys.shape)} and values {tuple(self.values.shape)}")

    def __len__(self) -> int:
        return int(self.keys.shape[2])

    def part(self, start: int, stop: int) -> "KeyValues":
        """The tokens from `start` to `stop`, counted within this stretch."""
        if not 0 <= start <= stop <= len(self):
            raise ValueError(f"tokens {start} to {stop} of a stretch of {len(self)}")
        if stop - start == len(self):
            return self
        return KeyValues(self.keys[:, :, start:stop], self.values[:, :, start:stop], self.start + start, self.among)

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return int(self.keys.nbytes + self.values.nbytes)


def prefill(
    model: Model, ids: Int[Tensor, "batch pos"], *, start: int = 0, past: KeyValues | None = None
) -> list[KeyValues]:
    """Runs sequences of one length and returns the keys and values of each.

    Args:
        model: The hooked model.
        ids: Token ids without padding.
        start: The position of the first token.
        past: What every sequence begins with, already run; it is part of what is returned, and `ids` go on after it.
    """
    return run_on(model, ids, start=start, past=past)[0]


def run_on(
    model: Model, ids: Int[Tensor, "batch pos"], *, start: int = 0, past: KeyValues | None = None, last: int = 1
) -> tuple[list[KeyValues], Float[Tensor, "batch last d_vocab"]]:
    """`prefill`, and the logits at the last positions with it.

    Args:
        model: The hooked model.
        ids: Token ids without padding.
        start: The position of the first token.
        past: What every sequence begins with, already run; it is part of what is returned, and `ids` go on after it.
        last: How many positions, counted from the end, to return logits of.
    """
    from transformers import DynamicCache

    # Without a configuration the cache has no windows: layers with sliding attention keep every position, and the mask
    # alone decides what is visible, as in the full pass.
    cache = DynamicCache() if past is None else DynamicCache(_repeated(past, len(ids)))
    first = start if past is None else past.start + len(past)
    with torch.no_grad(), leanly(model):
        logits = one_pass(model, ids, past=cache, start=first, last=last)
    try:
        keys = torch.stack([layer.keys for layer in cache.layers])
        values = torch.stack([layer.values for layer in cache.layers])
    except (AttributeError, TypeError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and is_out_of_memory(error):
            raise
        raise InputError(
            f"model {model.facts.name!r} ({model.facts.architecture}) does not carry its past in keys and values of "
            "one shape in every layer"
        ) from error
    begin = start if past is None else past.start
    rows = None if begin else RowsTogether(keys, values)
    return [
        KeyValues(keys[:, row], values[:, row], begin, None if rows is None else (rows, row)) for row in range(len(ids))
    ], logits


def _repeated(stretch: KeyValues, rows: int) -> list[tuple[Tensor, Tensor]]:
    """Keys and values of each layer, the same in every row, without a copy."""
    return [
        (keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1))
        for keys, values in zip(stretch.keys, stretch.values, strict=True)
    ]


def joined(row: Sequence[KeyValues]) -> KeyValues:
    """Stretches of one sequence as one.

    Raises:
        ValueError: A stretch that does not begin where the one before it ends.
    """
    if len(row) == 1:
        return row[0]
    end = row[0].start
    for stretch in row:
        if stretch.start != end:
            raise ValueError(f"a stretch begins at position {stretch.start}, after one that ends at {end}")
        end += len(stretch)
    keys, values = (torch.cat([getattr(each, name) for each in row], dim=2) for name in ("keys", "values"))
    return KeyValues(keys, values, row[0].start)


def stacked(rows: Sequence[Sequence[KeyValues]]) -> list[tuple[Tensor, Tensor]]:
    """Lays the stretches of each row end to end and stacks the rows: one pair `row kv_head pos d` a layer.

    Raises:
        ValueError: A stretch that does not begin where the one before it ends, or rows of different lengths.
    """
    found = _gathered(rows)
    if found is not None:
        return found
    wholes = [joined(row) for row in rows]
    if any(whole.start for whole in wholes):
        raise ValueError(f"a past begins at position {max(whole.start for whole in wholes)}; it begins at 0")
    if len(wholes) == 1:  # of a long past, a copy would take as much again
        return [(keys[None], values[None]) for keys, values in zip(wholes[0].keys, wholes[0].values, strict=True)]
    keys = torch.stack([whole.keys for whole in wholes], dim=1)
    values = torch.stack([whole.values for whole in wholes], dim=1)
    return list(zip(keys, values, strict=True))


def _gathered(rows: Sequence[Sequence[KeyValues]]) -> list[tuple[Tensor, Tensor]] | None:
    """`stacked` where all stretches were run side by side and stand where they stood there; else None."""
    beside = rows[0][0].among
    if len(rows) == 1 or beside is None:
        return None
    which, lengths, width = list[int](), list[int](), sum(map(len, rows[0]))
    for row in rows:
        end = 0
        for stretch in row:
            if stretch.among is None or stretch.among[0] is not beside[0] or stretch.start != end:
                return None
            which.append(stretch.among[1])
            lengths.append(len(stretch))
            end += lengths[-1]
        if end != width:
            return None
    return beside[0].gathered(np.repeat(which, lengths).reshape(1, len(rows), 1, width))


def moved(model: Model, stretch: KeyValues, start: int) -> KeyValues:
    """The same keys and values as if the stretch had begun at position `start`.

    Keys are turned by the difference of the rotary angles at the two positions, each angle rounded as the model rounds
    it.

    Raises:
        InputError: The model's positions are not rotary, or its self-check of this very operation failed.
    """
    if start == stretch.start:
        return stretch
    if not model.check("re-rotated keys").passed:
        raise InputError(why_not_movable(model))
    return rotated(model, stretch, start)


def why_not_movable(model: Model) -> str:
    """One sentence on why keys of this model cannot be moved to other positions."""
    return (
        f"model {model.facts.name!r} ({model.facts.architecture}) cannot read keys at other positions than their own "
        f"({model.check('re-rotated keys').detail}); make both questions the same number of tokens"
    )


def rotated(model: Model, stretch: KeyValues, start: int) -> KeyValues:
    """`moved` without the check."""
    old = torch.arange(stretch.start, stretch.start + len(stretch), device=stretch.keys.device)
    return KeyValues(turned(model, stretch.keys, old, old + (start - stretch.start)), stretch.values, start)


def turned(
    model: Model, keys: Float[Tensor, "layer kv_head pos d_key"], old: Int[Tensor, " pos"], new: Int[Tensor, " pos"]
) -> Float[Tensor, "layer kv_head pos d_key"]:
    """Keys as if each had stood at another position; at position 0 a key is as it was before rotary embedding.

    Raises:
        InputError: The model's positions are not rotary, or depend on the length of the sequence.
    """
    if not model.turnings:
        by_layer = zip(keys, rotary_frequencies(model), strict=True)
        return torch.stack([turn(layer, old, new, frequencies) for layer, frequencies in by_layer])
    if all(how.still for how in model.turnings):
        return keys
    by_turning = zip(keys, spins(model, old, new), model.turnings, strict=True)
    return torch.stack([layer if how.still else spun(layer, spin, how) for layer, spin, how in by_turning])


def turn(
    keys: Float[Tensor, "kv_head pos d_key"],
    old: Int[Tensor, " pos"],
    new: Int[Tensor, " pos"],
    frequencies: Float[Tensor, " half"],
) -> Float[Tensor, "kv_head pos d_key"]:
    """Rotary embedding (Su et al. 2021) from old to new positions, channel i paired with channel i + half.

    Channels past twice the number of frequencies are not rotary and stay as they are.
    """
    angle = turned_by(old, new, frequencies)
    cos, sin = angle.cos(), angle.sin()
    half = len(frequencies)
    first, second, rest = keys[..., :half].double(), keys[..., half : 2 * half].double(), keys[..., 2 * half :]
    turned = torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
    return torch.cat([turned.to(keys.dtype), rest], dim=-1)


def turned_by(
    old: Int[Tensor, " pos"], new: Int[Tensor, " pos"], frequencies: Float[Tensor, " half"]
) -> Float[Tensor, "pos half"]:
    """The difference of the angles at two positions, in radians, each rounded as the model rounds it."""
    at = [torch.outer(where.to(frequencies.dtype), frequencies).double() for where in (old, new)]
    angle = at[1] - at[0]
    return angle


def spins(model: Model, old: Int[Tensor, " pos"], new: Int[Tensor, " pos"]) -> list[Complex[Tensor, "pos half"]]:
    """By layer, what turns keys from old to new positions, each pair of channels taken as a complex number.

    Raises:
        InputError: The model has no rotary embedding, or one that depends on the length of the sequence.
    """
    table = sine_table(model.plain)
    if table is None:
        angles = [turned_by(old, new, frequencies) for frequencies in rotary_frequencies(model)]
        return [torch.complex(angle.cos(), angle.sin()) for angle in angles]
    # A rounded table does not turn by whole angles; the quotient undoes just what was done.
    return [table[new] / table[old]] * model.facts.layers


def has_rotary(model: Model) -> bool:
    """Whether the model turns its keys; that it holds rotary modules does not say so, as models with ALiBi may, too."""
    try:
        return not getattr(model.plain.config.get_text_config(), "alibi", False) and bool(rotary_frequencies(model))
    except InputError as none:
        return "not rotary" not in str(none)


def rotary_frequencies(model: Model) -> list[Float[Tensor, " half"]]:
    """Each layer's rotary frequencies, in radians a position.

    Raises:
        InputError: The model has none, or they depend on the length of the sequence.
    """
    config = model.plain.config.get_text_config()
    if depends_on_length(config):
        raise InputError("its rotary frequencies depend on the length of the sequence")
    modules = list(model.plain.modules())
    plain = next((module.inv_freq for module in modules if isinstance(getattr(module, "inv_freq", None), Tensor)), None)
    kinds = getattr(config, "layer_types", None) or ["full_attention"] * model.facts.layers
    found: dict[str, Tensor] = {}
    for kind in dict.fromkeys(kinds):
        name = f"{kind}_inv_freq"
        own = next(
            (getattr(module, name) for module in modules if isinstance(getattr(module, name, None), Tensor)), plain
        )
        if own is None:
            raise InputError("its positions are not rotary")
        found[kind] = own.double() if keeps_float64(model.plain) else own.float()
    return [found[kind] for kind in kinds]
