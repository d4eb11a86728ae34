"""Whose answers a run of items measured, what stood before them, and which responses it could not use."""

from collections.abc import Mapping
from typing import Any

from mediate.report.analysis import section
from mediate.report.blocks import Look, Row, Section, Table, Text, columns, numbers
from mediate.report.words import plural
from mediate.results import Results

_BRIDGES = {
    "kept": "the text between chain and answer is kept",
    "kept_stating": "it is kept although it states the answer, as was asked",
    "stating": "it states the answer, so the answer cue stands in its place",
    "replaced": "the answer cue stands in its place, as was asked",
}
_LEFT_OUT = {
    "unfinished": "a length limit cut the response off before its answer",
    "no_stated_answer": "no answer was found in the response",
}
_WHERE = (
    "Where the model's own answer is measured, results/items.parquet has the given one beside it (given). Ids of what "
    "was left out, bridges that state the answer among them, are in rejects.jsonl."
)


def responses_section(results: Results) -> tuple[Section, ...]:
    """The counts as a table, of a run of items; runs of before have none."""
    counts = _counts(results)
    if not counts:
        return ()
    answers, bridges = _of(counts, "answers"), _of(counts, "bridges")
    rows: list[Row] = [
        ("measured answer", f"the given one{_otherwise(answers)}", str(answers.get("given", 0))),
        ("", f"the model's own{_right(answers)}", str(answers.get("own", 0))),
    ]
    told = [(words, bridges[name]) for name, words in _BRIDGES.items() if bridges.get(name)]
    rows += [("before the answer" if not place else "", words, str(n)) for place, (words, n) in enumerate(told)]
    left = [(words, counts.get(name, 0)) for name, words in _LEFT_OUT.items()]
    rows += [("left out" if not place else "", words, str(n)) for place, (words, n) in enumerate(left)]
    table = Table((*columns("", ""), *numbers("items")), tuple(rows), named=False)
    return (Section("Answers and responses", (table, Text(_WHERE, Look.BASIS)), id="responses"),)


def response_notes(results: Results) -> tuple[str, ...]:
    """The counts that are not as usual, in sentences."""
    counts = _counts(results)
    answers, bridges = _of(counts, "answers"), _of(counts, "bridges")
    found = []
    if other := answers.get("stated_otherwise", 0):
        found.append(
            f"In {plural(other, 'item')} the response states another answer than the given one, which is measured; "
            "--answer own measures what it states."
        )
    ungiven = ungiven_note(results)
    found += ungiven
    own = answers.get("own", 0)
    if own and (own > _ungiven(answers) or not ungiven):
        found.append(f"The measured answer is the model's own in {_of_all(own, answers)}{_right(answers)}.")
    told = [f"in {bridges[name]} {words}" for name, words in _BRIDGES.items() if bridges.get(name)]
    if told:
        having = plural(sum(bridges.values()), "item")
        found.append(f"Of {having} with text between think tag and answer, {', '.join(told)}.")
    if apart := counts.get("tokenised_apart", 0):
        found.append(
            f"In {plural(apart, 'item')} the tokens of the response are others than of its text tokenised in one go: "
            "chain, closing tag and final text are each tokenised on their own."
        )
    told = [f"in {counts[name]} {words}" for name, words in _LEFT_OUT.items() if counts.get(name)]
    if told:
        found.append(f"Left out, and neither right nor wrong: {', '.join(told)}.")
    return tuple(found)


def ungiven_note(results: Results) -> tuple[str, ...]:
    """How many of a run's items had no given answer, where others had one."""
    answers = _of(_counts(results), "answers")
    missing, count = _ungiven(answers), answers.get("own", 0) + answers.get("given", 0)
    if not 0 < missing < count:
        return ()
    return (f"In {missing} of {plural(count, 'item')} no answer was given: the model's own is measured there.",)


def _ungiven(answers: Mapping[str, int]) -> int:
    """Of how many measured answers there is no given one to be right or wrong by."""
    return int(answers.get("own", 0) - answers.get("own_right", 0) - answers.get("own_wrong", 0))


def _of_all(own: int, answers: Mapping[str, int]) -> str:
    return f"{own} of {plural(own + answers.get('given', 0), 'item')}"


def _right(answers: Mapping[str, int]) -> str:
    """How many of the model's own answers are right, in brackets; nothing where that cannot be told."""
    right, wrong = answers.get("own_right", 0), answers.get("own_wrong", 0)
    return f" ({right} right and {wrong} wrong by a given one)" if right + wrong else ""


def _otherwise(answers: Mapping[str, int]) -> str:
    other = answers.get("stated_otherwise", 0)
    return f" (in {other} the response states another)" if other else ""


def _counts(results: Results) -> Mapping[str, Any]:
    return _of(section(results, "counts"), "responses")


def _of(counts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = counts.get(name)
    return found if isinstance(found, Mapping) else {}
