import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.pairs import Item, Pair
from mediate.tasks import TEMPLATE_NAMES, few_shot_prompt, generate_pairs
from mediate.tasks.scm import Operand, Problem, Step
from mediate.tasks.templates import EXAMPLE_PEOPLE, PEOPLE, TEMPLATES, Clause

EQUATION = re.compile(r"([0-9]+) ([-+x]) ([0-9]+) = ([0-9]+)")
NUMBER = re.compile(r"[0-9]+")


def numbers(text: str) -> list[int]:
    return [int(digits) for digits in NUMBER.findall(text)]


def sentences(text: str) -> list[str]:
    return re.findall(r"[^.?]+[.?]", text)


def solved(question: str) -> list[int]:
    """The result of each step, worked out from the words of the question alone: an evaluator that shares no code."""
    gains = "gives? .* more|picks|buys .* boxes|finds|pays .* for help|washes|wins|solves|hits|get on|adds|puts|returns"
    gains += "|makes .* more|brings .* more|fills .* pans|plants|pours"
    losses = (
        "eats|uses|to each of|on lunch|for a book|tickets|loses|for a hint|get off|takes|moves|removes|borrows|take "
    )
    losses += "|sells|buys|buy |cuts|picks .* bunches|run out|jugs"
    results: list[int] = []
    count: int | None = None
    for sentence in sentences(question)[:-1]:
        given = numbers(sentence)
        if count is None:
            count = given[0] if len(given) == 1 else given[0] * given[1]
            results += [count] if len(given) == 2 else []
            continue
        if re.search("multiplies|splits|times as large", sentence):
            count *= given[0]
        else:
            change = given[0] if len(given) == 1 else given[0] * given[1]
            results += [change] if len(given) == 2 else []
            loses = re.search("makes .* mistakes|picks .* bunches", sentence) or (
                re.search(losses, sentence) and not re.search(gains, sentence)
            )
            assert loses or re.search(gains, sentence), sentence
            count += -change if loses else change
        results.append(count)
    return results


def pairs(n: int = 270, **options: object) -> tuple[Pair, ...]:
    return generate_pairs(n, with_cot=True, **options)  # type: ignore[arg-type]


def items(n: int = 270) -> list[Item]:
    return [item for pair in pairs(n) for item in (pair.base, pair.source)]


def test_answers_follow_from_the_words_of_the_question() -> None:
    for item in items():
        assert solved(item.question) == list(item.values), item.question
        assert item.answer == str(item.values[-1])


def test_each_sentence_of_the_reasoning_states_a_true_equation_and_they_chain() -> None:
    apply = {"+": int.__add__, "-": int.__sub__, "x": int.__mul__}
    for item in items():
        assert item.cot is not None
        available = numbers(item.question)
        parts = sentences(item.cot)
        for sentence, value in zip(parts, item.values, strict=True):
            ((left, operation, right, result),) = EQUATION.findall(sentence)
            assert apply[operation](int(left), int(right)) == int(result) == value
            available.remove(int(left))
            available.remove(int(right))
            available.append(value)
        assert available == [item.values[-1]]  # every given number and every result is used once
        assert "answer" not in item.cot


def test_worlds_differ_in_one_given_number() -> None:
    places = set()
    for pair in pairs():
        base, source = (numbers(item.question) for item in (pair.base, pair.source))
        (place,) = np.flatnonzero(np.array(base) != np.array(source))
        places.add((place, len(base)))
        assert NUMBER.sub("#", pair.base.question) == NUMBER.sub("#", pair.source.question)
        assert pair.base.answer != pair.source.answer
        others = set(base + source) | set(pair.base.values[:-1] + pair.source.values[:-1])
        assert not others & {pair.base.values[-1], pair.source.values[-1]}
    assert places == {(place, size) for size in range(3, 8) for place in range(size)}


def test_numbers_keep_their_digits_and_their_range() -> None:
    for pair in pairs(max_value=99, length=lambda text: 0):
        base, source = ([*numbers(item.question), *item.values] for item in (pair.base, pair.source))
        assert [len(str(number)) for number in base] == [len(str(number)) for number in source]
        assert all(2 <= number <= 99 for number in base + source)
    assert max(max(item.values) for item in items()) <= 30


def odd_tokens(text: str) -> int:
    """A toy tokenizer that reads a prime after a space as one token more: most changes of a number change a length."""
    return len(text.split()) + sum(len(word.strip(".")) for word in text.split() if word.strip(".") in {"2", "3", "5"})


@pytest.mark.parametrize("length", [len, odd_tokens])
def test_question_steps_and_answer_keep_their_length(length: object) -> None:
    assert callable(length)
    for pair in pairs(90, length=length):
        for world in ("question", "answer", "cot"):
            assert length(getattr(pair.base, world)) == length(getattr(pair.source, world))
        assert pair.base.cot is not None
        assert pair.source.cot is not None
        for base, source in zip(sentences(pair.base.cot), sentences(pair.source.cot), strict=True):
            assert length(base) == length(source)


def test_a_length_that_nothing_keeps_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediate.tasks.problems.TRIES", 300)

    def never_equal(text: str, seen: list[str] = []) -> int:  # noqa: B006
        seen.append(text)
        return len(seen)

    with pytest.raises(InputError, match="no new pair of template 'apples' with 2 steps"):
        generate_pairs(1, steps=2, length=never_equal)


def test_every_template_step_count_operation_and_wording_occurs() -> None:
    made = pairs(900)
    groups = {pair.group for pair in made}
    assert groups == {f"{name}-{steps}" for name in TEMPLATE_NAMES for steps in range(2, 7)}
    assert all(len(pair.base.values) == int(pair.group.rpartition("-")[2]) for pair in made)
    text = " ".join(pair.base.question for pair in made)
    for template in TEMPLATES:
        wordings = [template.given, template.product, *(clause.text for clause in template.clauses)]
        for wording in wordings:
            assert re.search(re.sub(r"\\\{\w+\\\}", r"[\\w']+", re.escape(wording)), text), wording
    operations = {operation for pair in made for _, operation, _, _ in EQUATION.findall(pair.base.cot or "")}
    assert operations == {"+", "-", "x"}


def test_ids_are_unique_stable_and_only_appended() -> None:
    made = pairs(60)
    assert len({pair.id for pair in made}) == len({pair.base.question for pair in made}) == 60
    assert all(re.fullmatch(rf"{pair.group}-{index:04d}", pair.id) for index, pair in enumerate(made))
    assert pairs(20) == made[:20]
    assert pairs(20, seed=1) != made[:20]
    assert [replace(pair.base, cot=None) for pair in made] == [pair.base for pair in generate_pairs(60, with_cot=False)]


def test_no_question_comes_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediate.tasks.problems.PEOPLE", ("Tom", "Anna"))
    made = generate_pairs(250, steps="++", templates=["tank"])
    assert len({pair.base.question for pair in made}) == 250


def test_questions_are_plain_text() -> None:
    for item in items():
        text = item.question + " " + (item.cot or "")
        assert not re.search(r"[{}]|  |\n|\b(he|she|his|her|him|they|their)\b", text, re.IGNORECASE)
        assert re.fullmatch(r"([A-Z][A-Za-z0-9 ',]*\. )+How many [a-z A-Z]+\?", item.question)
        assert len(set(PEOPLE) & set(re.findall(r"\w+", item.question))) <= 2


def test_chosen_templates_and_named_operations() -> None:
    assert {pair.group for pair in generate_pairs(12, steps=(2, 3), templates=["bus", "tank"])} == {
        "bus-2",
        "bus-3",
        "tank-2",
        "tank-3",
    }
    for pair in pairs(18, steps="x+"):
        assert [operation for _, operation, _, _ in EQUATION.findall(pair.base.cot or "")] == ["x", "+"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n": 0}, "n is 0"),
        ({"n": 1, "seed": -1}, "seed is -1"),
        ({"n": 1, "steps": 1}, "steps is 1"),
        ({"n": 1, "steps": (4, 3)}, "steps is"),
        ({"n": 1, "steps": (2, 7)}, "steps is"),
        ({"n": 1, "steps": "+/"}, "steps is"),
        ({"n": 1, "max_value": 5}, "max_value is 5"),
        ({"n": 1, "templates": ["apple"]}, "'apple'"),
        ({"n": 1, "templates": []}, "no templates"),
        ({"n": 1, "steps": "xx", "templates": ["apples"]}, "choose other steps"),
    ],
)
def test_wrong_arguments_are_named(monkeypatch: pytest.MonkeyPatch, options: dict[str, object], said: str) -> None:
    monkeypatch.setattr("mediate.tasks.problems.TRIES", 300)
    with pytest.raises(InputError, match=re.escape(said)):
        generate_pairs(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("shots", "steps"), [(2, 2), (3, 4), (2, "x+")])
def test_the_prompt_is_worked_examples_and_an_open_question(shots: int, steps: int | str, seed: int) -> None:
    prompt = few_shot_prompt(seed=seed, shots=shots, steps=steps)
    example = r"Q: ([^\n{}]+\?)\nA: ([^\n{}]+\.)\nThe answer is ([0-9]+)\n\n"
    assert re.fullmatch(rf"({example}){{{shots}}}Q: \{{question\}}\nA:", prompt)
    seen = set()
    for question, cot, answer in re.findall(example, prompt):
        assert solved(question)[-1] == int(answer)
        assert [int(result) for *_, result in EQUATION.findall(cot)] == solved(question)
        seen |= {operation for _, operation, _, _ in EQUATION.findall(cot)}
    assert seen == (set("+-x") if isinstance(steps, int) else set(steps))
    words = set(re.findall(r"\w+", prompt))
    assert words & {*EXAMPLE_PEOPLE, *(template.things[-1] for template in TEMPLATES)}
    assert not words & {*PEOPLE, *(thing for template in TEMPLATES for thing in template.things[:-1])}
    assert prompt == few_shot_prompt(seed=seed, shots=shots, steps=steps)
    question = generate_pairs(1)[0].base.question
    assert prompt.replace("{question}", question).endswith(f"Q: {question}\nA:")


def test_a_prompt_without_examples_is_the_open_question() -> None:
    assert few_shot_prompt(shots=0) == "Q: {question}\nA:"
    with pytest.raises(InputError, match="shots"):
        few_shot_prompt(shots=-1)


def test_examples_that_no_story_tells_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediate.tasks.problems.TRIES", 300)
    with pytest.raises(InputError, match=r"'apples' with steps 'xx'.*choose other steps"):
        few_shot_prompt(steps="xx", templates=["apples"])


def test_drawing_leaves_the_global_generators_alone() -> None:
    np.random.seed(0)
    before = np.random.get_state()[1].copy()  # type: ignore[union-attr,index]
    generate_pairs(5)
    few_shot_prompt()
    assert (np.random.get_state()[1] == before).all()  # type: ignore[index]


def test_a_problem_recomputes_what_follows_from_a_given_number() -> None:
    text = "A has {0}. B has {1}. C has {2}."
    steps = (
        Step("+", Operand(False, 0), Operand(False, 1), "So {equation}."),
        Step("x", Operand(False, 2), Operand(True, 0), "So {equation}."),
        Step("-", Operand(True, 1), Operand(True, 0), "So {equation}."),
    )
    problem = Problem(text, steps, (3, 4, 2))
    assert problem.values == (7, 14, 7)
    assert replace(problem, givens=(3, 5, 2)).values == (8, 16, 8)
    assert problem.sentences == ("So 3 + 4 = 7.", "So 2 x 7 = 14.", "So 14 - 7 = 7.")
    assert problem.item(with_cot=False) == Item("A has 3. B has 4. C has 2.", "7", None, (7, 14, 7))


@pytest.mark.parametrize("operand", [Operand(True, 0), Operand(False, 1), Operand(False, -1)])
def test_a_step_reads_only_what_is_there_before_it(operand: Operand) -> None:
    with pytest.raises(ValueError, match="not there"):
        Problem("{0}", (Step("+", Operand(False, 0), operand, "{equation}"),), (1,))


def test_a_clause_with_two_numbers_says_their_product() -> None:
    with pytest.raises(ValueError, match="product"):
        Clause("{a} buys {x} bags of {y}.", "+")


def test_importing_the_room_is_light() -> None:
    heavy = ("torch", "transformers", "pandas", "pyarrow", "reasoning_gym", "math_verify", "sympy")
    code = f"import sys, mediate.tasks; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
