"""`mediate pairs check`: what a file holds, without a model."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mediate.cli.ending import put, put_json
from mediate.cli.options import AnswerPatternOption, ColumnsOption, FormatOption, JsonOption, columns_of
from mediate.showing import plural

if TYPE_CHECKING:
    from mediate.errors import ItemError
    from mediate.pairs.pair import Item, Pair

MOST = 20  # bad rows that are told one by one


def check_file(
    file: Annotated[Path, typer.Argument(help="Pairs or items: own ones, a data set, or a log of what a model wrote.")],
    format: FormatOption = None,
    columns: ColumnsOption = None,
    answer_pattern: AnswerPatternOption = None,
    json: JsonOption = False,
) -> None:
    """Says what a file holds, row by row where one is bad; needs no model. The exit code is 1 where a row is bad."""
    from mediate.pairs.reading import scan_file

    found = scan_file(file, format=format, columns=columns_of(columns), answer_pattern=answer_pattern)
    given, errors = found.given, [*found.errors, *_repeated(found.given)]
    noun = "items" if found.taken_for else "pairs"
    put(found.taken_for or f"{file.name}: {plural(len(given) + len(found.errors), 'pair')}")
    counts = counted(given) | {"bad": len(errors)}
    put(", ".join(f"{count} {_words(name, count)}" for name, count in counts.items() if name != "without_answer"))
    for line in _missing(given, counts):
        put(line)
    for error in errors[:MOST]:
        put(f"  {error}")
    if len(errors) > MOST:
        put(f"  and {len(errors) - MOST} more")
    if json:
        told = [{"item": each.item, "code": each.code, "reason": each.reason, "place": each.place} for each in errors]
        put_json({"file": str(file), "holds": noun, "counts": counts, "errors": told})
    if errors:
        raise typer.Exit(1)


def counted(given: "Sequence[Pair] | Sequence[Item]") -> dict[str, int]:
    """How many of what is given are good, in how many groups, and how many have a chain in all of their worlds."""
    from mediate.pairs.pair import named_items

    with_chain = sum(all(item.cot is not None for _, item in named_items(each)) for each in given)
    groups = {each.group or each.id for each in given}
    conditions = {each.condition for each in given if each.condition}
    counts = {"good": len(given), "groups": len(groups), "with_chains": with_chain}
    counts["without_answer"] = sum(not item.answer for each in given for _, item in named_items(each))
    return counts | ({"conditions": len(conditions)} if conditions else {})


def _missing(given: "Sequence[Pair] | Sequence[Item]", counts: "dict[str, int]") -> list[str]:
    """What of the good ones a run makes up for: answers and chains that are not there."""
    from mediate.pairs.item import Item

    noun = "item" if all(isinstance(each, Item) for each in given) else "pair"
    found, answers, chains = [], counts["without_answer"], len(given) - counts["with_chains"]
    if answers:
        found.append(f"{plural(answers, noun)} without an answer: the model's own is measured there")
    if chains and noun == "item":
        found.append(f"{plural(chains, noun)} without a chain: the model writes it")
    elif chains:
        found.append(f"{plural(chains, noun)} without a chain in both worlds: the model writes what is missing")
    return found


def _words(name: str, count: int) -> str:
    said = {"groups": "group", "conditions": "condition"}.get(name, name) if count == 1 else name
    return said.replace("_", " ")


def _repeated(given: "Sequence[Pair] | Sequence[Item]") -> "list[ItemError]":
    """An error for each id that occurs more than once."""
    from mediate.errors import ItemError

    counts = Counter(each.id for each in given)
    return [
        ItemError(name, f"the id occurs {count} times; give each its own", code="duplicate_id")
        for name, count in counts.items()
        if count > 1
    ]
