"""Reading data files, making examples of pairs, and the held-out part."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.errors import InputError, ItemError
from mediate.pairs import parse_answer, write_pairs
from mediate.tasks import generate_pairs
from mediate.tasks.problems import problem_pairs
from mediate.tuning.examples import Example, data_fingerprint, examples_of_pairs, scan_examples
from mediate.tuning.splitting import split, units
from tests.tuning.subjects import written

GOOD = {"question": "Tom has 3 apples.", "chain": "He has 3.", "answer": 3}


def test_a_file_is_read_in_its_order(tmp_path: Path) -> None:
    file = written(tmp_path / "d.jsonl", [
        GOOD, "", GOOD | {"id": 7, "group": "g", "rejected": "He has 4.", "rejected_answer": 4, "meta": {"a": 1}}
    ])  # fmt: skip
    found, pairs = scan_examples(file)
    assert (found.errors, pairs) == ((), ())
    one, two = found.examples
    assert one == Example(f"{file}:1", GOOD["question"], GOOD["question"], "3", "He has 3.", place=f"{file}:1")
    assert two == Example("7", "g", GOOD["question"], "3", "He has 3.", "He has 4.", "4", f"{file}:3")


@pytest.mark.parametrize(("line", "named"), [
    ("{not json", r"d\.jsonl:2: not JSON"),
    ("[1]", r"d\.jsonl:2: the line: .*; give text"),
    ({"chain": "c", "answer": "3"}, r"d\.jsonl:2: 'question' is missing"),
    ({"question": "q", "chain": "c"}, r"d\.jsonl:2: 'answer' is missing"),
    (GOOD | {"cot": "c"}, r"d\.jsonl:2: unknown key 'cot'; allowed are id, group"),
    (GOOD | {"chain": 5}, r"d\.jsonl:2: chain: .*string"),
    (GOOD | {"answer": 1.5}, r"d\.jsonl:2: answer: "),
    (GOOD | {"chain": "  "}, r"d\.jsonl:2: .*the chain is empty"),
    (GOOD | {"id": "a"}, r"d\.jsonl:2: item 'a': the id is already at .*d\.jsonl:1"),
])  # fmt: skip
def test_a_bad_line_is_named(line: Any, named: str, tmp_path: Path) -> None:
    found, _ = scan_examples(written(tmp_path / "d.jsonl", [GOOD | {"id": "a"}, line, GOOD | {"id": "b"}]))
    (error,) = found.errors
    with pytest.raises(ItemError, match=named):
        raise error
    assert [each.id for each in found.examples] == ["a", "b"]


@pytest.mark.parametrize(("line", "named"), [
    ('{"question": "q", "chain": "c", "answer": "3", "answer": "4"}', r"d\.jsonl:2: the key 'answer' occurs twice"),
    ('{"question": "\\ud83d", "chain": "c", "answer": "3"}', r"d\.jsonl:2: a text holds half of a surrogate pair"),
    ('{"question": "q", "chain": "c", "answer": NaN}', r"d\.jsonl:2: NaN is not JSON"),
])  # fmt: skip
def test_lines_are_read_as_those_of_pairs_are(line: str, named: str, tmp_path: Path) -> None:
    found, _ = scan_examples(written(tmp_path / "d.jsonl", [GOOD, line]))
    with pytest.raises(ItemError, match=named):
        raise found.errors[0]


def test_files_without_examples(tmp_path: Path) -> None:
    for content in ("", "\n \n"):
        (tmp_path / "e.jsonl").write_text(content)
        with pytest.raises(InputError, match="holds no examples"):
            scan_examples(tmp_path / "e.jsonl")
    with pytest.raises(InputError, match="no such file"):
        scan_examples(tmp_path / "none.jsonl")


def test_a_pairs_file_serves_with_the_other_world_rejected(tmp_path: Path) -> None:
    pairs = generate_pairs(2, steps=2, with_cot=True)
    write_pairs(tmp_path / "p.jsonl", pairs)
    found, read = scan_examples(tmp_path / "p.jsonl")
    assert len(read) == 2
    base, source = found.examples[:2]
    assert (base.id, source.id) == (f"{pairs[0].id}/base", f"{pairs[0].id}/source")
    assert (base.question, base.answer, base.chain) == (
        pairs[0].base.question, pairs[0].base.answer, pairs[0].base.cot
    )  # fmt: skip
    assert (base.rejected, base.rejected_answer) == (source.chain, source.answer)
    assert (source.rejected, source.rejected_answer) == (base.chain, base.answer)
    assert base.group == source.group == pairs[0].group


def test_built_in_problems_are_other_draws_than_those_of_scoring() -> None:
    made = problem_pairs(40, steps=2, seed=0)
    scored = generate_pairs(40, steps=2, seed=0, with_cot=True)
    assert not {pair.base.question for pair in made} & {pair.base.question for pair in scored}
    assert len({pair.group for pair in made}) == 40
    for each in examples_of_pairs(made):
        assert each.rejected is not None
        assert each.rejected != each.chain
        assert parse_answer(f"The answer is {each.rejected_answer}") != each.answer
        assert each.rejected.rstrip(".").split("=")[-1].split()[0] == each.rejected_answer  # wrong, and consistent


def test_the_fingerprint_is_of_what_is_said(tmp_path: Path) -> None:
    one = scan_examples(written(tmp_path / "a.jsonl", [GOOD]))[0].examples
    other = scan_examples(written(tmp_path / "b.jsonl", ["", GOOD]))[0].examples
    changed = scan_examples(written(tmp_path / "c.jsonl", [GOOD | {"chain": "He has 3!"}]))[0].examples
    assert data_fingerprint(one) == data_fingerprint(other) != data_fingerprint(changed)


def example(number: int, group: int, question: int) -> Example:
    return Example(str(number), f"g{group}", f"q{question}", "1")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=2, max_size=30),
    st.floats(0.05, 0.9),
    st.integers(0, 99),
)
def test_no_group_and_no_question_is_on_both_sides(rows: list[tuple[int, int]], share: float, seed: int) -> None:
    examples = [example(number, *row) for number, row in enumerate(rows)]
    if len(set(units(examples).tolist())) == 1:
        with pytest.raises(InputError, match="share one group or question"):
            split(examples, share, seed)
        return
    train, held_out = split(examples, share, seed)
    assert train
    assert held_out
    assert sorted((*train, *held_out), key=lambda each: int(each.id)) == examples
    assert not {each.group for each in train} & {each.group for each in held_out}
    assert not {each.question for each in train} & {each.question for each in held_out}
    assert split(examples, share, seed) == (train, held_out)


def test_units_join_through_others() -> None:
    joined = [example(0, 0, 0), example(1, 0, 1), example(2, 1, 1), example(3, 2, 2)]
    assert units(joined)[0] == units(joined)[2] != units(joined)[3]


def test_the_share_is_kept_and_the_seed_counts() -> None:
    examples = [example(number, number, number) for number in range(200)]
    train, held_out = split(examples, 0.1, 0)
    assert (len(train), len(held_out)) == (180, 20)
    assert split(examples, 0.1, 1)[1] != held_out
    assert split(examples, 0.0, 0) == (tuple(examples), ())
    places = [int(each.id) for each in held_out]
    assert np.mean(places) == pytest.approx(100, abs=45)  # drawn from all over, not the first or last
