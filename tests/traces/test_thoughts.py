"""traces.thoughts: the kind of a thought, by the published words and by those of the worded family."""

import pytest

from mediate.tasks.worded import FILLER, WORDS
from mediate.traces.thoughts import RULES, SEAL, WORDED_THOUGHTS, ThoughtKind, rules_named

E, R, T = ThoughtKind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("So 3 + 4 = 7.", E),
        ("Wait, is that so?", R),
        ("Let me check that.", R),
        ("Let me see. That's correct.", R),
        ("The check is in the post.", E),
        ("Alternatively, take 4 first.", T),
        ("Wait. Another approach would be to guess.", T),  # a change of course comes first
        ("HOLD ON", R),
        ("", E),
    ],
)
def test_published_words(text: str, kind: ThoughtKind) -> None:
    assert SEAL.kind(text) is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [(" 3 + 4 = 7.", E), (" check 7 - 4 = 3.", R), (" wait.", R), (" instead 3 + 4 = 7.", T), (" so it is 7.", E)],
)
def test_words_of_the_worded_family(text: str, kind: ThoughtKind) -> None:
    assert WORDED_THOUGHTS.kind(text) is kind


def test_rules_have_names_and_words_of_their_own() -> None:
    assert [rules_named(rules.name) for rules in RULES] == list(RULES)
    for rules in RULES:
        words = (*rules.transition, *rules.reflection)
        assert len(set(words)) == len(words)
        assert all(word == word.lower() for word in words)
    assert {*WORDED_THOUGHTS.transition, *WORDED_THOUGHTS.reflection} <= set(WORDS) - {FILLER}
    assert (SEAL.opens, WORDED_THOUGHTS.opens) == ("\n\n", ".")
