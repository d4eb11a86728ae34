"""Names that stand for several maps: what a question about a chain takes, of pairs and of items. Imports no torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations


@dataclass(frozen=True, slots=True)
class Preset:
    """Maps under one name.

    Args:
        name: As `--maps` takes it.
        asks: The question that they answer.
        pairs: The maps of pairs.
        items: The maps of items by themselves, which have no twin.
    """

    name: str
    asks: str
    pairs: tuple[str, ...]
    items: tuple[str, ...]


PRESETS = (
    Preset(
        "quick",
        "Which step and which layer carry the answer, at the least cost?",
        ("read:step", "read:layer"),
        ("knockout:step", "knockout:layer"),
    ),
    Preset(
        "steps",
        "Which steps does the answer need, and what do the steps pass on to each other?",
        ("read:step,layer", "graft:step", "step_graph.read:step,result"),
        ("knockout:step,layer", "ablate.shuffled.resid_post:step"),
    ),
    Preset(
        "layers",
        "In which layers does the chain's content stand, and in which is it read?",
        ("read:step,layer", "state.resid_post:step,layer", "state.attn_out:layer", "state.mlp_out:layer"),
        ("knockout:step,layer", "ablate.zero.attn_out:layer", "ablate.zero.mlp_out:layer"),
    ),
    Preset(
        "heads",
        "Which heads read the chain, and which write what is read?",
        ("read:layer,kv_head", "attribution.z:layer,head"),
        ("knockout:layer,head", "attribution.zero.z:layer,head"),
    ),
)


def preset_named(name: str) -> Preset | None:
    """The preset of that name; None where it is a map's own."""
    return next((each for each in PRESETS if each.name == name), None)


def without_presets(names: Sequence[str], *, items: bool) -> tuple[str, ...]:
    """The maps that are asked for, with those of a preset in its place; each once.

    Args:
        names: Maps and presets.
        items: Whether items by themselves are measured, rather than pairs.
    """
    found: list[str] = []
    for name in names:
        preset = preset_named(name)
        found += [name] if preset is None else preset.items if items else preset.pairs
    return tuple(dict.fromkeys(found))


def is_of_presets(names: Sequence[str]) -> bool:
    """Whether maps are exactly those that presets stand for, so that an item may do without one that it does not allow.

    Maps under a name of their own must be possible for all. Told by the list alone, so that a run is the same run
    whether it was asked for by the name of a preset or by the names of its maps.
    """
    return set(names) in [set(each) for each in _unions()]


def _unions() -> Iterator[tuple[str, ...]]:
    for count in range(1, len(PRESETS) + 1):
        for chosen in combinations([each.name for each in PRESETS], count):
            yield from (without_presets(chosen, items=items) for items in (False, True))
