"""Interventions: frozen values that say what is replaced where by what; `hooks` makes them true.

They hold no tensors. What is put in place comes from `Values`, so that one intervention means the same on every item,
and can be compared, printed and stored. Positions are absolute: counted from the first token of the sequence.

A pass can do three things: write an activation at a site (`Write`), hide keys from queries (`Knockout`), and let a past
that is shared hold other keys and values (`Swap`). An intervention is a record that says which of them it does. What a
pass or a sweep has to know of it follows from these: where it begins, whether the model has such places, which hooks
make it, and whether they were heard. So a verb of one's own is a record with one method.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import BY_HEAD, BY_KV_HEAD, Component, Site
from mediate.showing import fields_cell


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


@dataclass(frozen=True, slots=True)
class Write:
    """Other activations at some positions of one site; several at one place are made in the order of their row.

    Args:
        site: Component and layer.
        positions: Absolute positions; of a pattern, the queries' positions. Ascending, each once.
        units: Heads of `q`, `z` and `pattern`, KV heads of `k` and `v`, channels (neurons) of the others; None for all.
        by: The name of the values that it takes, in the shape of the whole activation; None where it takes none.
        new: A function that takes what stands at these places, and what `by` names there if it is given, and returns
            what stands there afterwards; all are of one shape. By default what `by` names is put there.

    Example:
        >>> item = md.prepare(model, pairs[0])
        >>> halved = md.Write(md.Site(md.Component.V, 0), tuple(item.chain), new=lambda now: now / 2)
        >>> item.intervene([(halved,)]).shape  # outcomes, sets of interventions
        (2, 1)
    """

    site: Site
    positions: tuple[int, ...]
    units: tuple[int, ...] | None = None
    by: str | None = None
    new: Callable[..., Tensor] | None = None

    _repr_html_ = fields_cell

    def __post_init__(self) -> None:
        _check_places(self.site.hook_name, "positions", self.positions)
        if self.units is not None:
            _check_places(self.site.hook_name, "units", self.units)
        if self.by is None and self.new is None:
            raise InputError(f"{self.site.hook_name}: nothing to write; give `by` or `new`")

    def actions(self) -> tuple["Write"]:
        """Itself."""
        return (self,)


@dataclass(frozen=True, slots=True, order=True)
class Patch:
    """Replace an activation at some positions of one site.

    Args:
        site: Component and layer.
        positions: Absolute positions; of a pattern, the queries' positions. Ascending, each once.
        units: Heads of `q`, `z` and `pattern`, KV heads of `k` and `v`, channels (neurons) of the others; None for all.
        by: The name of what is put in place.

    Example:
        >>> item, site = md.prepare(model, pairs[0]), md.Site(md.Component.RESID_PRE, 0)
        >>> own = md.forward(model, item.ids, keep=[site]).kept[site][0]  # the run's own: nothing changes
        >>> bool(abs(item.intervene([(md.Patch(site, (item.chain[0],)),)], {("source", site): own})).max() < 1e-4)
        True
    """

    site: Site
    positions: tuple[int, ...]
    units: tuple[int, ...] | None = None
    by: str = Reference.SOURCE

    _repr_html_ = fields_cell

    def __post_init__(self) -> None:
        _check_places(self.site.hook_name, "positions", self.positions)
        if self.units is not None:
            _check_places(self.site.hook_name, "units", self.units)

    def actions(self) -> tuple[Write]:
        """One write, of what `by` names."""
        return (Write(self.site, self.positions, self.units, self.by),)


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

    Example:
        >>> item = md.prepare(model, pairs[0])
        >>> readers = tuple(range(item.chain.stop, item.ids.shape[1]))
        >>> hidden = md.Knockout(readers, keys=tuple(item.chain), layers=tuple(range(model.facts.layers)))
        >>> item.intervene([(hidden,)]).shape
        (2, 1)
    """

    readers: tuple[int, ...]
    keys: tuple[int, ...]
    layers: tuple[int, ...]
    heads: tuple[int, ...] | None = None
    renormalised: bool = True

    _repr_html_ = fields_cell

    def __post_init__(self) -> None:
        for what in ("readers", "keys", "layers"):
            _check_places("knockout", what, getattr(self, what))
        if self.heads is not None:
            _check_places("knockout", "heads", self.heads)

    def actions(self) -> tuple["Knockout"]:
        """Itself."""
        return (self,)


@dataclass(frozen=True, slots=True, order=True)
class Swap:
    """Other keys and values, as attention reads them, at some positions of a past that is not run again.

    Args:
        layers: The layers.
        positions: Absolute positions in the past. Ascending, each once.
        heads: KV heads; None for all.
    """

    layers: tuple[int, ...]
    positions: tuple[int, ...]
    heads: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for what in ("layers", "positions"):
            _check_places("swap", what, getattr(self, what))
        if self.heads is not None:
            _check_places("swap", "heads", self.heads)

    def actions(self) -> tuple["Swap"]:
        """Itself."""
        return (self,)


Action = Write | Knockout | Swap
"""What a pass can do."""


@runtime_checkable
class Intervention(Protocol):
    """A frozen value that says what is done; see the module's docstring."""

    def actions(self) -> Sequence[Action]:
        """What it does."""


Interventions = Sequence[Intervention]
"""What is done to one sequence: writes in this order, then knockouts."""
Values = Mapping[tuple[str, Site], Float[Tensor, "..."]]
"""By what and where: the activation to put in place, in the coordinates of the sequence that is intervened on."""


def actions_of(row: Interventions) -> list[Action]:
    """All that is done to one sequence."""
    return [action for each in row for action in each.actions()]


def first_layer(row: Interventions) -> int:
    """The first block in which anything differs."""
    return min(each.site.layer if isinstance(each, Write) else each.layers[0] for each in actions_of(row))


def first_position(row: Interventions) -> int | None:
    """The first position at which anything differs; None where only what the past holds is replaced."""
    actions = actions_of(row)
    found = [each.positions[0] for each in actions if isinstance(each, Write)]
    return min(found + [each.readers[0] for each in actions if isinstance(each, Knockout)], default=None)


def _check_places(name: str, what: str, places: tuple[int, ...]) -> None:
    if not places:
        raise InputError(f"{name}: no {what}; name at least one")
    if list(places) != sorted(set(places)) or places[0] < 0:
        raise InputError(f"{name}: {what} {places}; give each once, ascending, counted from 0")


def check_rows(model: Model, rows: Sequence[Interventions], length: int, begin: int = 0) -> None:
    """Raises InputError where an intervention leaves the model or the sequence, or two put something in one place.

    Positions before `begin` are a past that is not run.
    """
    for row in rows:
        actions = actions_of(row)
        for action in actions:
            if isinstance(action, Write):
                _check_write(model, action, length, begin)
            elif isinstance(action, Knockout):
                _check_knockout(model, action, length, begin)
            else:
                sizes = (("positions", begin), ("layers", model.facts.layers), ("heads", model.facts.kv_heads))
                _check_within("swap", action, sizes)
        _check_apart([each for each in actions if isinstance(each, Write) and each.new is None])


def _check_write(model: Model, write: Write, length: int, begin: int) -> None:
    name, component = write.site.hook_name, model.need(write.site.component)
    if write.site.layer >= model.facts.layers:
        raise InputError(f"{name}: model {model.facts.name!r} has layers 0 to {model.facts.layers - 1}")
    if write.positions[-1] >= length:
        raise InputError(f"{name}: position {write.positions[-1]} of a sequence of {length} tokens")
    if write.positions[0] < begin:
        raise InputError(f"{name}: position {write.positions[0]} lies in the {begin} tokens that are not run")
    size = model.facts.heads if component in BY_HEAD else model.facts.kv_heads if component in BY_KV_HEAD else None
    if write.units and size is not None and write.units[-1] >= size:
        raise InputError(f"{name}: head {write.units[-1]}; there are 0 to {size - 1}")


def _check_knockout(model: Model, cut: Knockout, length: int, begin: int) -> None:
    """As `check_rows`; also where a pattern is to be zeroed on a model whose patterns cannot be written."""
    sizes = (("readers", length), ("keys", length), ("layers", model.facts.layers), ("heads", model.facts.heads))
    _check_within("knockout", cut, sizes)
    if cut.readers[0] < begin:
        raise InputError(f"knockout: reader {cut.readers[0]} lies in the {begin} tokens that are not run")
    if not cut.renormalised:
        model.need(Component.PATTERN)


def _check_within(name: str, action: Action, sizes: Sequence[tuple[str, int]]) -> None:
    for what, most in sizes:
        places = getattr(action, what)
        if places is not None and places[-1] >= most:
            raise InputError(f"{name}: {what} {places[-1]}; there are 0 to {most - 1}")


def _check_apart(writes: Sequence[Write]) -> None:
    """Of two writes that put something in place, neither may be where the other is: which of them was meant?"""
    taken = Counter(
        (each.site, position, unit) for each in writes for position in each.positions for unit in each.units or (None,)
    )
    whole = {(site, position) for site, position, unit in taken if unit is None}
    for (site, position, unit), count in taken.items():
        if count > 1 or (unit is not None and (site, position) in whole):
            raise InputError(f"{site.hook_name}: two patches of one row write position {position}; name it once")
