"""A run of items that are held against other items of the same file: which others each one is held against."""

from collections.abc import Sequence
from dataclasses import replace

from mediate.mediation.against_others import against_others
from mediate.mediation.maps import MapSpec
from mediate.mediation.others import without_other
from mediate.mediation.prepared_item import PreparedItem
from mediate.models.model import Model
from mediate.results.told import Reject, left_out_by
from mediate.scoring.items import ITEMS, with_references
from mediate.scoring.spec import ScoreSpec


def _among_others(
    model: Model, items: Sequence[PreparedItem], spec: ScoreSpec, wanted: Sequence[MapSpec]
) -> tuple[tuple[PreparedItem, ...], tuple[Reject, ...]]:
    """The items, each with the others that it is held against; they are drawn from all that can be measured.

    An item that has none is left out and counted, like one that a model wrote badly: nothing is wrong with it.

    Raises:
        ItemError: An item without others, where every error ends the run.
        InputError: No item at all has another.
    """
    found, _ = with_references(model, items, spec, wanted)
    held = against_others(model, found, spec.others, seed=spec.seed)
    without: list[Reject] = []
    for each in held:
        if not each.others:
            error = without_other(each.tokens)
            if spec.on_bad_item == "error":
                raise error
            without.append(left_out_by(error, each.item.place))
    return tuple(each for each in held if each.others), tuple(without)


AMONG_OTHERS = replace(ITEMS, together=_among_others)
