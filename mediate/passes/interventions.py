"""Interventions: frozen values that say what is replaced where by what; `hooks` translates them.

They hold no tensors. What a `Patch` puts in place comes from `Values`, so that one intervention means the same on every
item, and can be compared, printed and stored. Positions are absolute: counted from the first token of the sequence.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import BY_HEAD, BY_KV_HEAD, Component, Site


class Reference(StrEnum):
    """The names under which activations are put in place of others.

    `source` is the other world's run. The others are reference values that carry no world: zeros, the mean over
    reference chains, another item's chain, the chain with its tokens replaced by filler or with its steps shuffled, and
    a random direction of the same norm at each position. How these are made is in
    `mediate.mediation.kinds.references`, where there may be more, under names of their own.
    """

    SOURCE = "source"
    ZERO = "zero"
    MEAN = "mean"
    RESAMPLE = "resample"
    FILLER = "filler"
    SHUFFLED = "shuffled"
    NOISE = "noise"


@dataclass(frozen=True, slots=True, order=True)
class Patch:
    """Replace an activation at some positions of one site.

    Args:
        site: Component and layer.
        positions: Absolute positions; of a pattern, the queries' positions. Ascending, each once.
        units: Heads of `q`, `z` and `pattern`, KV heads of `k` and `v`, channels (neurons) of the others; None for all.
        by: The name of what is put in place.
    """

    site: Site
    positions: tuple[int, ...]
    units: tuple[int, ...] | None = None
    by: str = Reference.SOURCE

    def __post_init__(self) -> None:
        _check_places(self.site.hook_name, "positions", self.positions)
        if self.units is not None:
            _check_places(self.site.hook_name, "units", self.units)


@dataclass(frozen=True, slots=True, order=True)
class Knockout:
    """Mask attention before the softmax, so that the rest of each row is renormalised.

    Args:
        readers: Absolute positions of the queries. Ascending, each once.
        keys: Absolute positions that these may not attend to; those that the causal mask hides are hidden anyhow.
        layers: The layers.
        heads: Query heads; None for all.
        renormalised: Off, the pattern is zeroed after the softmax and its rows no longer sum to 1: another
            intervention, which the field calls zeroing the pattern.
    """

    readers: tuple[int, ...]
    keys: tuple[int, ...]
    layers: tuple[int, ...]
    heads: tuple[int, ...] | None = None
    renormalised: bool = True

    def __post_init__(self) -> None:
        for what in ("readers", "keys", "layers"):
            _check_places("knockout", what, getattr(self, what))
        if self.heads is not None:
            _check_places("knockout", "heads", self.heads)


Values = Mapping[tuple[str, Site], Float[Tensor, "..."]]
"""By what and where: the activation to put in place, in the coordinates of the sequence that is patched."""


def _check_places(name: str, what: str, places: tuple[int, ...]) -> None:
    if not places:
        raise InputError(f"{name}: no {what}; name at least one")
    if list(places) != sorted(set(places)) or places[0] < 0:
        raise InputError(f"{name}: {what} {places}; give each once, ascending, counted from 0")


def check_patches(model: Model, rows: Sequence[Sequence[Patch]], length: int, begin: int = 0) -> None:
    """Raises InputError where a row's patches leave the model or the sequence, or overlap one another.

    Positions before `begin` are a past that is not run.
    """
    sizes = {**dict.fromkeys(BY_HEAD, model.facts.heads), **dict.fromkeys(BY_KV_HEAD, model.facts.kv_heads)}
    for row in rows:
        taken: Counter[tuple[Site, int, int | None]] = Counter()
        for patch in row:
            name = patch.site.hook_name
            model.need(patch.site.component)
            if patch.site.layer >= model.facts.layers:
                raise InputError(f"{name}: model {model.facts.name!r} has layers 0 to {model.facts.layers - 1}")
            if patch.positions[-1] >= length:
                raise InputError(f"{name}: position {patch.positions[-1]} of a sequence of {length} tokens")
            if patch.positions[0] < begin:
                raise InputError(f"{name}: position {patch.positions[0]} lies in the {begin} tokens that are not run")
            size = sizes.get(patch.site.component)
            if patch.units and size is not None and patch.units[-1] >= size:
                raise InputError(f"{name}: head {patch.units[-1]}; there are 0 to {size - 1}")
            for position in patch.positions:
                taken.update((patch.site, position, unit) for unit in patch.units or (None,))
        if not taken:
            continue
        whole = {(site, position) for site, position, unit in taken if unit is None}
        for (site, position, unit), count in taken.items():
            if count > 1 or (unit is not None and (site, position) in whole):
                raise InputError(f"{site.hook_name}: two patches of one row write position {position}; name it once")


def check_knockouts(model: Model, rows: Sequence[Sequence[Knockout]], length: int, begin: int = 0) -> None:
    """Raises InputError where a knockout leaves the model or the sequence, or has readers before `begin`.

    Also where a pattern is to be zeroed on a model whose patterns cannot be written.
    """
    for row in rows:
        for cut in row:
            for what, most in (("readers", length), ("keys", length), ("layers", model.facts.layers)):
                if getattr(cut, what)[-1] >= most:
                    raise InputError(f"knockout: {what} {getattr(cut, what)[-1]}; there are 0 to {most - 1}")
            if cut.readers[0] < begin:
                raise InputError(f"knockout: reader {cut.readers[0]} lies in the {begin} tokens that are not run")
            if not cut.renormalised:
                model.need(Component.PATTERN)
            if cut.heads and cut.heads[-1] >= model.facts.heads:
                raise InputError(f"knockout: heads {cut.heads[-1]}; there are 0 to {model.facts.heads - 1}")
