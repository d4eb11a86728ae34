"""Runs whose numbers do not mean the same are refused, or compared with a mark."""

from dataclasses import replace
from typing import Any

import pytest

from mediate.compare.settings import Settings, settings_of
from mediate.errors import InputError
from mediate.results import Results
from tests.compare import made
from tests.compare.asked import compared, named


def other(**changes: Any) -> Results:
    run = made.run(made.B)
    spec = run.manifest["spec"] | changes.pop("spec", {})
    return replace(run, manifest=run.manifest | {"spec": spec} | changes)


CASES = {
    "template": (other(spec={"template": "chat"}), "the template is 'chat' in 'run1' and 'none' in 'run0'"),
    "template text": (
        other(spec={"template": "none", "template_text": "Q: {question}"}),
        "the template is 'Q: {question}' in 'run1' and 'none' in 'run0'",
    ),
    "answer cue": (other(spec={"answer_cue": " So:"}), r"the answer cue is ' So:' in 'run1' and '\\nThe answer is' in"),
    "schema": (other(schema=2), "the schema is 2 in 'run1' and 1 in 'run0'"),
    "numerics": (other(versions={"numerics": "9"}), "the version of the numerics is '9' in 'run1' and '1' in 'run0'"),
    "outcome": (
        replace(made.run(made.B), cubes=(*made.run(made.B).cubes, replace(made.run(made.B).cubes[0], outcome="more"))),
        "the outcome is logit_diff, more in 'run1' and logit_diff in 'run0'",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_difference_is_refused_by_name_or_marked(name: str) -> None:
    run, said = CASES[name]
    with pytest.raises(InputError, match=said.replace("{", r"\{").replace("}", r"\}")) as error:
        compared(made.run(), run)
    assert "\n" not in str(error.value)
    found = compared(made.run(), run, allow_mixed=True)
    assert len(found.mixed) == 1
    assert found.outcomes == (made.OUTCOME,)


def test_every_run_is_held_against_the_first() -> None:
    with pytest.raises(InputError, match="the schema is 2 in 'run2' and 1 in 'run0'"):
        compared(made.run(), made.run(made.B), other(schema=2))


def test_no_common_outcome_is_refused_even_so() -> None:
    run = made.run(made.B)
    with pytest.raises(InputError, match=r"no outcome was read in all runs .*'run0' has logit_diff; 'run1' has else"):
        compared(made.run(), replace(run, cubes=(replace(run.cubes[0], outcome="else"),)), allow_mixed=True)


def test_what_a_run_does_not_depend_on_may_differ() -> None:
    run = other(pairs="another set", created="later", spec={"seed": 7, "max_new_tokens": 3, "temperature": 1.0})
    assert compared(made.run(), run).mixed == ()


def test_precision_selection_and_other_tokens_are_cautions() -> None:
    run = made.run(made.B, writer=made.A)
    run.manifest["model"]["dtype"] = "bfloat16"
    run.manifest["spec"]["solved_only"] = True
    run.manifest["writer"]["retokenised"] = 3
    precision, solved, tokens = compared(made.run(), run).cautions
    assert "run0: float32, run1: bfloat16" in precision
    assert "were kept in run1" in solved
    assert tokens.startswith("In run1, 3 chains of another run have other tokens")
    assert compared(made.run(), made.run(made.B)).cautions == ()


def test_weights_that_were_quantised_are_a_caution_where_both_say_what_they_were() -> None:
    whole, quantised = made.run(), made.run(made.B)
    quantised.manifest["model"]["weights"] = "4-bit GGUF, Q4_1"
    assert compared(whole, quantised).cautions == ()
    whole.manifest["model"]["weights"] = ""
    (precision,) = compared(whole, quantised).cautions
    assert "(run0: float32, run1: float32 (from 4-bit GGUF, Q4_1))" in precision


def test_settings_are_the_first_runs_own_unless_chosen() -> None:
    runs = named(made.run(), made.run(made.B))
    runs[0].results.manifest["spec"].update(seed=4, level=0.8, min_te=0.5)
    assert settings_of(runs) == Settings(seed=4, level=0.8, min_te=0.5)
    assert settings_of(runs, level=0.9, margin=0.2, seed=None) == Settings(0.2, 0.9, 0.5, 4)


@pytest.mark.parametrize(
    "wrong",
    [{"margin": 0.0}, {"margin": 1.5}, {"level": 0.4}, {"level": 1.0}, {"min_te": -1.0}, {"seed": -1}, {"draws": 5}],
)
def test_wrong_settings_are_one_line(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))) as error:
        Settings(**wrong)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
