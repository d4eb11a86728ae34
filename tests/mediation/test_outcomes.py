"""mediation.outcomes: passes that are read off together say what each says by itself."""

import numpy as np
import pytest
import torch

from mediate.mediation import outcomes as room
from mediate.mediation.encoding import Readers
from mediate.mediation.names import BASE_PROB
from mediate.mediation.outcomes import USUAL, Outcome, read_off, read_off_all, reading

VOCABULARY = 11
READERS = (
    Readers((1, 2), base=(3,), source=(4,)),
    Readers((1, 2), base=(5,), source=(9,)),
    Readers((1,), base=(3, 6), source=(3, 7)),
    Readers((1,), base=(8, 2), source=(8, 5)),
    Readers((1, 2), base=(5, 1, 2), source=(9,)),
)


def passes(wanted: tuple[Outcome, ...]):
    """Three passes by each readers, in turn, with the logits of each."""
    readouts = [reading(each, torch.device("cpu"), wanted) for each in READERS] * 3
    drawn = torch.Generator().manual_seed(0)
    return readouts, [torch.randn(len(each.ids), each.last, VOCABULARY, generator=drawn) for each in readouts]


@pytest.mark.parametrize("held", [1, 2**22])
@pytest.mark.parametrize("wanted", [USUAL, (Outcome.LOGIT_DIFF,), (*USUAL, BASE_PROB)])
def test_together_is_as_one_by_one(wanted: tuple[Outcome, ...], held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LOGITS", held)
    readouts, logits = passes(wanted)
    found = read_off_all(readouts, logits, wanted)
    alone = [[read_off(own, each, outcome) for own, each in zip(readouts, logits, strict=True)] for outcome in wanted]
    np.testing.assert_array_equal(found, np.array(alone))
    assert len(set(found.ravel().round(9))) > len(found.ravel()) / 2


def test_readers_that_are_laid_out_alike_are_read_off_together(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    real = room.logit_diffs
    monkeypatch.setattr(room, "logit_diffs", lambda own, logits: counts.append(len(own)) or real(own, logits))
    read_off_all(*passes(USUAL), USUAL)
    assert sorted(counts) == [3, 6, 6]
