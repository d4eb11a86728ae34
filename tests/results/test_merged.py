"""Parts of a run as the whole: the same whatever the parts are and in whatever order they come."""

from dataclasses import replace

import numpy as np
import pytest

from mediate.results import Cube, Reject, Results
from mediate.results.cube import select
from mediate.results.folder import write_results
from mediate.results.merged import merged
from tests.figures.records import fake_results


def only(results: Results, names: set[str]) -> Results:
    """What results say of some items."""
    return replace(
        results,
        items=tuple(each for each in results.items if each.id in names),
        cubes=tuple(select(cube, list(names)) for cube in results.cubes),
        cut=tuple(select(cube, list(names)) for cube in results.cut),
        maps=tuple(each for each in results.maps if each.item in names),
        controls=tuple(each for each in results.controls if each.item in names),
        rejects=tuple(each for each in results.rejects if each.item in names),
    )


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_parts_in_any_order_are_the_whole(tmp_path, count: int) -> None:
    known = fake_results(9, layers=3)
    left_out = tuple(Reject(each.id, "no_rival", "it has none", part="logprob") for each in known.items[::3])
    whole = replace(known, rejects=left_out)
    order = [each.id for each in whole.items]
    draw = np.random.default_rng(count)
    parts = [only(whole, set(some)) for some in np.array_split(draw.permutation(order).tolist(), count)]
    found = merged(parts, order, outcomes=[cube.outcome for cube in whole.cubes], manifest=whole.manifest)
    write_results(tmp_path / "found", found)
    write_results(tmp_path / "whole", whole)
    for file in (each for each in (tmp_path / "whole").rglob("*") if each.is_file()):
        assert (tmp_path / "found" / file.relative_to(tmp_path / "whole")).read_bytes() == file.read_bytes(), file


def test_an_outcome_that_some_items_lack_keeps_its_place() -> None:
    def part(item: str, *outcomes: str) -> Results:
        y = np.arange(8.0).reshape(1, 2, 2, 2)
        named = replace(fake_results(1, layers=1).items[0], id=item)
        return Results({}, (named,), tuple(Cube(y, (item,), (item,), outcome) for outcome in outcomes))

    parts = [part("b", "logit"), part("a", "margin", "logit")]
    found = merged(parts, ["a", "b"], outcomes=["margin", "logit"], manifest={})
    assert [(cube.outcome, cube.items) for cube in found.cubes] == [
        ("margin", ("a",)),
        ("logit", ("a", "b")),
    ]


def test_an_item_of_two_parts_or_of_none_is_an_error() -> None:
    part = fake_results(3, layers=1)
    order = [each.id for each in part.items]
    with pytest.raises(ValueError, match="is in two parts"):
        merged([part, part], order, manifest={})
    with pytest.raises(ValueError, match="is none of the run's"):
        merged([part], order[1:], manifest={})
