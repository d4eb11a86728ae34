"""Runs whose prompts differ beside the template's name are refused, and what differs is named."""

from dataclasses import replace
from typing import Any

import pytest

from mediate.compare.runs import NamedRun
from mediate.errors import InputError
from mediate.results import Results
from tests.compare import made
from tests.compare.asked import compared

CHAT = {"template": "chat", "template_text": ""}
DATED = "{% for m in messages %}{{ strftime_now('%d') }}{{ m.content }}{% endfor %}"


def run(model: str, *, spec: dict[str, str] = CHAT, tokenizer: str = "t", **changes: Any) -> Results:
    found = made.run(model)
    described = found.manifest["model"] | {"tokenizer": tokenizer}
    manifest = found.manifest | {"spec": found.manifest["spec"] | spec, "model": described}
    return replace(found, manifest=manifest | changes)


def prompt(**facts: str) -> dict[str, Any]:
    return {"prompt": facts}


LONG = "You are a helpful assistant, and you answer in few words and with care. "
DIFFERENT = {
    "the format of chat templates of one name": (
        run(made.A, **prompt(format=LONG + "<user>{question}<end>")),
        run(made.B, tokenizer="u", **prompt(format=LONG + "[INST] {question}")),
        r"the prompt's format is '.*\[INST\].*' in 'run1' and '.*<user>.*' in 'run0'",
    ),
    "the date that was told": (
        run(made.A, **prompt(format="{question}", date="2024-07-26")),
        run(made.B, **prompt(format="{question}", date="2031-01-01")),
        "the date in the prompt is '2031-01-01' in 'run1' and '2024-07-26' in 'run0'",
    ),
    "a run of before, with the template's text": (
        run(made.A, spec={"template": "d", "template_text": DATED}, **prompt(format="26{question}", date="2024-07-26")),
        run(made.B, spec={"template": "d", "template_text": DATED}),
        "the date in the prompt is '2026-11-21' in 'run1' and '2024-07-26' in 'run0'",
    ),
    "a run of before, of the same tokenizer": (
        run(made.A),
        run(made.B, **prompt(format="26{question}", date="2024-07-26")),
        "the date in the prompt is '2024-07-26' in 'run1' and '2026-11-21' in 'run0'",
    ),
    "two runs of before, on two days": (
        run(made.A, spec={"template": "d", "template_text": DATED}),
        run(made.B, spec={"template": "d", "template_text": DATED}, created="2026-11-30T00:00:00Z"),
        "the date in the prompt is '2026-11-30' in 'run1' and '2026-11-21' in 'run0'",
    ),
    "a space before each piece": (
        run(made.A, spec={}),
        run(made.B, spec={}, **prompt(pieces="no space put before")),
        "how the tokens of chain, cue and answer begin is 'no space put before' in 'run1' and 'a space put",
    ),
}
ALIKE = {
    "the same": (run(made.A, **prompt(format="a{question}")), run(made.B, **prompt(format="a{question}"))),
    "a run of before": (run(made.A), run(made.B, **prompt(format="a{question}"))),
    "runs of before": (run(made.A), run(made.B, created="2026-11-30T00:00:00Z")),
    "runs of before on one day": (
        run(made.A, spec={"template": "d", "template_text": DATED}),
        run(made.B, spec={"template": "d", "template_text": DATED}),
    ),
    "other tokenizers": (run(made.A, spec={}), run(made.B, spec={}, tokenizer="u", **prompt(pieces="none"))),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_is_named(name: str) -> None:
    one, other, said = DIFFERENT[name]
    with pytest.raises(InputError, match=said) as caught:
        compared(one, other)
    assert "\n" not in str(caught.value)
    assert len(compared(one, other, allow_mixed=True).mixed) == 1


@pytest.mark.parametrize("name", ALIKE)
def test_runs_of_one_prompt_are_compared(name: str) -> None:
    assert compared(*ALIKE[name]).mixed == ()


def test_a_run_without_a_record_of_its_prompts_is_one_of_before() -> None:
    from mediate.compare.prompts import prompt_differences

    first, other = (NamedRun(f"run{place}", each) for place, each in enumerate(ALIKE["a run of before"]))
    assert prompt_differences(first, other) == ()
