"""The choices of joining what tokens carry with how likely they are. Imports no torch."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from mediate.choices import described, fields_of, made
from mediate.distill.spec import AMONG, AT_LEAST, SHARED, AskingOptions
from mediate.holding.spec import HoldOptions
from mediate.results.tokens_agreed import MOST
from mediate.results.trace_scores import TraceRule
from mediate.scoring.spec import ScoreSpec, make_spec

# The choices of a scoring run that say how a question is put and a chain written, and when an effect is noise.
JOINED = (*SHARED, "solved_only", "min_te")


@described
class JoinSpec(BaseModel):
    """The choices of a join, beside how questions are put; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most: float = Field(
        default=MOST, gt=0, le=0.5, description="The part of a chain's tokens that carry most, for the receiver curve."
    )
    states: int = Field(
        default=8,
        ge=0,
        description="On how many pairs, drawn at random, the state effect of each token is measured too; 0 for none.",
    )
    top: int = AMONG
    likely: float = AT_LEAST

    @property
    def rule(self) -> TraceRule:
        """The numbers of the speculative rule."""
        return TraceRule(top=self.top, likely=self.likely)


class JoinOptions(AskingOptions, total=False):
    """`JoinSpec`, and how questions are put, as the options of a call."""

    most: float
    states: int
    solved_only: bool
    min_te: float


class JoinCall(JoinOptions, HoldOptions, total=False):
    """The options of `join_tokens`: its choices, and how its directory is held."""


def join_fields() -> dict[str, FieldInfo]:
    """The choices of a join: its own, and how questions are put and missing chains written."""
    shared = fields_of(ScoreSpec)
    return fields_of(JoinSpec) | {name: shared[name] for name in JOINED}


def make_join_specs(choices: dict[str, Any]) -> tuple[JoinSpec, ScoreSpec]:
    """The choices of a join, and those of how questions are put.

    Raises:
        InputError: An unknown choice, or a value that it cannot have.
    """
    shared = {name: choices[name] for name in JOINED if name in choices}
    own = {name: value for name, value in choices.items() if name not in shared}
    return made(JoinSpec, own), make_spec(None, **shared)
