"""The choices of writing traces by reverse speculative decoding. Imports no torch."""

from typing import Any, TypedDict

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mediate.choices import described
from mediate.holding.spec import HoldOptions
from mediate.models.prompts import AUTO, Template, parse_template
from mediate.scoring.spec import MOST_NEW_TOKENS


@described
class RsdSpec(BaseModel):
    """The choices of reverse speculative decoding; an unknown name is an error. Its numbers are the publication's."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    traces: int = Field(default=16, ge=1, description="How many traces are written of each question.")
    top: int = Field(
        default=20, ge=1, description="The teacher proposes, and the student accepts, of so many likeliest tokens."
    )
    likely: float = Field(
        default=0.01, ge=0, lt=1, description="The least probability under the student of a token that it accepts."
    )
    trials: int = Field(
        default=5, ge=1, description="How many draws of the teacher are tried before the student draws itself."
    )
    temperature: float = Field(default=0.7, gt=0, allow_inf_nan=False, description="Of what either model draws.")
    top_p: float = Field(default=0.95, gt=0, le=1, description="The nucleus that either model draws from.")
    most_fallback: float = Field(
        default=0.5, ge=0, le=1, description="A trace is kept whose tokens the student drew itself up to this share."
    )
    max_new_tokens: int | None = Field(
        default=None,
        ge=1,
        description="The longest trace, and a longer one is not closed; by default what both contexts have room for, "
        f"up to {MOST_NEW_TOKENS}.",
    )
    template: Template = Field(
        default=AUTO,
        description="How questions are put to both, as in scoring; `auto` is what each model writes best after.",
    )
    batch: int = Field(default=64, ge=1, description="Traces that are written side by side; changes no trace.")
    seed: int = Field(default=0, ge=0, description="Of the draws; each trace has its own, whatever else is written.")

    @field_validator("template", mode="before")
    @classmethod
    def _read_template(cls, value: Any) -> Any:
        return parse_template(value) if isinstance(value, str) else value


class RsdOptions(TypedDict, total=False):
    """`RsdSpec` as the options of a call."""

    traces: int
    top: int
    likely: float
    trials: int
    temperature: float
    top_p: float
    most_fallback: float
    max_new_tokens: int | None
    template: str | Template
    batch: int
    seed: int


class RsdCall(RsdOptions, HoldOptions, total=False):
    """The options of `rsd`: its choices, and how its directory is held."""
