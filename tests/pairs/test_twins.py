"""Twins of items: by numbers, each checked by arithmetic of its own, and by other items."""

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from mediate.errors import InputError, ItemError
from mediate.pairs import read_pairs, write_pairs
from mediate.pairs.annotations import UnfitError, consequences, evaluated, rewritten, steps_of
from mediate.pairs.item import Item
from mediate.pairs.number_twins import number_twin
from mediate.pairs.recognise import read_given
from mediate.pairs.schemas.gsm8k import plain
from mediate.pairs.twins import twins_of

PENS = (
    "Tom has 5 boxes of 8 pens. He gives 6 away. How many does he keep?",
    "He has 5*8=<<5*8=40>>40 pens.\nHe keeps 40-6=<<40-6=34>>34.\n#### 34",
)
COINS = (
    "A pen is $1,250. Ann has 40 of them, and a book of $3. What is it all worth?",
    "The pens are 1,250 x 40 = $<<1250*40=50000>>50,000.\nAll is 50,000 + 3 = $<<50000+3=50003>>50,003.\n#### 50,003",
)
SHARED = ("Ann shares 84 sweets among 7 friends.", "Each gets 84/7=<<84/7=12>>12 sweets.\n#### 12")
PRICE = ("Tea is 2.50 a cup. Ann buys 6 cups.", "She pays 2.50*6=<<2.50*6=15>>15.\n#### 15")


def put(folder: Path, *problems: tuple[str, str]) -> Path:
    path = folder / "gsm8k.jsonl"
    rows = [{"question": question, "answer": answer} for question, answer in problems]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def item(question: str, solution: str, name: str = "a") -> Item:
    chain, _, answer = solution.rpartition("####")
    return Item(question, answer.strip().replace(",", ""), plain(chain), id=name, place="f:1")


def equations(chain: str) -> list[tuple[Fraction, Fraction]]:
    """Both sides of each equation of a chain, by Python's own arithmetic."""
    text = chain.replace(",", "").replace("$", "").replace("x", "*")
    found = re.findall(r"([0-9.]+(?:\s*[-+*/]\s*[0-9.]+)+)\s*=\s*([0-9]+(?:\.[0-9]+)?)", text)
    exact = [(re.sub(r"[0-9.]+", r"Fraction('\g<0>')", left), right) for left, right in found]
    return [(eval(left), Fraction(right)) for left, right in exact]  # noqa: S307


@pytest.mark.parametrize("problem", [PENS, COINS, SHARED, PRICE])
@pytest.mark.parametrize("seed", range(6))
def test_a_twin_differs_in_one_number_and_all_that_follows_is_true(problem: tuple[str, str], seed: int) -> None:
    pair = number_twin(item(*problem), problem[1], seed=seed)
    assert pair == number_twin(item(*problem), problem[1], seed=seed)
    base, source = pair.base, pair.source
    assert (base.question, base.cot) == (problem[0], plain(problem[1].rpartition("####")[0]))
    differing = [one for one, other in zip(base.question.split(), source.question.split(), strict=True) if one != other]
    assert len(differing) == 1
    assert re.sub("[0-9]", "0", base.question) == re.sub("[0-9]", "0", source.question)
    assert base.cot is not None
    assert source.cot is not None
    assert re.sub("[0-9]", "0", base.cot) == re.sub("[0-9]", "0", source.cot)
    found = equations(source.cot)
    assert len(found) == len(equations(base.cot)) > 0
    assert all(left == right for left, right in found)
    assert found[-1][1] == Fraction(source.answer) != Fraction(base.answer)
    assert len(source.answer) == len(base.answer)


def test_seeds_change_other_numbers_to_other_values() -> None:
    questions = {number_twin(item(*PENS), PENS[1], seed=seed).source.question for seed in range(12)}
    assert len(questions) > 4


def test_divisions_stay_whole() -> None:
    for seed in range(10):
        source = number_twin(item(*SHARED), SHARED[1], seed=seed).source
        whole, friends = map(int, re.findall("[0-9]+", source.question))
        assert whole % friends == 0


def test_a_length_in_tokens_is_kept() -> None:
    def length(text: str) -> int:
        return len(text) + text.count("3")  # a tokenizer for which 3 takes two tokens

    for seed in range(10):
        pair = number_twin(item(*PENS), PENS[1], seed=seed, length=length)
        assert length(pair.base.cot or "") == length(pair.source.cot or "")
        assert length(pair.base.question) == length(pair.source.question)


NO_TWIN = [
    (("Tom has 5 pens.", "He has 5.\n#### 5"), "no_annotations"),
    (("Tom has 15% of 80.", "It is <<15%*80=12>>12.\n#### 12"), "not_arithmetic"),
    (("Tom has 3 of 12 and 2.", "3 + 2 = <<5=5>>5, 12*3=<<12*3=36>>36.\n#### 36"), "not_arithmetic"),
    (("Tom has 15 of 30 and 5.", "He has 15-5 = $<<5+5=10>>10 and 10+30=<<10+30=40>>40.\n#### 40"), "not_the_text"),
    (("Tom shares 10 among 3.", "Each gets <<10/3=3.33>>3.33.\n#### 3.33"), "not_exact"),
    (("Tom has five pens and buys six.", "He has <<5+6=11>>11.\n#### 11"), "no_leaf"),
    (("Tom has 6 red and 6 blue pens.", "He has <<6+6=12>>12.\n#### 12"), "no_leaf"),
    (("Tom runs 7 miles a day for a week.", "He runs 7*7=<<7*7=49>>49.\n#### 49"), "no_leaf"),
    (("Ann has 2 pens, half of them red.", "So 2/2=<<2/2=1>>1 is red.\n#### 1"), "no_leaf"),
    (("Ann eats 1/4 of 80 plums.", "So 1/4 is a share. 20 each: <<4*5=20>>20.\n#### 20"), "no_leaf"),
    (("Tom has 5 boxes of 8.", "He has <<5*8=40>>40, less 13 is <<40-13=27>>27, 99 in all.\n#### 27"), "not_annotated"),
    (("Tom has 5 boxes of 8.", "He has 5*8 = 40. Less 6 is <<40-6=34>>34.\n#### 34"), "not_annotated"),
    (("Tom has 5 of 8 and 3.", "It is <<5*8=40>>40. Less 3 is 40-3 = $37, <<40+3=43>>43.\n#### 43"), "not_annotated"),
    (("Tom has 14 of 35 and 21.", "14+21=<<14+21=35>>35 so 35-35=<<35-35=0>>0, and 35+1=<<35+1=36>>36.\n#### 36"),
     "two_things"),
    (("Tom has 34 and 51 pens.", "He has 34+51=<<34+51=85>>85, or 50+50=<<50+50=100>>100.\n#### 100"), "same_answer"),
    (("Tom has 97 pens and buys 2 more.", "He has 97+2=<<97+2=99>>99, and 99+1=<<99+1=100>>100.\n#### 100"),
     "not_whole"),
]  # fmt: skip


@pytest.mark.parametrize(("problem", "code"), NO_TWIN)
def test_why_an_item_has_no_twin_is_told(problem: tuple[str, str], code: str) -> None:
    for seed in range(3):
        with pytest.raises(ItemError) as raised:
            number_twin(item(*problem), problem[1], seed=seed)
        assert (raised.value.code, raised.value.item, raised.value.place) == (code, "a", "f:1")


def test_a_value_that_stands_for_two_things_is_left_alone() -> None:
    steps = steps_of("<<12*2=24>>24 clips, <<24*24=576>>576.")
    assert consequences(steps, Fraction(12), Fraction(13))[Fraction(576)] == 26 * 26
    clips = ("Tom has 12 boxes of 3 clips, 36 hours a shift.", "12*3=<<12*3=36>>36 clips, 36*2=<<36*2=72>>72.\n#### 72")
    with pytest.raises(ItemError, match="stands for two things"):
        number_twin(item(*clips), clips[1], seed=0)
    day = (
        "Tom clips 13 lawns a day, 11 more at night.",
        "13+11=<<13+11=24>>24 lawns, 24*24=<<24*24=576>>576.\n#### 576",
    )
    with pytest.raises(ItemError, match="stands for two things"):
        number_twin(item(*day), day[1], seed=0)
    with pytest.raises(UnfitError, match="two things"):  # 8 is the sum, and stood before it was one
        consequences(steps_of("<<8+1=9>>, <<5+3=8>>"), Fraction(5), Fraction(6))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("48/2", Fraction(24)), ("(3+4)*.5", Fraction(7, 2)), ("-3+10", Fraction(7)), ("0.1+0.2", Fraction(3, 10)),
        ("2**3", None), ("3//2", None), ("1/0", None), ("a+1", None), ("", None), ("05+1", None), ("9"*300, None),
        ("(" * 150 + "1" + ")" * 40, None),
    ],
)  # fmt: skip
def test_arithmetic_is_exact_and_nothing_else_is_done(expression: str, value: Fraction | None) -> None:
    assert evaluated(expression, {}) == value


def test_numbers_are_written_as_they_were() -> None:
    becomes = {Fraction(1250): Fraction(1300), Fraction(1, 2): Fraction(3, 4), Fraction(5, 2): Fraction(7, 2)}
    assert rewritten("1,250 and 1250, 2.50", becomes) == "1,300 and 1300, 3.50"
    for text in ("0.5", ".5", "x1250", "1250th"):
        with pytest.raises(UnfitError):
            rewritten(text, becomes)


def test_a_file_says_how_many_items_have_a_twin_and_why_the_others_do_not(tmp_path: Path) -> None:
    bad = ("Tom?", "He has 5.")
    path = put(tmp_path, PENS, NO_TWIN[0][0], SHARED, NO_TWIN[0][0], bad)
    twins = twins_of(read_given(path), "numbers")
    assert [pair.id for pair in twins.pairs] == ["1", "3"]
    assert [(each.item, each.code) for each in twins.without] == [
        ("2", "no_annotations"), ("4", "no_annotations"), ("5", "no_answer_mark"),
    ]  # fmt: skip
    assert twins.told() == (
        "2 of 5 items have a twin by numbers; of 3 without: no step is annotated (2); no #### before the answer; end "
        "the solution with it (1)"
    )
    write_pairs(tmp_path / "pairs.jsonl", twins.pairs)
    assert [pair.source for pair in read_pairs(tmp_path / "pairs.jsonl")] == [pair.source for pair in twins.pairs]


def items_file(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "items.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_another_item_is_the_nearest_in_length_of_another_group_with_another_answer(tmp_path: Path) -> None:
    def row(length: int, answer: str, group: str) -> dict[str, Any]:
        return {"id": f"{length}", "group": group, "question": "q" * length, "answer": answer, "cot": "c"}

    rows = [row(10, "1", "a"), row(11, "2", "a"), row(13, "1.0", "b"), row(16, "3", "c"), row(60, "4", "d")]
    path = items_file(tmp_path, *rows, {"id": "own", "question": "q", "cot": "c"}, row(12, "5", "e") | {"cot": None})
    twins = twins_of(read_given(path), "other")
    nearest = {pair.id: len(pair.source.question) for pair in twins.pairs}
    assert nearest == {"10": 16, "11": 13, "13": 11, "16": 13, "60": 16}
    assert [(each.item, each.code) for each in twins.without] == [("own", "no_answer"), ("12", "no_other")]
    assert "5 of 7 items have another item for a twin; of 2 without: no answer is given (1); no item of" in twins.told()


def test_ties_are_broken_by_the_seed(tmp_path: Path) -> None:
    rows = [{"question": f"q{number}", "answer": f"{number}"} for number in range(10, 18)]
    given = read_given(items_file(tmp_path, *rows))
    found = [[pair.source.question for pair in twins_of(given, "other", seed=seed).pairs] for seed in (0, 0, 1, 2)]
    assert found[0] == found[1]
    assert len({tuple(each) for each in found}) > 1


def test_wrong_files_and_ways_are_one_line(tmp_path: Path) -> None:
    items = read_given(items_file(tmp_path, {"question": "q", "answer": "1"}))
    with pytest.raises(
        InputError, match=r"items\.jsonl holds items, and GSM8K's annotations are needed; give by='other'"
    ):
        twins_of(items, "numbers")
    with pytest.raises(InputError, match="by: 'word' is none; give numbers or other"):
        twins_of(items, "word")
    worlds = {"base": {"question": "q", "answer": "1"}, "source": {"question": "r", "answer": "2"}}
    with pytest.raises(InputError, match="holds pairs, which have their twins"):
        twins_of(read_given(items_file(tmp_path, worlds)), "other")
