"""The choices of scoring traces. Imports no torch."""

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from mediate.choices import described, fields_of, made
from mediate.holding.spec import HoldOptions
from mediate.models.prompts import Template
from mediate.results.trace_scores import CAP, FLOOR, LIKELY, TOP, TraceRule
from mediate.scoring.spec import ScoreSpec, make_spec

# The choices of a scoring run that say how a question is put, a missing chain written, and a bad item left out.
SHARED = (
    "template", "answer_cue", "on_bad_item", "max_new_tokens", "stop", "temperature", "top_p", "seed", "level"
)  # fmt: skip

# The two numbers of the speculative rule, which a join has too.
AMONG: Any = Field(
    default=TOP, ge=1, description="The speculative rule accepts a token among so many of the student's likeliest."
)
AT_LEAST: Any = Field(
    default=LIKELY, ge=0, lt=1, description="The speculative rule accepts a token of at least this probability."
)


@described
class TraceSpec(BaseModel):
    """The choices of scoring traces, beside how questions are put; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: Literal["chain", "response"] = Field(
        default="chain", description="What is scored: the `chain`, or the whole `response`: chain, cue and answer."
    )
    cap: int = Field(default=CAP, ge=1, description="Ranks above it count as it, in the Rank-Surprisal Ratio.")
    floor: float = Field(
        default=FLOOR,
        ge=0,
        allow_inf_nan=False,
        description="The mean surprisal, in nats a token, below which the Rank-Surprisal Ratio is undefined.",
    )
    top: int = AMONG
    likely: float = AT_LEAST

    @property
    def rule(self) -> TraceRule:
        """The numbers that scores are worked out with."""
        return TraceRule(self.cap, self.floor, self.top, self.likely)


class AskingOptions(TypedDict, total=False):
    """How questions are put and missing chains written, as the options of a call, with the rule's two numbers."""

    top: int
    likely: float
    template: str | Template
    answer_cue: str
    on_bad_item: Literal["auto", "error", "skip"]
    max_new_tokens: int | None
    stop: Sequence[str]
    temperature: float
    top_p: float
    seed: int
    level: float


class TraceOptions(AskingOptions, total=False):
    """`TraceSpec`, and how questions are put, as the options of a call."""

    tokens: Literal["chain", "response"]
    cap: int
    floor: float


class TraceCall(TraceOptions, HoldOptions, total=False):
    """The options of `score_traces`: its choices, and how its directory is held."""


def trace_fields() -> dict[str, FieldInfo]:
    """The choices of scoring traces: their own, and how questions are put and missing chains written."""
    shared = fields_of(ScoreSpec)
    return fields_of(TraceSpec) | {name: shared[name] for name in SHARED}


def make_trace_specs(choices: dict[str, Any]) -> tuple[TraceSpec, ScoreSpec]:
    """The choices of scoring traces, and those of how questions are put.

    Raises:
        InputError: An unknown choice, or a value that it cannot have.
    """
    shared = {name: choices[name] for name in SHARED if name in choices}
    own = {name: value for name, value in choices.items() if name not in shared}
    return made(TraceSpec, own), make_spec(None, **shared)


def asking(scoring: ScoreSpec, names: Sequence[str] = SHARED) -> dict[str, Any]:
    """How questions are put and missing chains written, as plain values, for a manifest."""
    told = scoring.described()
    return {name: told[name] for name in (*names, "template_text")}
