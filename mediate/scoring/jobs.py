"""What is done with what is given: pairs against their twins, items by themselves against what is hidden."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mediate.errors import InputError
from mediate.mediation.names import USUAL, USUAL_OF_ONE
from mediate.pairs.pair import Item, Pair
from mediate.results.contrasts import HIDDEN, TWIN, Contrast
from mediate.scoring.controls import control_by_random_weights, control_pair
from mediate.scoring.item_controls import control_item, item_random_weights
from mediate.scoring.items import prepare_items
from mediate.scoring.measure import measure_items
from mediate.scoring.measure_items import measure_single_items
from mediate.scoring.plan import prepare_pairs
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
    """

    noun: str
    contrast: Contrast
    prepare: Callable[..., Any]
    measure: Callable[..., Any]
    control: Callable[..., Any]
    unlearnt: Callable[..., Any]


PAIRS = Job("pair", TWIN, prepare_pairs, measure_items, control_pair, control_by_random_weights)
ITEMS = Job("item", HIDDEN, prepare_items, measure_single_items, control_item, item_random_weights)


def job_of(given: Sequence[Pair] | Sequence[Item]) -> Job:
    """The job that what is given asks for.

    Raises:
        InputError: Pairs and items by themselves are mixed.
    """
    kinds = {isinstance(each, Item) for each in given}
    if len(kinds) > 1:
        raise InputError("pairs and items by themselves in one run; their shares are different quantities, so run each")
    return ITEMS if True in kinds else PAIRS


def fitting(job: Job, spec: ScoreSpec) -> ScoreSpec:
    """The choices of a run with outcomes that its contrast has; the usual ones of pairs stand for the usual ones.

    Raises:
        InputError: An outcome, or another choice, that the contrast cannot have.
    """
    if job is ITEMS and spec.outcomes == USUAL:
        spec = spec.model_copy(update={"outcomes": USUAL_OF_ONE})
    answers = 1 if job is ITEMS else 2
    wrong = next((each for each in spec.outcomes if each.answers != answers), None)
    if wrong is not None:
        of = "of two answers; an item by itself has one" if wrong.answers == 2 else "of one answer; a pair has two"
        raise InputError(f"outcome {wrong} is {of}")
    if job is ITEMS and spec.chains is not None:
        raise InputError("--chains takes another run's chains of pairs; give items with their chains (cot)")
    return spec
