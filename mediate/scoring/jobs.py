"""What is done with what is given: pairs against twins, items by themselves against what is hidden or other items."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from mediate.errors import ItemError
from mediate.mediation import procedures
from mediate.mediation.names import MapSpec
from mediate.mediation.procedures import PreparedT, Procedure, Runs
from mediate.models.model import Model
from mediate.pairs.pair import Item, Pair
from mediate.passes.store import Store
from mediate.results.contrasts import HIDDEN, OTHER, TWIN, Contrast
from mediate.results.told import Reject
from mediate.scoring.given import are_items
from mediate.scoring.item_others import prepare_against_others
from mediate.scoring.item_replacements import Replacing, replacing_against_others, replacing_items
from mediate.scoring.items import item_maps, prepare_items
from mediate.scoring.pairs import prepare_pairs, wanted_maps
from mediate.scoring.placed_twins import placing_twins
from mediate.scoring.spec import ScoreSpec

Given = TypeVar("Given", Pair, Item)
Given_in = TypeVar("Given_in", Pair, Item, contravariant=True)
Prepared_out = TypeVar("Prepared_out", covariant=True)


@runtime_checkable
class Prepare(Protocol[Given_in, Prepared_out]):
    """Puts all that is given into tokens, and says what is left out."""

    def __call__(
        self,
        model: Model,
        given: Sequence[Given_in],
        spec: ScoreSpec,
        store: Store | None,
        /,
        *,
        unread: Sequence[ItemError] = (),
        progress: bool = False,
    ) -> tuple[tuple[Prepared_out, ...], tuple[Reject, ...]]:
        """The items that will be measured, and what is left out."""


@dataclass(frozen=True, slots=True)
class Job(Generic[Given, PreparedT, Runs]):
    """A run of one sort of what is given.

    Args:
        noun: What one of what is given is called.
        contrast: What it is held against.
        prepare: Puts all that is given into tokens, and says what is left out.
        procedure: How each is measured.
        maps: The maps that a run is asked for.
        replacing: Gives what replaces the chain of each with its question as it is, or how far off the distribution
            what takes its place is; None where nothing does.
    """

    noun: str
    contrast: Contrast
    prepare: Prepare[Given, PreparedT]
    procedure: Procedure[PreparedT, Runs]
    maps: Callable[[ScoreSpec], tuple[MapSpec, ...]]
    replacing: Callable[[Model, Sequence[PreparedT], ScoreSpec, Store | None], Replacing[PreparedT, Runs]] | None = None


PAIRS = Job("pair", TWIN, prepare_pairs, procedures.PAIRS, wanted_maps, placing_twins)
ITEMS = Job("item", HIDDEN, prepare_items, procedures.ITEMS, item_maps, replacing_items)
AMONG_OTHERS = Job("item", OTHER, prepare_against_others, procedures.AMONG_OTHERS, item_maps, replacing_against_others)


def job_of(given: Sequence[Pair] | Sequence[Item], against: str | None = None) -> Job[Any, Any, Any]:
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
