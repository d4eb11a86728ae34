import math
from dataclasses import replace

import pytest

from mediate.report.run.remarks import notes, pulls
from mediate.stats import Estimate
from tests.figures.records import fake_results

PULL = "The channels pull against each other"


def estimate(value: float, low: float = math.nan, high: float = math.nan) -> Estimate:
    return Estimate(value, low, high, 0.95, 3, 2, "method", 0, "one group" if math.isnan(low) else "")


@pytest.mark.parametrize(
    ("written", "writer", "said"),
    [
        (0, "", "The chains were given."),
        (0, "model-b", "model-b wrote the chains."),
        (2, "", "The model wrote both chains of 2 of 4 items; the other chains were given."),
        (4, "", "The model wrote all chains itself."),
    ],
)
def test_who_wrote_the_chains(written: int, writer: str, said: str) -> None:
    results = fake_results(4)
    items = tuple(
        replace(
            item,
            base=replace(item.base, written=place < written),
            source=item.source and replace(item.source, written=place < written),
        )
        for place, item in enumerate(results.items)
    )
    manifest = {**results.manifest, "writer": {"name": writer} if writer else {}}
    assert notes(replace(results, items=items, manifest=manifest)).count(said) == 1


@pytest.mark.parametrize(
    ("direct", "text", "latent", "mediated", "said"),
    [
        ((0.1, 0.0, 0.2), (0.9, 0.8, 1.1), (0.0, -0.1, 0.1), (1.0, 0.9, 1.1), ""),
        (
            (-0.3, -0.4, -0.2),
            (1.3, 1.1, 1.5),
            (0.0, -0.1, 0.1),
            (1.2, 1.1, 1.3),
            f"{PULL} (direct against text and latent)",
        ),
        (
            (-0.2, -0.5, 0.1),
            (1.3, 1.1, 1.5),
            (-0.1, -0.3, 0.1),
            (1.2, 0.9, 1.5),
            f"{PULL} (text against direct and latent together)",
        ),
        ((-0.3,), (1.5,), (-0.2,), (1.2,), f"{PULL} (direct and latent against text)"),
        ((0.2,), (0.6,), (0.2,), (1.2,), "The mediated share is above 100 %: without the item's own chain"),
        ((0.002,), (0.998,), (0.0,), (1.002,), "The mediated share is above 100 %: without the item's own chain"),
        ((0.9,), (0.1,), (0.0,), (-0.2,), "The mediated share is below 0: beside the item's own question"),
        ((-0.0004,), (1.0008,), (-0.0004,), (1.0,), ""),
        (
            (0.0, 0.0, 0.1),
            (1.0, 0.9, 1.1),
            (-0.1, -0.3, 0.1),
            (1.0, 1.0, 1.0),
            "Latent −10\xa0% [−30, 10] is below 0 %, but the interval holds that end",
        ),
        (
            (-0.256, -0.558, 0.046),
            (0.89, 0.635, 1.146),
            (0.366, -1.951, 2.683),
            (1.357, -3.617, 6.33),
            "Direct −26\xa0% [−56, 5] is below 0 % and mediated 136\xa0% [−362, 633] is above 100 %, but their",
        ),
        ((-1e-9,), (1.0000001,), (0.0,), (1.0,), ""),
        ((math.nan,), (math.nan,), (math.nan,), (math.nan,), ""),
    ],
)
def test_channels_pull_apart_where_their_intervals_say_so(
    direct: tuple[float, ...],
    text: tuple[float, ...],
    latent: tuple[float, ...],
    mediated: tuple[float, ...],
    said: str,
) -> None:
    named = {"direct": direct, "text": text, "latent": latent, "mediated": mediated}
    found = pulls({name: estimate(*each) for name, each in named.items()})
    assert len(found) == bool(said)
    assert all(each.startswith(said) and each.endswith("nothing is clipped.") for each in found)


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (3, ""),
        (4, "4 groups are few: an interval may be 11 times as wide"),
        (7, "With 8 it is 4 times at most."),
        (8, ""),
    ],
)
def test_few_groups_are_told(groups: int, said: str) -> None:
    results = fake_results(groups, undefined=False)
    names = tuple(f"g{place}" for place in range(groups))
    cubes = tuple(replace(cube, groups=names) for cube in results.cubes)
    told = [each for each in notes(replace(results, cubes=cubes)) if "groups are few" in each]
    assert len(told) == bool(said)
    assert all(said in each for each in told)
