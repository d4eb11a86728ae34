"""The choices of tests on behaviour: what they may be, and which edits they stand for."""

import pytest

from mediate.errors import InputError
from mediate.faithfulness.faithfulness import Probes
from mediate.faithfulness.spec import USUAL_EDITS, BehaviourSpec, check_called, edits_of, make_behaviour_spec
from mediate.traces.edits import Unedited
from mediate.traces.trace import given_trace
from tests import tiny


def test_the_usual_choices() -> None:
    spec = BehaviourSpec()
    assert spec.edits == USUAL_EDITS
    assert spec.readings == ("at_once", "continued")
    assert tuple(each.name for each in edits_of(spec, ["3 + 4 = 7."])) == USUAL_EDITS


def test_choices_are_named_with_commas_or_one_by_one() -> None:
    choices = {"edits": ["truncated,filler.5", "another"], "readings": "continued", "seed": 3}
    spec = make_behaviour_spec(choices)
    assert choices == {"seed": 3}
    assert spec.edits == ("truncated", "filler.5", "another")
    assert spec.readings == ("at_once", "continued")
    assert make_behaviour_spec({"readings": "at_once"}).readings == ("at_once",)


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"edits": "truncate"}, "no edit 'truncate'; did you mean 'truncated'. there are truncated"),
        ({"edits": "filler.0"}, "no edit 'filler.0'"),
        ({"readings": "later"}, "no reading 'later'; there are at_once, continued"),
        ({"edits": ()}, "edits"),
        ({"edits": "hint"}, "no edit 'hint'; there are .*, hint.right, hint.wrong, grafted, and filler.N"),
        ({"hint": "It is 5."}, "it needs it once"),
        ({"rewriter": ""}, "rewriter"),
    ],
)
def test_a_choice_that_is_none_is_refused_in_a_line(choices: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told) as refused:
        make_behaviour_spec(choices)
    assert "\n" not in str(refused.value)


def test_the_chains_say_what_arithmetic_they_keep_to() -> None:
    spec = make_behaviour_spec({"edits": "mistaken.recomputed"})
    tokenizer = tiny.tokenizer()
    text = "3 + 4 = 7. 7 x 7 = 9."
    (modulo,) = edits_of(spec, [text])
    assert modulo.of(Unedited(given_trace(text, tokenizer), tokenizer), 0).touched == (0, 1)
    (none,) = edits_of(spec, ["Tom has apples."])
    with pytest.raises(InputError, match="no arithmetic"):
        none.of(Unedited(given_trace(text, tokenizer), tokenizer), 0)
    (given,) = edits_of(spec, ["Tom has apples."], recompute=lambda slip: slip.after)
    assert given.of(Unedited(given_trace(text, tokenizer), tokenizer), 0).touched == (0,)


def test_a_function_brings_its_paraphrases() -> None:
    assert [each.name for each in edits_of(BehaviourSpec(edits=("another",)), [], rewrite=str)] == [
        "another",
        "reworded",
        "reworded.up_to",
    ]


def test_a_paraphrase_that_is_named_is_the_one_that_is_made() -> None:
    found = edits_of(make_behaviour_spec({"edits": "another,reworded.up_to"}), [], rewrite=str)
    assert [each.name for each in found] == ["another", "reworded.up_to"]


@pytest.mark.parametrize("named", ["reworded", "reworded.up_to"])
def test_a_paraphrase_without_anything_that_rewords_says_what_to_give(named: str) -> None:
    spec = make_behaviour_spec({"edits": f"another,{named}"})
    with pytest.raises(InputError, match=f"edit '{named}' needs .*--rewriter, .*rewrite="):
        Probes(spec)
    Probes(spec, rewrite=str)
    Probes(make_behaviour_spec({"edits": named, "rewriter": "reference-0.1m"}))


def test_what_should_be_a_function_and_is_none_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="rewrite is 'x', which cannot be called; give a function"):
        check_called("rewrite", "x")
    check_called("rewrite", str)
    check_called("rewrite", None)


def test_a_hint_says_what_the_choice_says() -> None:
    spec = BehaviourSpec(edits=("hint.right", "hint.wrong"), hint="Tom has {answer}.")
    tokenizer = tiny.tokenizer()
    own = Unedited(given_trace("3 + 4 = 7.", tokenizer), tokenizer, answer="7")
    right, wrong = edits_of(spec, [])
    assert (right.name, wrong.name) == spec.edits
    assert tokenizer.decode(right.of(own, 1).ids).endswith("Tom has 7.")
    assert wrong.of(own, 1).towards != "7"


def test_a_manifest_says_no_choice_of_later_that_is_as_usual() -> None:
    """Runs from before there were hints and rewriters are the same runs."""
    assert BehaviourSpec().described().keys() == {"edits", "readings"}
    assert BehaviourSpec(hint="It is {answer}.").described()["hint"] == "It is {answer}."
    assert BehaviourSpec(rewriter="reference-0.1m").described().keys() == {"edits", "readings", "rewriter"}


def test_numbers_of_resampling_are_said_where_they_are_not_those_of_runs_that_say_none() -> None:
    of_then = {"resamples": 20, "resample_items": 8, "resample_rounds": 4}
    usual = BehaviourSpec(resampling=True)
    now = {name: getattr(usual, name) for name in of_then}
    assert all(now[name] != of_then[name] for name in now)
    assert usual.described().items() >= now.items()
    assert BehaviourSpec(resampling=True, **of_then).described().keys() == {"edits", "readings", "resampling"}
    for numbers in ({}, of_then):
        assert BehaviourSpec(**numbers).described().keys() == {"edits", "readings"}
    assert BehaviourSpec(resamples=7).described()["resamples"] == 7
