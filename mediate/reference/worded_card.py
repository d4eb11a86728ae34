"""The card of the worded reference reasoners: what was varied in training, how often, and how well they do with it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mediate.reference.marks import Way
from mediate.reference.recipe import Records
from mediate.reference.tables import table, training_table
from mediate.reference.worded_exam import LENGTHS, MIXED, PLAIN, WAYS
from mediate.tasks.factors import FACTORS
from mediate.tasks.modular import HELD_OUT_EVERY

CARD = "CARD-worded.md"
MARKS = "marks-worded.json"


def card(records: Records) -> str:
    """The text of the card."""
    first = next(iter(records.values()))
    n, training = first["marks"][0]["n"], first["training"]
    parts_of = (training["before"]["diet"], training["diet"])
    (begun, diet), seed = parts_of, training["seed"]
    low, high = diet["steps"]
    parts = [
        "# The worded reference reasoners",
        "Small Llamas, trained from scratch on chains of arithmetic modulo 10 that are asked and told in many ways "
        "(`Let blick be add. Start 3, blick 4, times 7. Hint 5.` / `add 4 to 3 to get 7. multiply 7 by 7 to get 9.` / "
        "`The answer is 9`), so that what a test of chains says can be held against models whose training is known. "
        "They know nothing else. Licence: Apache-2.0, as the package.",
        f"**Data.** Problems of {low} to {high} operations are drawn anew for every batch; one in {HELD_OUT_EVERY}, "
        "chosen by a checksum of its numbers, is never trained on, however it is asked, and the marks below are of "
        "those. Each factor is drawn by itself, a chain at a time, and the second table says how often. "
        f"{_both(each['nothing'] for each in parts_of)} % of the rows have no chain, and "
        f"{_both(each['filler'] for each in parts_of)} % filler words in "
        "its place. A chain in which a step goes wrong is never one that a calculator filled in. There is no loss on "
        "questions, filler words, results in brackets and irrelevant sentences. Training has two parts, and where two "
        "numbers stand for how often something occurs, they are of the first and of the second. In the first "
        f"{begun['plain']} batches of the first only the form and the hint vary.",
        f"**Training.** `mediate tune reference --family worded --out DIR --seed {seed}`; float32, Muon on the blocks' "
        "matrices and AdamW on the rest; the rate falls along a cosine, in the second part over the last "
        f"{_percent(training['falling'])} % of the steps. Weights are kept in float16. Seconds are of one thread, on "
        "cores that other work shared, which had far less of them in the second part.",
        training_table(_by_part(records)),
        f"**Marks.** Percent of {n} held-out problems answered rightly: with the chain that the model writes / with a "
        f"right chain / without a chain; chance is 10, and 50 of yes and no. Hints are random digits. "
        f"*Plain*: nothing else is varied, and the chain is in signs where it is given; {max(LENGTHS)} operations are "
        "more than any in training.",
        _plain_table(records),
        f"**By what is varied.** One factor at a time, problems of {MIXED[0]} to {MIXED[-1]} operations. *Training*: "
        "percent of problems or chains. Where the chain is varied, its first step is given and the model goes on; "
        "what is before the answer is put behind the chain that it wrote. Results that are filled in are not the "
        "model's to write.",
        _factor_table(records, [each["shares"] for each in parts_of]),
        "**Not learnt.** Two operations of one step are done in the head, and no rung does them reliably: a right "
        "chain of such steps is read, but one's own goes wrong. In a trial on the 0.3m, 14,400 problems more with such "
        "steps in 70 % of the chains left 2 in 10 of their results right. A yes or no that the chain does not prepare "
        "(`yes_no_bare`) stays a guess behind a chain that ends with the result. Names that a question defines, and "
        "the clause, are learnt by the 0.3m alone: after 14,400 problems of the second part it had 48 of 60 with such "
        "names right. The 0.1m has two layers. The second part of the 1.2m is 15,360 problems; with 48,000 it had 41 % "
        "of such names right, 54 % of clauses, and lost a third of its chains with filler words.",
        "**Limits.** One seed. What is measured on them says how a method behaves where the truth is known, not how "
        "large models reason.",
    ]
    return "\n\n".join(parts) + "\n"


def _plain_table(records: Records) -> str:
    head = ("model", *(f"{steps} operations" for steps in LENGTHS))
    return table(head, [(name, *_cells(record, PLAIN, "")) for name, record in records.items()])


def _by_part(records: Records) -> dict[str, dict[str, Any]]:
    """The records of both parts of each training."""
    return {
        name + said: {"parameters": record["parameters"], "training": training}
        for name, record in records.items()
        for said, training in ((", first part", record["training"]["before"]), ("", record["training"]))
    }


def _factor_table(records: Records, shares: Sequence[Mapping[str, Mapping[str, float]]]) -> str:
    rows: list[Sequence[str]] = []
    for factor in FACTORS:
        own = [each.get(factor.name, {}) for each in shares]
        usual = _both(1 - sum(each.values()) for each in own)
        rows.append((f"**{factor.name}**", f"usual: {factor.usual}", usual, *("" for _ in records)))
        for setting in factor.settings:
            cells = (next(_cells(record, factor.name, setting.name), "as plain") for record in records.values())
            rows.append((setting.name, setting.words, _both(each.get(setting.name, 0.0) for each in own), *cells))
    return table(("factor", "what it is", "training", *records), rows)


def _cells(record: Mapping[str, Any], factor: str, setting: str) -> Iterator[str]:
    """What a model does with one setting: with its own chain, a right one and none, for each length that was asked."""
    own = [mark for mark in record["marks"] if (mark["factor"], mark["setting"]) == (factor, setting)]
    for steps in dict.fromkeys(tuple(mark["steps"]) for mark in own):
        by_way = {Way(mark["way"]): mark for mark in own if tuple(mark["steps"]) == steps}
        yield " / ".join(_percent(by_way[way]["right"] / by_way[way]["n"]) if way in by_way else "-" for way in WAYS)


def _both(shares: Iterable[float]) -> str:
    """Shares in percent, as one where they are alike."""
    return ", ".join(dict.fromkeys(_percent(each) for each in shares))


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"
