"""A run of items that are held against other items of the same file: which others each one is held against."""

from collections.abc import Sequence

from mediate.errors import ItemError
from mediate.mediation.against_others import against_others
from mediate.mediation.others import without_other
from mediate.mediation.prepared_item import PreparedItem
from mediate.models.model import Model
from mediate.pairs.pair import Item
from mediate.passes.store import Store
from mediate.results.told import Reject
from mediate.scoring.items import prepare_items
from mediate.scoring.spec import ScoreSpec


def prepare_against_others(
    model: Model,
    items: Sequence[Item],
    spec: ScoreSpec,
    store: Store | None,
    *,
    unread: Sequence[ItemError] = (),
    progress: bool = False,
) -> tuple[tuple[PreparedItem, ...], tuple[Reject, ...]]:
    """`prepare_items`, each with the others that it is held against; they are drawn from all that can be measured.

    An item that has none is left out and counted, like one that a model wrote badly: nothing is wrong with it.

    Raises:
        ItemError: A bad item that ends the run, or an item without others where every error does.
        InputError: As `prepare_items`, or no item at all has another.
    """
    prepared, rejects = prepare_items(model, items, spec, store, unread=unread, progress=progress)
    held = against_others(model, prepared, spec.others, seed=spec.seed)
    without: list[Reject] = []
    for each in held:
        if not each.others:
            error = without_other(each.tokens)
            if spec.on_bad_item == "error":
                raise error
            without.append(Reject(error.item, error.code, error.reason, each.item.place))
    return tuple(each for each in held if each.others), (*rejects, *without)
