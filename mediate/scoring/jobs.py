"""What is done with what is given: pairs against twins, items by themselves against what is hidden or other items."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from mediate.mediation import procedures
from mediate.mediation.procedures import PreparedT, Procedure, Runs
from mediate.models.model import Model
from mediate.pairs.pair import Item, Pair
from mediate.passes.store import Store
from mediate.results.contrasts import HIDDEN, OTHER, TWIN, Contrast
from mediate.scoring import item_others, items, pairs
from mediate.scoring.given import are_items
from mediate.scoring.item_replacements import Replacing, replacing_against_others, replacing_items
from mediate.scoring.placed_twins import placing_twins
from mediate.scoring.preparing import Draft, Given, Preparation
from mediate.scoring.spec import ScoreSpec


@dataclass(frozen=True, slots=True)
class Job(Generic[Given, Draft, PreparedT, Runs]):
    """A run of one sort of what is given.

    Args:
        contrast: What it is held against.
        preparation: How all that is given is put into tokens.
        procedure: How each is measured.
        replacing: Gives what replaces the chain of each with its question as it is, or how far off the distribution
            what takes its place is; None where nothing does.
    """

    contrast: Contrast
    preparation: Preparation[Given, Draft, PreparedT]
    procedure: Procedure[PreparedT, Runs]
    replacing: Callable[[Model, Sequence[PreparedT], ScoreSpec, Store | None], Replacing[PreparedT, Runs]] | None = None

    @property
    def noun(self) -> str:
        """What one of what is given is called."""
        return self.preparation.noun


PAIRS = Job(TWIN, pairs.PAIRS, procedures.PAIRS, placing_twins)
ITEMS = Job(HIDDEN, items.ITEMS, procedures.ITEMS, replacing_items)
AMONG_OTHERS = Job(OTHER, item_others.AMONG_OTHERS, procedures.AMONG_OTHERS, replacing_against_others)


def job_of(given: Sequence[Pair] | Sequence[Item], against: str | None = None) -> Job[Any, Any, Any, Any]:
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
