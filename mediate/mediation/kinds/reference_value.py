"""A reference value that carries no world, as a record: what activations are ablated by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from mediate.mediation.item import Encoded
from mediate.models.model import Model
from mediate.models.sites import Site
from mediate.passes.keyvalues import KeyValues

Activations = Mapping[Site, Float[Tensor, "..."]]
"""By site, a chain's activations, `pos ...`."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a map without a twin is made from, beside the chain that is intervened on.

    Args:
        others: Other items, or other pairs, whose base chains are drawn on.
        filler: The token id of a filler.
        seed: Of what is drawn.
        nearest: The one whose chain, as a whole, stands for another item's.
        past: Keys and values of the item's own question part and chain, where they are known.
        sums: Sums over chains that are known already, by the model, a chain's tokens and the site: items that draw on
            the same others share them.
    """

    others: Sequence[Encoded] = ()
    filler: int | None = None
    seed: int = 0
    nearest: Encoded | None = None
    past: KeyValues | None = None
    sums: dict[tuple[int, tuple[int, ...], Site], Tensor] = field(default_factory=dict, compare=False, repr=False)


NOTHING = Material()


def needs_nothing_else(model: Model, pair: Encoded, material: Material) -> None:
    """The chain itself will do."""


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """A reference value that carries no world.

    Args:
        name: As it is asked for.
        make: The value at every site of the chain, of the shape of the chain's own activations, which come third.
        needs: Raises InputError where what it is made from is not there.
        of_patterns: Whether a pattern may be replaced by it: others would leave rows that do not sum to 1.
    """

    name: str
    make: Callable[[Model, Encoded, Activations, Material], Activations]
    needs: Callable[[Model, Encoded, Material], None] = needs_nothing_else
    of_patterns: bool = False
