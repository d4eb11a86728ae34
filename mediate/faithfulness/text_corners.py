"""The four probabilities of each pair's base answer: either question with either chain, from the cube."""

from collections.abc import Sequence
from dataclasses import replace

from mediate.mediation.names import BASE_PROB
from mediate.mediation.prepared_item import Prepared
from mediate.mediation.prepared_pair import PreparedPair
from mediate.mediation.procedures import PAIRS
from mediate.passes.store import Store
from mediate.results.folder import Results
from mediate.results.text_effects import TextCorners, text_corners_of
from mediate.scoring.measure import measure_items
from mediate.scoring.scored import Scored
from mediate.scoring.spec import ScoreSpec


def measure_text_corners(
    results: Results, items: Sequence[Prepared], spec: ScoreSpec, store: Store | None
) -> tuple[TextCorners, ...]:
    """The corners of every pair; none of items by themselves, whose question has no other.

    Where the run has the outcome itself, they are read off its cube.

    Args:
        results: What the run found.
        items: The measured items.
        spec: The choices of the run.
        store: Where cubes are looked up and kept.
    """
    pairs = [each for each in items if isinstance(each, PreparedPair)]
    cube = next((each for each in results.cubes if each.outcome == str(BASE_PROB)), None)
    if cube is not None:
        known = zip(cube.items, cube.groups, text_corners_of(cube.y).reshape(-1, 4).tolist(), strict=True)
        return tuple(TextCorners(item, group, *p) for item, group, p in known)
    if not pairs:
        return ()
    asked = [replace(each, outcomes=(BASE_PROB,), maps=()) for each in pairs]
    alone = spec.model_copy(update={"outcomes": (BASE_PROB,), "maps": (), "on_bad_item": "skip"})
    found = {
        scored.item.id: text_corners_of(scored.y)[0].ravel().tolist()
        for scored, _ in measure_items(PAIRS, pairs[0].model, asked, alone, store)
        if isinstance(scored, Scored)
    }
    return tuple(TextCorners(each.id, each.tokens.group, *found[each.id]) for each in pairs if each.id in found)
