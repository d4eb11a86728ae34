"""models.turning: each way of turning, by hand."""

import math

import pytest
import torch

from mediate.models.turning import WAYS, Turning, sine_table, spun
from tests import tiny

WIDTH, HALF = 10, 3
ANGLES = torch.tensor([[0.3, 0.5, 0.7], [1.1, 1.3, 1.7]], dtype=torch.float64)
# By whether neighbours are paired and whether the last channels turn: the pairs, and what stays.
PAIRS = {
    (False, False): ([(0, 3), (1, 4), (2, 5)], (6, 7, 8, 9)),
    (True, False): ([(0, 1), (2, 3), (4, 5)], (6, 7, 8, 9)),
    (False, True): ([(4, 7), (5, 8), (6, 9)], (0, 1, 2, 3)),
    (True, True): ([(4, 5), (6, 7), (8, 9)], (0, 1, 2, 3)),
}


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_pairs_of_channels_turn_and_the_others_stay(way: Turning) -> None:
    keys = torch.randn(2, 2, WIDTH, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = spun(keys, torch.polar(torch.ones_like(ANGLES), ANGLES), way)
    pairs, rest = PAIRS[way.neighbours, way.last]
    for head in (0, 1):
        for place in (0, 1):
            key, turned = keys[head, place].tolist(), found[head, place].tolist()
            for (one, other), angle in zip(pairs, ANGLES[place].tolist(), strict=True):
                by = -angle if way.reverse else angle
                assert turned[one] == pytest.approx(key[one] * math.cos(by) - key[other] * math.sin(by), abs=1e-12)
                assert turned[other] == pytest.approx(key[other] * math.cos(by) + key[one] * math.sin(by), abs=1e-12)
            assert [turned[each] for each in rest] == [key[each] for each in rest]


def test_there_are_eight_ways_and_one_of_them_is_usual() -> None:
    assert len(set(WAYS)) == 8
    assert [way.usual for way in WAYS] == [True] + [False] * 7
    assert not Turning(still=True).usual


def test_the_table_of_gpt_j_is_cosines_and_sines_by_place() -> None:
    table = sine_table(tiny.plain_model("GPTJForCausalLM"))
    assert table is not None
    angle = 5 / 10000 ** (2 / 4)
    assert table[5, 1].tolist() == pytest.approx(complex(math.cos(angle), math.sin(angle)), abs=1e-6)
    assert sine_table(tiny.plain_model("llama")) is None
    assert sine_table(tiny.plain_model("OPTForCausalLM")) is None
