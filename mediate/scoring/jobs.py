"""What is done with what is given: pairs against twins, items by themselves against what is hidden or other items."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mediate.mediation.names import MapSpec
from mediate.pairs.pair import Item, Pair
from mediate.results.contrasts import HIDDEN, OTHER, TWIN, Contrast
from mediate.scoring.controls import control_by_random_weights, control_pair
from mediate.scoring.given import are_items
from mediate.scoring.item_controls import control_item, item_random_weights
from mediate.scoring.item_others import prepare_against_others
from mediate.scoring.item_replacements import replacing_items
from mediate.scoring.items import item_maps, prepare_items
from mediate.scoring.measure import measure_items
from mediate.scoring.measure_items import measure_against_others, measure_single_items
from mediate.scoring.plan import prepare_pairs, wanted_maps
from mediate.scoring.spec import ScoreSpec


@dataclass(frozen=True, slots=True)
class Job:
    """The stages of a run.

    Args:
        noun: What one of what is given is called.
        contrast: What it is held against.
        prepare: Puts all that is given into tokens, and says what is left out.
        measure: Measures each.
        control: Runs the controls of one on the model itself.
        unlearnt: Runs those of all on a model of random weights.
        maps: The maps that a run is asked for.
        replacing: Gives what replaces the chain of each with its question as it is; None where nothing does.
    """

    noun: str
    contrast: Contrast
    prepare: Callable[..., Any]
    measure: Callable[..., Any]
    control: Callable[..., Any]
    unlearnt: Callable[..., Any]
    maps: Callable[[ScoreSpec], tuple[MapSpec, ...]]
    replacing: Callable[..., Any] | None = None


PAIRS = Job("pair", TWIN, prepare_pairs, measure_items, control_pair, control_by_random_weights, wanted_maps)
ITEMS = Job(
    "item", HIDDEN, prepare_items, measure_single_items, control_item, item_random_weights, item_maps, replacing_items
)
AMONG_OTHERS = replace(ITEMS, contrast=OTHER, prepare=prepare_against_others, measure=measure_against_others)


def job_of(given: Sequence[Pair] | Sequence[Item], against: str | None = None) -> Job:
    """The job that what is given asks for.

    Args:
        given: Pairs or items by themselves.
        against: What they are held against, where that is not what goes without saying.

    Raises:
        InputError: Pairs and items by themselves are mixed.
    """
    if not are_items(given):
        return PAIRS
    return AMONG_OTHERS if against == OTHER.name else ITEMS
