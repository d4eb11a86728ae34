"""Which tokens a teacher and a student have in common."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from mediate.distill import vocabularies
from mediate.distill.vocabularies import shared_tokens
from mediate.errors import InputError
from mediate.models.model import Model
from tests import tiny


def named(name: str, tokens: list[str], rows: int | None = None) -> Model:
    """A model of these tokens, the last of which ends a text."""
    tokenizer = SimpleNamespace(get_vocab=lambda: {token: number for number, token in enumerate(tokens)})
    model = tiny.model("llama")
    return replace(model, tokenizer=tokenizer, facts=replace(model.facts, name=name, d_vocab=rows or len(tokens)))


@pytest.fixture(autouse=True)
def _ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabularies, "eos_ids", lambda model: [len(model.tokenizer.get_vocab()) - 1])


def test_equal_strings_are_one_token_and_ends_are_ends() -> None:
    found = shared_tokens(named("large", ["a", "b", "c", "<end>"]), named("small", ["b", "a", "<eos>"]))
    assert found.student.tolist() == [1, 0, -1, 2]
    assert found.teacher.tolist() == [1, 0, 3]
    assert found.share == 0.5


def test_rows_that_no_token_has_are_nobodys() -> None:
    found = shared_tokens(named("large", ["a", "b"], rows=4), named("small", ["a", "b"], rows=3))
    assert found.student.tolist() == [0, 1, -1, -1]
    assert found.share == 1


def test_too_few_in_common_are_refused() -> None:
    with pytest.raises(InputError, match=r"'small' has 33% of the tokens of the teacher 'large'.*one family"):
        shared_tokens(named("large", ["a", "b", "c"]), named("small", ["x", "y", "a"]))
