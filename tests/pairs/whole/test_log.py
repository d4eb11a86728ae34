"""A log as people have them: twenty word problems of our own, answered by a small instruction-tuned model.

It wrote them greedily under its chat template, with plain transformers, and answers 6 of them rightly.
"""

import json
from pathlib import Path

from mediate.pairs import scan_items
from mediate.pairs.answers import says

LOG = Path(__file__).parents[1] / "logs" / "word_problems.jsonl"
STATED = [
    *("-1", "21", "69", "the number of rolls left", "8", "the number of books on the shelves", "37", "61", "11", "89"),
    *("39", "the number of eggs left", "6", "26", "The number of passengers on the train is 95"),
    *("the number of good apples", "31", "24", "61", "8"),
]


def test_every_response_is_cut_where_it_states_its_answer() -> None:
    found = scan_items(LOG)
    assert found.told == "word_problems.jsonl: 20 chat messages"
    assert [each.stated for each in found.items] == STATED
    assert sum(says(each.stated, each.answer) for each in found.items) == 6
    assert all(each.chat and not each.closed for each in found.items)


def test_chains_are_the_responses_own_words_and_end_in_a_whole_step() -> None:
    replies = [json.loads(line)["messages"][1]["content"] for line in LOG.read_text(encoding="utf-8").splitlines()]
    for item, reply in zip(scan_items(LOG).items, replies, strict=True):
        assert item.cot
        assert reply.startswith(item.cot)
        assert any(letter.isalpha() for letter in item.cot.splitlines()[-1]) or item.cot.endswith("]")
        assert item.stated in reply[len(item.cot) :]
