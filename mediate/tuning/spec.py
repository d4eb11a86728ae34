"""How a model is tuned: every choice that can change a weight or a number in the manifest, and nothing that cannot."""

from dataclasses import asdict
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mediate.choices import wrong_choice
from mediate.errors import InputError
from mediate.models.prompts import ANSWER_CUE, Style, Template, parse_template


class Arm(StrEnum):
    """What is trained on: chain and answer with all weights or an adapter, the answer alone, or a preference."""

    SFT = "sft"
    LORA = "lora"
    ANSWER_ONLY = "answer-only"
    DPO = "dpo"


# By arm: with all weights, and with an adapter. The first two follow common practice; DPO trl, and ten times that.
_RATES = {
    Arm.SFT: (2e-5, None),
    Arm.LORA: (None, 2e-4),
    Arm.ANSWER_ONLY: (2e-5, 2e-4),
    Arm.DPO: (1e-6, 1e-5),
}
_ADAPTER_ALONE = ("rank", "alpha", "dropout", "target_modules", "merge")


class TuneSpec(BaseModel):
    """The choices of a tuning; an unknown name is an error, and so is one that its arm would not heed.

    Attributes:
        arm: `sft`, `lora`, `answer-only` or `dpo`.
        full: Whether all weights are trained, not an adapter; only `answer-only` and `dpo` leave the choice, and train
            an adapter by default.
        keep_chain: `answer-only` with the chain before the cue, as context on which there is no loss.
        template: `none`, `chat`, `few-shot`, the path of a template file, or a `Template`; as in scoring.
        answer_cue: What stands between the chain and the answer; the answer follows it after a space.
        epochs: Passes over the training part.
        steps: Optimizer steps; takes the place of `epochs`.
        batch_size: Examples a step; with DPO, pairs of completions.
        learning_rate: At its highest; by default by arm, from 1e-6 (DPO of all weights) to 2e-4 (an adapter).
        warmup: The share of steps over which the learning rate rises; it then falls linearly to 0.
        weight_decay: AdamW's.
        max_length: The most tokens of an example; by default the model's context. Longer ones are never cut.
        rank: Of the adapter's matrices.
        alpha: The adapter is scaled by alpha / rank.
        dropout: On the adapter's input; DPO turns it off.
        target_modules: Names of the modules that get an adapter; `all-linear` for all but the unembedding.
        merge: Whether the adapter is added to the weights, so that the result is a whole checkpoint.
        beta: DPO's; the larger, the nearer to the base model.
        held_out: The share of examples that is not trained on.
        ask: How many held-out examples the model is asked before and after; 0 for none.
        max_new_tokens: The longest chain that it may write when it is asked.
        on_bad_item: `error` stops before anything is written; `skip` leaves the example out, with its reason.
        seed: Of the split, the adapter's first weights, the order of examples and dropout.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    arm: Arm = Arm.LORA
    full: bool | None = None
    keep_chain: bool = False
    template: Template = Template(Style.NONE, name="none")
    answer_cue: str = Field(default=ANSWER_CUE, min_length=1)
    epochs: int = Field(default=3, ge=1)
    steps: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=8, ge=1)
    learning_rate: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    warmup: float = Field(default=0.03, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    max_length: int | None = Field(default=None, ge=2)
    rank: int = Field(default=16, ge=1)
    alpha: float = Field(default=32.0, gt=0, allow_inf_nan=False)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: tuple[str, ...] = Field(default=("all-linear",), min_length=1)
    merge: bool = False
    beta: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    held_out: float = Field(default=0.1, ge=0, lt=1)
    ask: int = Field(default=64, ge=0)
    max_new_tokens: int = Field(default=256, ge=1)
    on_bad_item: Literal["error", "skip"] = "error"
    seed: int = Field(default=0, ge=0, lt=2**32)

    @field_validator("template", mode="before")
    @classmethod
    def _read_template(cls, value: Any) -> Any:
        return parse_template(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_heeded(self) -> "TuneSpec":
        if self.template.style is Style.AUTO:
            raise ValueError("template auto is for scoring; give none, chat, few-shot or a file")
        only = {Arm.SFT: True, Arm.LORA: False}.get(self.arm, self.full)
        if self.full not in (None, only):
            raise ValueError(f"full={self.full} is not for the arm {self.arm}; choose another arm, or leave it out")
        given = {name for name in self.model_fields_set if getattr(self, name) != type(self).model_fields[name].default}
        unheeded = [name for name in _ADAPTER_ALONE if self.trains_all and name in given]
        unheeded += [] if self.arm is Arm.DPO or "beta" not in given else ["beta"]
        unheeded += [] if self.arm is Arm.ANSWER_ONLY or "keep_chain" not in given else ["keep_chain"]
        if unheeded:
            kind = " of all weights" if self.trains_all else ""
            raise ValueError(f"{unheeded[0]} changes nothing in the arm {self.arm}{kind}; leave it out")
        if "all-linear" in self.target_modules and len(self.target_modules) > 1:
            raise ValueError("target_modules names all-linear and others; name either")
        return self

    @property
    def trains_all(self) -> bool:
        """Whether all weights are trained, not an adapter."""
        return self.arm is Arm.SFT or bool(self.full)

    @property
    def rate(self) -> float:
        """The learning rate at its highest."""
        if self.learning_rate is not None:
            return self.learning_rate
        rate = _RATES[self.arm][0 if self.trains_all else 1]
        assert rate is not None
        return rate

    def described(self) -> dict[str, Any]:
        """The choices as plain values, for a manifest."""
        plain = self.model_dump(mode="json", exclude={"template"})
        template = asdict(self.template)
        whole = {"full": self.trains_all, "learning_rate": self.rate}
        return {"template": template["name"] or template["style"], "template_text": template["text"]} | plain | whole


def make_tune_spec(**choices: Any) -> TuneSpec:
    """A specification of named choices.

    Raises:
        InputError: An unknown choice, a value that it cannot have, or one that the arm does not heed.
    """
    try:
        return TuneSpec(**choices)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise InputError(f"no option {name!r}; there are {', '.join(TuneSpec.model_fields)}") from error
        reason = wrong_choice(first, TuneSpec.model_fields)
        raise InputError(f"option {name!r}: {reason}" if name else reason) from error
