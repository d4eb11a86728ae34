"""What is left out of a run, and why, without the advice to leave it out."""

import pytest

from mediate.errors import ItemError
from mediate.results.told import Reject, left_out_by


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("it is too long; leave it out (skip)", "it is too long"),
        (
            "none; allow more, name a stop string, or leave such items out (skip)",
            "none; allow more, name a stop string",
        ),
        ("no text is read; leave the item out", "no text is read"),
        ("a key is unknown; leave it out (skip) or rename it", "a key is unknown; leave it out (skip) or rename it"),
    ],
)
def test_what_was_left_out_is_not_advised_to_be(reason: str, told: str) -> None:
    error = ItemError("a", reason, place="p.jsonl:3", code="bad")
    assert left_out_by(error, "elsewhere") == Reject("a", "bad", told, "p.jsonl:3")
    assert left_out_by(ItemError("a", reason), "p.jsonl:3", "map").place == "p.jsonl:3"
