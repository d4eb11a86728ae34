"""How a model is tuned: every choice that can change a weight or a number in the manifest, and nothing that cannot."""

from dataclasses import asdict
from typing import Any, Literal, Unpack

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator, model_validator

from mediate.choices import described, made
from mediate.models.prompts import ANSWER_CUE, Style, Template, parse_template
from mediate.tuning.arms import arm_named, not_heeded
from mediate.tuning.arms.arm import Arm
from mediate.tuning.arms.lora import LORA
from mediate.tuning.arms.prefix import INSTRUCTION
from mediate.tuning.call import TuneOptions

# Choices that a manifest says of every arm, whether it heeds them or not.
_SAID_BY_ALL = ("keep_chain", "beta")
_ADAPTER_ALONE = ("rank", "alpha", "dropout", "target_modules", "merge")


@described
class TuneSpec(BaseModel):
    """The choices of a tuning; an unknown name is an error, and so is one that its arm would not heed."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    arm: Arm = Field(default=LORA, description="What is trained and on what: one of `mediate.tuning.ARMS`.")
    full: bool | None = Field(
        default=None, description="Train all weights, not an adapter, in an arm that leaves the choice."
    )
    keep_chain: bool = Field(default=False, description="With the chain as context, without loss.")
    template: Template = Field(
        default=Template(Style.NONE, name="none"), description="`none`, `chat`, `few-shot`, or a file, as in scoring."
    )
    answer_cue: str = Field(
        default=ANSWER_CUE, min_length=1, description="What stands before the answer, which follows it after a space."
    )
    epochs: int = Field(default=3, ge=1, description="Passes over the training part.")
    steps: int | None = Field(default=None, ge=1, description="Optimizer steps, in place of epochs.")
    checkpoints: tuple[int, ...] = Field(
        default=(), description="Steps after which the model is kept too, in a folder `step-N` inside; as `50,100`."
    )
    batch_size: int = Field(default=8, ge=1, description="Examples a step; with DPO, pairs of completions.")
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="At its highest; by default by arm.",
    )
    warmup: float = Field(
        default=0.03, ge=0, lt=1, description="Share of the steps over which the learning rate rises; then it falls."
    )
    weight_decay: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="AdamW's.")
    max_length: int | None = Field(
        default=None,
        ge=2,
        description="Most tokens of an example, by default the model's context; longer ones are never cut.",
    )
    rank: int = Field(default=16, ge=1, description="Of the adapter's matrices.")
    alpha: float = Field(default=32.0, gt=0, allow_inf_nan=False, description="The adapter is scaled by alpha / rank.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="On the adapter's input; DPO turns it off.")
    target_modules: tuple[str, ...] = Field(
        default=("all-linear",),
        min_length=1,
        description="Modules that get an adapter; `all-linear` for all but the unembedding.",
    )
    merge: bool = Field(default=False, description="Write a whole checkpoint, not an adapter.")
    beta: float = Field(default=0.1, gt=0, allow_inf_nan=False, description="The larger, the nearer to the base model.")
    size: int | None = Field(
        default=None, ge=2, description="Examples of a mix to train on; by default as many as its parts allow."
    )
    prefix_tokens: int = Field(default=8, ge=1, description="Tokens of a chain that are learnt as its prefix.")
    prefix_share: float = Field(
        default=0.9, gt=0, le=1, description="Share of the examples, the first ones, of which a prefix is learnt."
    )
    instruction: str = Field(
        default=INSTRUCTION, description="What follows a question of which a prefix is learnt; may be empty."
    )
    own_chains: bool = Field(
        default=False, description="The model writes every chain and answer itself, not those alone that the data lack."
    )
    temperature: float = Field(
        default=0.0, ge=0, allow_inf_nan=False, description="At which it writes them; 0 is greedy."
    )
    chains: Literal["other", "shuffled", "filler", "wrong"] = Field(
        default="other",
        description="Another question's chain, the own steps in another order, as many tokens of filler, or the own "
        "chain with one result wrong and the later steps computed from it.",
    )
    by: Literal["rsr", "surprisal", "drop", "casl", "accepted"] = Field(
        default="rsr", description="The score by which the best examples are kept."
    )
    keep: float | None = Field(default=None, gt=0, le=1, description="The part of the examples that is kept.")
    least: float | None = Field(
        default=None, gt=0, le=1, description="The probability below which a token of a chain is not learnt."
    )
    judge: str | None = Field(
        default=None, description="The model under which chains are scored; by default the one that is tuned."
    )
    held_out: float = Field(default=0.1, ge=0, lt=1, description="Share of the examples that is not trained on.")
    ask: int = Field(default=64, ge=0, description="Held-out questions asked before and after; 0 for none.")
    max_new_tokens: int = Field(default=256, ge=1, description="The longest chain that it may write.")
    on_bad_item: Literal["error", "skip"] = Field(
        default="error", description="Stop before anything is written, or leave the example out and count it."
    )
    seed: int = Field(
        default=0, ge=0, lt=2**32, description="Of the split, the first weights, the order and the dropout."
    )

    @field_validator("arm", mode="plain")
    @classmethod
    def _read_arm(cls, value: Any) -> Arm:
        return value if isinstance(value, Arm) else arm_named(str(value))

    @field_serializer("arm")
    def _told_arm(self, arm: Arm) -> str:
        return arm.name

    @field_validator("template", mode="before")
    @classmethod
    def _read_template(cls, value: Any) -> Any:
        return parse_template(value) if isinstance(value, str) else value

    @field_validator("checkpoints", mode="before")
    @classmethod
    def _read_checkpoints(cls, value: Any) -> Any:
        given = [value] if isinstance(value, str | int) else value
        parts = [part.strip() for each in given for part in str(each).split(",")]
        if not all(part.isdecimal() and int(part) > 0 for part in parts):
            raise ValueError("give numbers of steps from 1, such as 50,100,200")
        return tuple(sorted({int(part) for part in parts}))

    @model_validator(mode="after")
    def _check_heeded(self) -> "TuneSpec":
        if self.template.style is Style.AUTO:
            raise ValueError("template auto is for scoring; give none, chat, few-shot or a file")
        if None not in (self.full, self.arm.full) and self.full is not self.arm.full:
            raise ValueError(f"full={self.full} is not for the arm {self.arm}; choose another arm, or leave it out")
        given = {name for name in self.model_fields_set if getattr(self, name) != type(self).model_fields[name].default}
        unheeded = [name for name in _ADAPTER_ALONE if self.trains_all and name in given]
        unheeded += [name for name in not_heeded(self.arm) if name in given]
        if unheeded:
            kind = " of all weights" if self.trains_all else ""
            raise ValueError(f"{unheeded[0]} changes nothing in the arm {self.arm}{kind}; leave it out")
        if "keep" in self.arm.own and self.keep is None and self.least is None:
            raise ValueError(
                f"the arm {self.arm} takes keep, the part of the examples with the best scores, or least, the "
                "probability below which tokens are not learnt; give either or both"
            )
        if self.keep is None and "by" in given:
            raise ValueError("by is the score of those that are kept; give keep too")
        if "all-linear" in self.target_modules and len(self.target_modules) > 1:
            raise ValueError("target_modules names all-linear and others; name either")
        return self

    @property
    def trains_all(self) -> bool:
        """Whether all weights are trained, not an adapter."""
        return bool(self.full if self.arm.full is None else self.arm.full)

    @property
    def rate(self) -> float:
        """The learning rate at its highest."""
        if self.learning_rate is not None:
            return self.learning_rate
        rate = self.arm.rates[0 if self.trains_all else 1]
        assert rate is not None
        return rate

    def described(self) -> dict[str, Any]:
        """The choices as plain values, for a manifest."""
        # Folders of before do not say choices of other arms that have joined since.
        silent = {name for name in not_heeded(self.arm) if name not in _SAID_BY_ALL}
        silent |= set() if self.checkpoints else {"checkpoints"}
        plain = self.model_dump(mode="json", exclude={"template", *silent})
        template = asdict(self.template)
        whole = {"full": self.trains_all, "learning_rate": self.rate}
        return {"template": template["name"] or template["style"], "template_text": template["text"]} | plain | whole


def choices_of(arm: Arm) -> tuple[str, ...]:
    """The names of the choices that an arm heeds, itself aside."""
    left_out = {"arm", *not_heeded(arm)}
    left_out |= {"full"} if arm.full is not None else set()
    left_out |= set(_ADAPTER_ALONE) if arm.full else set()
    return tuple(name for name in TuneSpec.model_fields if name not in left_out)


def make_tune_spec(arm: str | Arm = LORA, **choices: Unpack[TuneOptions]) -> TuneSpec:
    """A specification of named choices.

    Raises:
        InputError: An unknown choice, a value that it cannot have, or one that the arm does not heed.
    """
    return made(TuneSpec, {"arm": arm, **choices})
