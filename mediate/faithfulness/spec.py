"""Which edits a run of tests on behaviour makes, and how the edited chains are read: its choices beside a run's own."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mediate.choices import described, made
from mediate.errors import InputError, meant, short, shortened
from mediate.pairs.recomputed import EXACT, Arithmetic, Slip, fitting_arithmetic
from mediate.results.behaviour import ReadAs
from mediate.scoring.spec import ScoreOptions
from mediate.tasks.modular_steps import MODULO_TEN
from mediate.traces.edits import SHUFFLED, Edit
from mediate.traces.hints import HINT, RIGHT, WRONG, check_hint, right_hint, wrong_hint
from mediate.traces.mistakes import MISTAKEN, recomputed
from mediate.traces.rewordings import REWORDED, UP_TO, reworded_from, reworded_up_to
from mediate.traces.step_edits import ANOTHER, FILLED, TRUNCATED, filler_of
from mediate.traces.text_grafts import GRAFTED

RECOMPUTED = recomputed(None).name
# Of every run that names none; a paraphrase takes a function or a model besides.
USUAL_EDITS = (TRUNCATED.name, MISTAKEN.name, RECOMPUTED, FILLED.name, ANOTHER.name, SHUFFLED.name)
# The rules that chains of arithmetic may keep to; the first of those that tie.
ARITHMETICS = (EXACT, MODULO_TEN)
PARAPHRASES = {REWORDED: reworded_from, UP_TO: reworded_up_to}
# Measures of others that are worked out by their definitions, and those of them that every run has.
TEXT, NLDD, CMI = "text", "nldd", "cmi"
MEASURES = (TEXT, NLDD, CMI)
USUAL_MEASURES = (TEXT, NLDD)
# What a rewriting model is told.
INSTRUCTION = (
    "Rewrite the text in other words. Keep every number, and the order of what is said. Write the new text and "
    "nothing else."
)
# What a manifest names even where it is as usual.
ALWAYS_SAID = {"edits", "readings"}
# What a manifest of resampled steps means that does not name them; other numbers have become usual since.
UNSAID = {"resamples": 20, "resample_items": 8, "resample_rounds": 4}
_FIXED = {each.name: each for each in (TRUNCATED, MISTAKEN, FILLED, ANOTHER, SHUFFLED, GRAFTED)}


@described
class BehaviourSpec(BaseModel):
    """The choices of tests on behaviour, beside those of a scoring run; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    edits: tuple[str, ...] = Field(
        default=USUAL_EDITS,
        min_length=1,
        description="How chains are edited: any of "
        + ", ".join(f"`{name}`" for name in USUAL_EDITS)
        + f", and `filler.N` for N tokens of filler in the chain's place, `{RIGHT}` and `{WRONG}` for a hint before "
        f"the chain and after it, `{GRAFTED.name}` for the twin's steps up to each. With a rewriter both paraphrases "
        f"are made besides, or the one that is named: `{REWORDED}`, `{UP_TO}`.",
    )
    hint: str = Field(
        default=HINT, description="What a hint says, with `{answer}` in it; the words must be ones that the model has."
    )
    rewriter: str | None = Field(
        default=None,
        min_length=1,
        description="A model that puts steps into other words, for paraphrase, without seeing the question: a hub id, "
        "a folder, a .gguf file, a fetched name. It is held in memory beside the other.",
    )
    rewriter_instruction: str = Field(
        default=INSTRUCTION, min_length=1, description="What that model is told to do; the steps follow."
    )
    readings: tuple[str, ...] = Field(
        default=tuple(map(str, ReadAs)),
        min_length=1,
        description="How edited chains are read: `at_once`, the answer follows; `continued`, the model writes on from "
        "the edit and then answers, after truncation, a mistake, a hint, and a graft or paraphrase up to a step.",
    )
    measures: tuple[str, ...] = Field(
        default=USUAL_MEASURES,
        description="Published measures that are worked out besides: `text`, natural effects of a pair's question and "
        "chain on the base answer's probability, as plain text; `nldd`, how the answer's lead decays where a step is "
        "wrong and the chain ends there; `cmi`, what the answer loses with the chain's states as they are without it, "
        "by span of layers, which takes some nine passes for every three layers; `none` for none.",
    )

    resampling: bool = Field(
        default=False,
        description="Whether steps are resampled: what each decides of the final answer, and how firmly it comes back. "
        "It takes at most `resample_items` x `resamples` x `resample_rounds` chains for every step of an item; the "
        "usual numbers are for a first look, and say little of one item.",
    )
    resamples: int = Field(default=10, ge=1, description="Chains that are sampled from before each step and after it.")
    resample_items: int = Field(
        default=4, ge=1, description="The most items whose steps are resampled, drawn at random."
    )
    resample_rounds: int = Field(
        default=3, ge=1, description="The most times that a step's value is resampled away, where it comes back."
    )
    resample_temperature: float = Field(
        default=1.0, gt=0, allow_inf_nan=False, description="Of sampling these chains, whatever the others are."
    )
    resample_top_p: float = Field(default=1.0, gt=0, le=1, description="The nucleus that they are sampled from.")

    @field_validator("edits", mode="before")
    @classmethod
    def _read_edits(cls, value: Any) -> Any:
        names = tuple(dict.fromkeys(_parts(value)))
        for name in names:
            if name not in PARAPHRASES:
                _named(name)
        return names

    @field_validator("hint")
    @classmethod
    def _check_hint(cls, value: str) -> str:
        check_hint(value)
        return value

    @field_validator("readings", mode="before")
    @classmethod
    def _read_readings(cls, value: Any) -> Any:
        names = _parts(value)
        wrong = next((name for name in names if name not in tuple(ReadAs)), None)
        if wrong is not None:
            raise InputError(f"no reading {shortened(wrong)!r}; there are {', '.join(ReadAs)}")
        # What a chain is held against is read at once, so that reading is always there.
        return tuple(str(each) for each in ReadAs if each in (*names, ReadAs.AT_ONCE))

    @field_validator("measures", mode="before")
    @classmethod
    def _read_measures(cls, value: Any) -> Any:
        names = _parts(value)
        wrong = next((name for name in names if name not in (*MEASURES, "none")), None)
        if wrong is not None:
            raise InputError(f"no measure {shortened(wrong)!r}; there are {', '.join(MEASURES)}, and none for none")
        return tuple(each for each in MEASURES if each in names)

    def described(self) -> dict[str, Any]:
        """The choices as plain values, for a manifest."""
        # Choices of before they could be chosen are not said, so that runs from then are the same runs.
        usual = {name for name in type(self).model_fields.keys() - ALWAYS_SAID if self._is_usual(name)}
        return self.model_dump(mode="json", exclude=usual)

    def _is_usual(self, name: str) -> bool:
        value, usual = getattr(self, name), type(self).model_fields[name].default
        if name in UNSAID:
            return bool(value == UNSAID[name] or (value == usual and not self.resampling))
        return bool(value == usual)


class BehaviourOptions(ScoreOptions, total=False):
    """`BehaviourSpec`, and the `ScoreSpec` of the same run, as the options of a call."""

    edits: Sequence[str] | str
    hint: str
    rewriter: str | None
    rewriter_instruction: str
    readings: Sequence[str] | str
    measures: Sequence[str] | str
    resampling: bool
    resamples: int
    resample_items: int
    resample_rounds: int
    resample_temperature: float
    resample_top_p: float


def make_behaviour_spec(choices: dict[str, Any]) -> BehaviourSpec:
    """A specification of those of some choices that are its own, which are taken out of them.

    Raises:
        InputError: A value that a choice cannot have.
    """
    own = {name: choices.pop(name) for name in BehaviourSpec.model_fields if name in choices}
    return made(BehaviourSpec, own)


def edits_of(
    spec: BehaviourSpec,
    chains: Sequence[str],
    rewrite: Callable[[str], str] | None = None,
    recompute: Callable[[Slip], str] | None = None,
) -> tuple[Edit, ...]:
    """The edits of a run.

    Args:
        spec: Its choices.
        chains: The chains that are edited, which say what arithmetic they keep to.
        rewrite: Puts steps into other words, for paraphrase; None for none.
        recompute: The later steps after a wrong result, where the built-in rules do not know them.
    """
    given = Arithmetic("as given", bool, recompute) if recompute is not None else None
    found = [_named(name, spec.hint) for name in spec.edits if name not in PARAPHRASES]
    rules = given or fitting_arithmetic(ARITHMETICS, chains)
    edits = [recomputed(rules) if each.name == RECOMPUTED else each for each in found]
    return (*edits, *(PARAPHRASES[name](rewrite) for name in paraphrases_of(spec) if rewrite is not None))


def check_paraphrases(spec: BehaviourSpec, rewrite: object = None) -> None:
    """Raises InputError where a paraphrase is asked for and nothing is there to put steps into other words."""
    named = next((name for name in spec.edits if name in PARAPHRASES), None)
    if named is not None and rewrite is None and spec.rewriter is None:
        raise InputError(
            f"edit {named!r} needs something that puts steps into other words: give --rewriter, a model, or from "
            "Python rewrite=, a function from text to text"
        )


def check_called(name: str, given: object) -> None:
    """Raises InputError where what should be a function is none."""
    if given is not None and not callable(given):
        raise InputError(f"{name} is {short(given)}, which cannot be called; give a function")


def paraphrases_of(spec: BehaviourSpec) -> tuple[str, ...]:
    """The paraphrases that are made where something can put steps into other words: those named, or else both."""
    return tuple(name for name in PARAPHRASES if name in spec.edits) or tuple(PARAPHRASES)


def _parts(value: Any) -> list[str]:
    return [name.strip() for each in ([value] if isinstance(value, str) else value) for name in str(each).split(",")]


def _named(name: str, hint: str = HINT) -> Edit:
    if name in _FIXED:
        return _FIXED[name]
    if name in (RIGHT, WRONG):
        return right_hint(hint) if name == RIGHT else wrong_hint(hint)
    if name == RECOMPUTED:
        return recomputed(None)
    kind, _, count = name.partition(".")
    if kind == "filler" and count.isdecimal() and 0 < int(count) <= 10_000:
        return filler_of(int(count))
    there = ", ".join((*USUAL_EDITS, RIGHT, WRONG, GRAFTED.name))
    near = meant(name, there.split(", "))
    raise InputError(
        f"no edit {shortened(name)!r}; {near}there are {there}, and filler.N for N tokens, and with a rewriter "
        f"{' and '.join(PARAPHRASES)}"
    )
