"""Items held against others on models with weights set by hand: the cube in closed form.

The model and its readers are those of `test_hidden_planted`. Against an item whose question is the digit x' and whose
chain is the digit w', with X = (x', x) and W = (w', w),

    Y[d, t, h] = direct * X[d] + m + gate * relu(X[d] + m - threshold),    m = text * W[t] + latent * X[h].
"""

from itertools import permutations
from typing import Any

import numpy as np
import pytest

import mediate as md
from mediate.results.contrasts import OTHER
from mediate.results.cube import CELLS, item_shares, shapley
from mediate.results.spread import spread
from tests.mediation.whole.test_hidden_planted import READERS, Reader, planted

OTHERS = {"near": (2, 1), "far": (7, 9), "same": (4, 6)}


def wanted(reader: Reader, x: int, w: int) -> np.ndarray:
    y = np.zeros((2, 2, 2))
    questions, words = (x, reader.x), (w, reader.w)
    for d, t, h in CELLS:
        m = reader.text * words[t] + reader.latent * questions[h]
        gate = max(0.0, questions[d] + m - reader.threshold)
        y[d, t, h] = reader.direct * questions[d] + m + reader.gate * gate
    return y


def over_orders(y: np.ndarray) -> np.ndarray:
    """What each channel adds, the mean over the six orders in which the three are switched to the item's own."""
    added = np.zeros(3)
    for order in permutations(range(3)):
        cell = [0, 0, 0]
        for channel in order:
            before = y[tuple(cell)]
            cell[channel] = 1
            added[channel] += (y[tuple(cell)] - before) / 6
    return added


def scored(reader: Reader, tmp_path: Any, **choices: Any) -> md.Scores:
    template = tmp_path / "blank.txt"
    template.write_text("\n{question}\n\n")
    options = ("yes", "no")
    items = [md.Item(str(reader.x), "yes", str(reader.w), id="planted", options=options)]
    items += [md.Item(str(x), "no", str(w), id=name, options=options) for name, (x, w) in OTHERS.items()]
    usual: dict[str, Any] = {"maps": (), "outcomes": ("margin", "logit"), "control_pairs": 0}
    chosen = usual | {"template": str(template), "against": "other", "store": False, "progress": False} | choices
    return md.score(planted(reader), items, **chosen)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_every_cell_is_the_closed_form_and_the_cube_is_their_mean(reader: Reader, tmp_path: Any) -> None:
    found = scored(reader, tmp_path)
    against = next(each for each in found.results.others if (each.item, each.outcome) == ("planted", "margin"))
    assert sorted(against.others) == sorted(OTHERS)
    closed = np.stack([wanted(reader, *OTHERS[name]) for name in against.others])
    np.testing.assert_allclose(against.y, closed, rtol=0, atol=1e-10)
    cube = found.results.cube("margin")
    assert cube.contrast is OTHER
    row = cube.items.index("planted")
    np.testing.assert_allclose(cube.y[row], closed.mean(axis=0), rtol=0, atol=1e-10)
    # Of all logits that of `yes` alone is not 0.
    ratio = found.results.cube("logit").y[row] / cube.y[row]
    np.testing.assert_allclose(ratio, ratio[1, 1, 1], rtol=0, atol=1e-10)
    np.testing.assert_allclose(shapley(cube.y, OTHER)[row], over_orders(closed.mean(axis=0)), rtol=0, atol=1e-10)


def test_the_spread_is_that_of_the_closed_forms(tmp_path: Any) -> None:
    reader = next(each for each in READERS if each.name == "gated")
    found = scored(reader, tmp_path)
    against = next(each for each in found.results.others if (each.item, each.outcome) == ("planted", "margin"))
    closed = np.stack([wanted(reader, *OTHERS[name]) for name in against.others])
    te = closed[:, 1, 1, 1] - closed[:, 0, 0, 0]
    there = abs(te) > 0.1  # against one of them, whose digits are the item's own the other way round, TE is 0
    mediated = (closed[:, 1, 1, 1] - closed[:, 1, 0, 0])[there] / te[there]
    own = spread(against)
    assert own.te == pytest.approx(np.std(te, ddof=1), abs=1e-9)
    assert own.shares[-1] == pytest.approx(np.std(mediated, ddof=1), abs=1e-9)
    assert (own.defined, len(te)) == (2, 3)


def test_a_reader_of_the_latent_state_alone_is_wholly_latent(tmp_path: Any) -> None:
    reader = next(each for each in READERS if each.latent)
    cube = scored(reader, tmp_path).results.cube("margin")
    np.testing.assert_allclose(item_shares(cube)[cube.items.index("planted"), :3], [0, 0, 1], rtol=0, atol=1e-10)
