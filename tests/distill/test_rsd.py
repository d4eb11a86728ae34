"""Traces written together by scripted models: how each comes to its end, and that company changes nothing."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from mediate.distill import rsd
from mediate.distill.rsd import Ending, Together, ToWrite, write_together
from mediate.distill.speculative import SpeculativeRule
from mediate.distill.vocabularies import Shared
from mediate.errors import InputError
from mediate.models.model import Model
from tests import tiny

END = 4
SAME = Shared(torch.arange(5), torch.arange(5), 1.0)
RULE = SpeculativeRule(top=5, likely=0.01, trials=5, temperature=1.0, top_p=1.0)
Script = Callable[[list[int]], int | None]


class Scripted:
    """Sequences of a model that is sure of its next token, or at a loss."""

    def __init__(self, model: Model, prompts: Sequence[Sequence[int]]) -> None:
        self.script: Script = model.bridge.script
        self.rows = [list(each) for each in prompts]
        self.fed = model.bridge.fed

    def grow(self, tokens: torch.Tensor) -> None:
        self.fed.append(tokens.tolist())
        for row, token in zip(self.rows, tokens.tolist(), strict=True):
            row.append(token)

    def keep(self, rows: torch.Tensor) -> None:
        self.rows = [self.rows[row] for row in rows.tolist()]

    @property
    def logits(self) -> torch.Tensor:
        found = torch.zeros(len(self.rows), 5)
        for place, row in enumerate(self.rows):
            token = self.script(row)
            if token is not None:
                found[place, token] = 30.0
        return found


def model(script: Script, ends: Sequence[int] = (END,)) -> Model:
    return replace(tiny.model("llama"), bridge=SimpleNamespace(script=script, ends=list(ends), fed=[]))


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rsd, "Stepping", Scripted)
    monkeypatch.setattr(rsd, "leanly", lambda model: nullcontext())
    monkeypatch.setattr(rsd, "eos_ids", lambda model: model.bridge.ends)


def counting(row: list[int]) -> int:
    """Writes 0, 1, 2 and ends."""
    return (0, 1, 2, END)[min(len(row) - 1, 3)]


def together(
    teacher: Model, student: Model, prompts: Sequence[int] = (9,), most: int = 10, shared: Shared = SAME
) -> list[Together]:
    traces = [ToWrite((each,), (each,), (0, each), most) for each in prompts]
    return write_together((teacher, student), traces, shared, RULE)


def test_the_students_end_closes_a_trace() -> None:
    (found,) = together(model(counting), model(counting))
    assert (found.tokens, found.draws, found.ending) == ([0, 1, 2], [1, 1, 1], Ending.CLOSED)
    assert found.fallback == 0


def test_what_the_student_refuses_it_draws_itself() -> None:
    (found,) = together(model(lambda row: 3), model(counting))
    assert (found.tokens, found.draws) == ([0, 1, 2], [0, 0, 0])
    assert found.fallback == 1
    (found,) = together(model(lambda row: 3 if len(row) == 2 else counting(row)), model(counting))
    assert found.draws == [1, 0, 1]


def test_a_trace_that_does_not_end_is_cut_off() -> None:
    (found,) = together(model(lambda row: 1), model(lambda row: 1), most=6)
    assert (len(found.tokens), found.ending) == (6, Ending.LENGTH)


def test_one_of_which_nothing_is_accepted_is_given_up() -> None:
    (found,) = together(model(lambda row: 3), model(lambda row: 1), most=100)
    assert (len(found.tokens), found.ending) == (rsd.NONE_ACCEPTED, Ending.REJECTED)
    late = model(lambda row: 1 if len(row) == rsd.NONE_ACCEPTED else 3)
    (found,) = together(late, model(lambda row: 1), most=100)
    assert (len(found.tokens), found.ending) == (100, Ending.LENGTH)


def test_without_a_token_in_common_it_is_at_its_end() -> None:
    nothing = Shared(torch.full((5,), -1), torch.full((5,), -1), 0.6)
    (found,) = together(model(counting), model(counting), shared=nothing)
    assert (found.tokens, found.ending) == ([], Ending.APART)


def test_each_reads_its_own_tokens() -> None:
    turned = Shared(torch.arange(4, -1, -1), torch.arange(4, -1, -1), 1.0)
    teacher, student = model(lambda row: 4 - counting(row)), model(counting)
    together(teacher, student, shared=turned)
    assert student.bridge.fed == [[0], [1], [2]]
    assert teacher.bridge.fed == [[4], [3], [2]]


def test_company_changes_no_trace() -> None:
    def undecided(row: list[int]) -> int | None:
        return None if len(row) < 5 + row[0] % 3 else END

    beside = together(model(undecided), model(undecided), prompts=range(10, 18))
    alone = [together(model(undecided), model(undecided), prompts=[each])[0] for each in range(10, 18)]
    assert [each.tokens for each in beside] == [each.tokens for each in alone]
    assert len({tuple(each.tokens) for each in beside}) > 4


def test_a_student_that_cannot_end_is_refused() -> None:
    with pytest.raises(InputError, match="no token that ends a text"):
        together(model(counting), model(counting, ends=()))
