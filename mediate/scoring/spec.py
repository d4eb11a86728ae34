"""What a run measures and how: every choice that can change a number, and nothing that cannot."""

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator

from mediate.choices import described, made
from mediate.errors import ItemError
from mediate.mediation.names import USUAL, Outcome, parse_map, parse_outcome
from mediate.mediation.presets import PRESETS, is_of_presets, preset_named
from mediate.models.decoding import Decoding
from mediate.models.prompts import ANSWER_CUE, AUTO, Style, Template, parse_template
from mediate.models.sites import parse_component
from mediate.pairs.item import Item, said
from mediate.pairs.pair import Pair, pair_said
from mediate.results.kinds import MIN_TE, OTHERS
from mediate.results.replacements import ALL, replacement_named
from mediate.scoring.allowed import check_allowed
from mediate.scoring.bearing import BEARINGS, Bearing
from mediate.scoring.stored_chains import StoredChains, read_chains
from mediate.showing import record_cell

DEFAULT_MAP, DEFAULT_ITEM_MAP = "read:step,layer", "knockout:step,layer"
# The longest chain that a model may write, where its context has room for it.
MOST_NEW_TOKENS = 256


_MAPS = (
    f"Maps to measure, such as {DEFAULT_MAP}, or {', '.join(f'`{each.name}`' for each in PRESETS)} for several that "
    "answer one question (`mediate maps` lists them). By default that map of every pair whose chains can be aligned, "
    f"and {DEFAULT_ITEM_MAP} of items by themselves; a map that is named must be possible for all."
)
_AGAINST = (
    "What the question and chain of each are held against: `hidden`, they cannot be attended to (the default for items "
    "by themselves); `other`, those of other items of the file, with another answer and nearest in length; `twin`, "
    "those of its source (pairs, and the default for them). Pairs held against `hidden` or `other` are their bases, as "
    "items by themselves."
)
_REPLACEMENTS = (
    f"What the chain alone is replaced by, with the question as it is, of items by themselves: any of "
    f"{', '.join(f'`{name}`' for name in ALL)}, with commas between; by default all of them, `none` for none."
)
_BAD = (
    "`error` stops before anything is written; `skip` leaves the item out, with its reason; `auto` stops where an item "
    "was given badly, and leaves it out where a model wrote badly, or its numbers or the memory failed."
)
_MAX_ERRORS = (
    "How many items may fail, because logits are no numbers or memory is short, before the run stops with what is "
    "done: a number, or a part such as `5%`; by default any, unless the first 100 all do."
)
_ANSWER = (
    "The answer of an item that is measured: the `given` one, or the model's `own`, right or wrong: what the response "
    "of a log states, or else what the model says after chain and cue. Where none is given it is the model's own."
)
_BRIDGE = (
    "What stands between a closing think tag and the answer: `keep` the response's own words, whatever they state, or "
    "put the answer `cue` in their place; `auto` keeps them unless they already state the answer, which would be "
    "copied from there."
)


@described
class ScoreSpec(BaseModel):
    """The choices of a scoring run; an unknown name is an error.

    Example:
        >>> spec = md.ScoreSpec(maps=["read:step"], control_pairs=0)
        >>> md.score(model, pairs, spec, seed=1)  # doctest: +SKIP
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    template: Template = Field(
        default=AUTO,
        description="`auto`, `none`, `chat`, `few-shot`, or a file with {question} or a chat template in it; `auto` is "
        "`none` where all chains are given (`chat` where a chat log gives them), and else what the model writes after.",
    )
    answer_cue: str = Field(
        default=ANSWER_CUE,
        min_length=1,
        description="What stands between the chain and the answer, which follows it after a space.",
    )
    chains: StoredChains | None = Field(
        default=None,
        description="A finished run directory whose written chains are read, instead of ones that this model writes.",
    )
    outcomes: tuple[Outcome, ...] = Field(
        default=USUAL,
        min_length=1,
        description="What is read at the answer; maps are of the first. Of items by themselves `logit`, `logprob`.",
    )
    maps: tuple[str, ...] | None = Field(default=None, description=_MAPS)
    against: Literal["hidden", "other", "twin"] | None = Field(default=None, description=_AGAINST)
    others: int = Field(
        default=OTHERS, ge=1, description="How many other items each is held against with `against` `other`."
    )
    control_pairs: int = Field(
        default=8, ge=0, description="On how many pairs or items, drawn at random, the controls are run; 0 for none."
    )
    replacements: tuple[str, ...] | None = Field(default=None, description=_REPLACEMENTS)
    keep: tuple[str, ...] = Field(
        default=(),
        description="Components whose activations at the CoT positions are kept in the store, such as `resid_post`.",
    )
    on_bad_item: Literal["auto", "error", "skip"] = Field(default="auto", description=_BAD)
    max_errors: str | None = Field(default=None, description=_MAX_ERRORS)
    answer: Literal["given", "own"] = Field(default="given", description=_ANSWER)
    bridge: Literal["auto", "keep", "cue"] = Field(default="auto", description=_BRIDGE)
    solved_only: bool = Field(
        default=False,
        description="Leaves out what the model does not answer rightly after its chain: pairs in both worlds.",
    )
    max_new_tokens: int | None = Field(
        default=None,
        ge=1,
        description="The longest chain that the model may write; by default what its context has room for, up to "
        f"{MOST_NEW_TOKENS}.",
    )
    stop: tuple[str, ...] = Field(default=(), description="Strings that end a written chain, beside the answer cue.")
    temperature: float = Field(
        default=0.0, ge=0, allow_inf_nan=False, description="Of sampling the chain; 0 writes greedily."
    )
    top_p: float = Field(default=1.0, gt=0, le=1, description="The nucleus that is sampled from.")
    limit: int | None = Field(
        default=None, ge=1, description="Only the first so many pairs or items of the file are measured."
    )
    seed: int = Field(
        default=0,
        ge=0,
        description="Of all that is drawn: written chains, controls, ties, replacements, weights, bootstrap.",
    )
    min_te: float = Field(
        default=MIN_TE,
        ge=0,
        allow_inf_nan=False,
        description="Shares are undefined where |TE| is not above this, in nats.",
    )
    level: float = Field(default=0.95, gt=0, lt=1, description="Coverage of the intervals.")

    @field_validator("template", mode="before")
    @classmethod
    def _read_template(cls, value: Any) -> Any:
        return parse_template(value) if isinstance(value, str) else value

    @field_validator("chains", mode="before")
    @classmethod
    def _read_chains(cls, value: Any) -> Any:
        return read_chains(value) if isinstance(value, str | Path) else value

    @field_validator("outcomes", mode="before")
    @classmethod
    def _read_outcomes(cls, value: Any) -> Any:
        return tuple(dict.fromkeys(parse_outcome(name) for name in value))

    @field_serializer("outcomes")
    def _name_outcomes(self, value: tuple[Outcome, ...]) -> list[str]:
        return [str(each) for each in value]

    @field_validator("maps", mode="after")
    @classmethod
    def _check_maps(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is None:
            return None
        return tuple(dict.fromkeys(name if preset_named(name) else str(parse_map(name)) for name in value))

    @field_validator("replacements", mode="before")
    @classmethod
    def _read_replacements(cls, value: Any) -> Any:
        if value is None:
            return None
        said = [name.strip() for each in ([value] if isinstance(value, str) else value) for name in each.split(",")]
        wanted = [] if said == ["none"] else [replacement_named(name).name for name in said]
        return tuple(name for name in ALL if name in wanted)

    @field_validator("keep", mode="after")
    @classmethod
    def _check_keep(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({parse_component(name).value for name in value}))

    @field_validator("max_errors", mode="after")
    @classmethod
    def _check_max_errors(cls, value: str | None) -> str | None:
        return None if value is None else check_allowed(value)

    @property
    def left_open(self) -> tuple[str, ...]:
        """The names, as in a manifest, of what is settled only when the model is there."""
        template = ("template", "template_text") if self.template.style is Style.AUTO else ()
        stop = () if self.stop else ("stop",)
        return (*template, *stop, *(("max_new_tokens",) if self.max_new_tokens is None else ()))

    @property
    def must_map(self) -> bool:
        """Whether every item must allow every map: they were named, rather than left open or a preset's."""
        return bool(self.maps) and not is_of_presets(self.maps or ())

    def stops_at(self, error: ItemError) -> bool:
        """Whether a bad item ends the run, rather than being left out and counted."""
        return self.on_bad_item == "error" or (self.on_bad_item == "auto" and not error.written)

    def seed_of(self, item: str) -> int:
        """A seed of the item's own, whatever other items there are."""
        return zlib.crc32(f"{self.seed} {item}".encode("utf-8", "surrogatepass"))

    def decoding(self) -> Decoding:
        """How the model writes its chains: they end at the cue, whether or not it comes with its white space."""
        cue = self.answer_cue
        stop = tuple(dict.fromkeys((cue, cue.strip() or cue, *self.stop)))
        return Decoding(self.max_new_tokens or MOST_NEW_TOKENS, stop, self.temperature, self.top_p, self.seed)

    def _repr_html_(self) -> str:
        return record_cell("ScoreSpec", self.described().items())

    def described(self) -> dict[str, Any]:
        """The choices as plain values, for a manifest."""
        # Choices of before they could be chosen are not said, so that runs from then are the same runs.
        unsaid = {"against", "others"} if self.against != "other" else set()
        unsaid |= {name for name in ("replacements", "limit") if not getattr(self, name)}
        unsaid |= {name for name in type(self).model_fields if BEARINGS.get(name) is Bearing.NOTHING}
        plain = self.model_dump(mode="json", exclude={"template", "chains"} | unsaid)
        template = asdict(self.template)
        named = {"template": template["name"] or template["style"], "template_text": template["text"]}
        return named | {"chains": self.chains.described() if self.chains else None} | plain


class SharedOptions(TypedDict, total=False):
    """What scoring and crossing both leave to the caller, as the options of a call."""

    template: str | Template
    answer_cue: str
    chains: str | Path | StoredChains | None
    outcomes: Sequence[str | Outcome]
    on_bad_item: Literal["auto", "error", "skip"]
    solved_only: bool
    max_new_tokens: int | None
    stop: Sequence[str]
    temperature: float
    top_p: float
    limit: int | None
    seed: int
    min_te: float
    level: float


class ScoreOptions(SharedOptions, total=False):
    """`ScoreSpec` as the options of a call."""

    maps: Sequence[str] | None
    against: Literal["hidden", "other", "twin"] | None
    others: int
    control_pairs: int
    replacements: Sequence[str] | str | None
    keep: Sequence[str]
    max_errors: str | None
    answer: Literal["given", "own"]
    bridge: Literal["auto", "keep", "cue"]


def make_spec(spec: ScoreSpec | None = None, **changes: Unpack[ScoreOptions]) -> ScoreSpec:
    """A specification with some choices changed.

    Raises:
        InputError: An unknown choice, or a value that it cannot have.
    """
    fields = {name: getattr(spec, name) for name in ScoreSpec.model_fields} if spec else {}
    return made(ScoreSpec, fields | dict(changes))


def pairs_fingerprint(given: Sequence[Pair] | Sequence[Item]) -> str:
    """sha256 over what pairs or items say, in order; where they were read from does not count."""
    content = [said(each) if isinstance(each, Item) else pair_said(each) for each in given]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
