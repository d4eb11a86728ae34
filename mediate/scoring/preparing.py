"""What a run will measure, decided and in tokens before anything is measured: pairs and items by the same stages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mediate.errors import InputError, ItemError
from mediate.mediation.encoding import check_prompt
from mediate.mediation.maps import MapSpec, check_offered
from mediate.mediation.procedures import PreparedT
from mediate.models.model import Model
from mediate.pairs.pair import Item, Pair
from mediate.passes.store import Store
from mediate.results.told import Reject, left_out_by
from mediate.scoring.chains import NOT_SOLVED
from mediate.scoring.given import nothing_left
from mediate.scoring.spec import ScoreSpec

Given = TypeVar("Given", bound=Pair | Item)
Draft = TypeVar("Draft")


@dataclass(frozen=True, slots=True)
class Preparation(Generic[Given, Draft, PreparedT]):
    """How what is given of one sort is put into tokens, a stage at a time.

    Args:
        noun: What one of what is given is called.
        maps: The maps that a run is asked for. Raises InputError where one is none of this sort.
        draft: What can be in tokens before a chain is written; the last argument are the maps. Raises ItemError where
            it cannot be measured as it was given.
        with_chains: The drafts that have chains, written by the model where none was given, with what the model answers
            where it is asked; and why the others have none. The last argument is whether to show bars.
        prepared: A draft with its chain as it will be measured, and what of it is left out. Raises ItemError where it
            cannot be measured.
        together: All of them with what each takes of the others, and what is left out for want of that.
    """

    noun: str
    maps: Callable[[ScoreSpec], tuple[MapSpec, ...]]
    draft: Callable[[Model, Given, ScoreSpec, Sequence[MapSpec]], Draft]
    with_chains: Callable[[Model, Sequence[Draft], ScoreSpec, Store | None, bool], tuple[list[Draft], list[ItemError]]]
    prepared: Callable[[Model, Draft, ScoreSpec, tuple[MapSpec, ...]], tuple[PreparedT, Sequence[Reject]]]
    together: Callable[
        [Model, Sequence[PreparedT], ScoreSpec, Sequence[MapSpec]], tuple[tuple[PreparedT, ...], Sequence[Reject]]
    ]


def prepare(
    how: Preparation[Given, Draft, PreparedT],
    model: Model,
    given: Sequence[Given],
    spec: ScoreSpec,
    store: Store | None,
    *,
    unread: Sequence[ItemError] = (),
    progress: bool = False,
) -> tuple[tuple[PreparedT, ...], tuple[Reject, ...]]:
    """Puts all that is given into tokens, letting the model write what is missing, and decides what can be measured.

    Whatever is wrong with it as it was given is found before the model writes anything.

    Returns:
        The items that will be measured, and what is left out.

    Raises:
        ItemError: A bad item that ends the run.
        InputError: The model does not allow what is asked for, or nothing can be measured.
    """
    wanted = how.maps(spec)
    for each in wanted:
        check_offered(model, each)
    check_prompt(model.need_tokenizer(), spec.template, spec.answer_cue)
    errors, left_out = list(unread), list[Reject]()

    def leave_out(error: ItemError) -> None:
        if spec.stops_at(error):
            raise error
        errors.append(error)

    sound: list[Draft] = []
    for one in given:
        try:
            sound.append(how.draft(model, one, spec, wanted))
        except ItemError as error:
            leave_out(error)
    drafts, unusable = how.with_chains(model, sound, spec, store, progress)
    # What the model wrote is in the store: asked again with `skip`, it does not write it again.
    broken = next((error for error in unusable if error.code != NOT_SOLVED and spec.stops_at(error)), None)
    if broken is not None:
        raise broken
    errors += unusable
    items: list[PreparedT] = []
    for draft in drafts:
        try:
            item, parts = how.prepared(model, draft, spec, wanted)
        except ItemError as error:
            leave_out(error)
            continue
        items.append(item)
        left_out += parts
    rejects = [*(left_out_by(error) for error in errors), *left_out]
    if not items:
        raise InputError(nothing_left([(each.item, each.code, each.reason) for each in rejects], how.noun))
    together, alone = how.together(model, items, spec, wanted)
    return together, (*rejects, *alone)
