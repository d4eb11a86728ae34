"""The choices of fitting a steering vector. Imports no torch."""

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from mediate.choices import described, fields_of, made
from mediate.distill.spec import SHARED
from mediate.errors import InputError
from mediate.models.prompts import Template
from mediate.scoring.spec import ScoreSpec, make_spec
from mediate.traces.thoughts import ThoughtRules, rules_named

# A vector has no interval, and so no level.
_SHARED = tuple(name for name in SHARED if name != "level")


@described
class SteerSpec(BaseModel):
    """The choices of fitting a steering vector, beside how questions are put; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    thoughts: Literal["seal", "worded"] = Field(
        default="seal",
        description="What opens a thought, and the words that tell reflection and transition from execution: those "
        "published with SEAL, or those of the worded family.",
    )
    opens: str | None = Field(
        default=None,
        min_length=1,
        description="Another text that opens a thought: every token that holds it does, whatever stands before it. By "
        "default an empty line, in the worded family a full stop.",
    )

    @property
    def rules(self) -> ThoughtRules:
        """The rules, with what opens a thought."""
        rules = rules_named(self.thoughts)
        opens = rules.opens if self.opens is None else self.opens
        return ThoughtRules(rules.name, opens, rules.transition, rules.reflection)


class SteerOptions(TypedDict, total=False):
    """`SteerSpec`, and how questions are put, as the options of a call."""

    thoughts: Literal["seal", "worded"]
    opens: str | None
    template: str | Template
    answer_cue: str
    on_bad_item: Literal["auto", "error", "skip"]
    max_new_tokens: int | None
    stop: Sequence[str]
    temperature: float
    top_p: float
    seed: int


def steer_fields() -> dict[str, FieldInfo]:
    """The choices of fitting a vector: its own, and how questions are put and missing chains written."""
    shared = fields_of(ScoreSpec)
    return fields_of(SteerSpec) | {name: shared[name] for name in _SHARED}


def make_steer_specs(choices: dict[str, Any]) -> tuple[SteerSpec, ScoreSpec]:
    """The choices of fitting a vector, and those of how questions are put.

    Raises:
        InputError: An unknown choice, or a value that it cannot have.
    """
    shared = {name: choices[name] for name in _SHARED if name in choices}
    own = {name: value for name, value in choices.items() if name not in shared}
    unknown = next((name for name in own if name not in SteerSpec.model_fields), None)
    if unknown is not None:
        raise InputError(f"no option {unknown!r}; there are {', '.join(steer_fields())}")
    return made(SteerSpec, own), make_spec(None, **shared)
