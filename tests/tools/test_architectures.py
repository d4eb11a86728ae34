"""The table of architectures: rows that are right, wrong, refused and crashed, and the page that they make."""

from dataclasses import replace

import numpy as np
import pytest

from tools.architectures import plain, rows
from tools.architectures.models import SUBJECTS
from tools.architectures.rows import PARTS, QUESTIONS, Row, row
from tools.architectures.shapes import Subject
from tools.architectures.table import page


def subject(name: str) -> Subject:
    return next(each for each in SUBJECTS if each.name == name)


def test_there_are_sixty_classes_and_each_row_has_its_own_name() -> None:
    assert len({each.architecture for each in SUBJECTS}) >= 60
    assert len({each.name for each in SUBJECTS}) == len(SUBJECTS)


def test_a_page_of_two_classes_and_one_that_is_refused() -> None:
    names = ("Cohere2ForCausalLM", "OPTForCausalLM", "Gemma4ForCausalLM (head widths by layer)")
    found = [row(subject(name), seed=0) for name in names]
    assert set(found[0].errors) == {f"{questions} {part}" for questions in QUESTIONS for part in PARTS}
    assert set(found[1].errors) == {f"equal {part}" for part in PARTS}
    assert "heads 16 wide" in found[2].refused
    assert not any(each.wrong or each.crashed for each in found)
    assert max(max(each.errors.values()) for each in found[:2]) < 1e-12
    told = page(found, {"mediate": "0"}, seed=0)
    lines = told.splitlines()
    assert sum(line.startswith("| `") for line in lines) == 2
    assert "n = 3 models of 3 classes, 2 of them loaded; two pairs; seed 0." in told
    assert "than a refusal: none." in told
    assert any(line.startswith("- `Gemma4ForCausalLM (head widths by layer)`: layer 1 has") for line in lines)
    assert any(line.startswith("- `OPTForCausalLM`, unequal cube, ") and "not rotary" in line for line in lines)


@pytest.mark.parametrize("part", PARTS)
def test_a_number_that_is_wrong_is_told(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "QUESTIONS", {"equal": QUESTIONS["equal"]})
    monkeypatch.setattr(rows, "PARTS", (part,))
    real = plain.PARTS[part]
    monkeypatch.setitem(plain.PARTS, part, lambda model, texts: real(model, texts) + np.float64(1e-3))
    found = row(subject("GemmaForCausalLM"), seed=0)
    assert found.wrong == [f"equal {part}"]
    assert f"wrong: equal {part}" in found.told
    assert "than a refusal: GemmaForCausalLM." in page([found], {}, seed=0)


def test_a_crash_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    import mediate

    def burst(*args: object, **options: object) -> None:
        raise IndexError("list index\nout of range")

    monkeypatch.setattr(mediate, "load", burst)
    found = row(subject("GemmaForCausalLM"), seed=0)
    assert found.refused == "crashed: IndexError: list index out of range"
    assert found.crashed == ["load"]
    broken = replace(subject("GemmaForCausalLM"), config={"hidden_size": "wide"})
    assert row(broken, seed=0).refused.startswith("transformers does not build it")
    assert not Row("a").wrong
