"""The choices of a run over two checkpoints. Imports no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Unpack, get_args

from pydantic import Field
from pydantic.fields import FieldInfo

from mediate.choices import described, fields_of
from mediate.errors import InputError
from mediate.holding.spec import HoldOptions
from mediate.mediation.names import MapSpec, check_answers, parse_crossed_map
from mediate.results.kinds import WORLDS
from mediate.scoring.spec import DEFAULT_MAP, ScoreSpec, SharedOptions, make_spec

Checkpoint = Literal["original", "tuned"]
CHECKPOINTS: tuple[Checkpoint, ...] = get_args(Checkpoint)
# Choices of a scoring run that mean nothing here.
_UNUSED = ("maps", "control_pairs", "keep", "against", "others", "answer", "bridge", "replacements", "max_errors")


@described
@dataclass(frozen=True, slots=True)
class CrossSpec:
    """The choices of a run over two checkpoints.

    `scoring` says how questions are put, missing chains are written, outcomes are read and intervals are drawn; its
    maps, controls and kept activations are not used. Both checkpoints read the same chain.
    """

    scoring: ScoreSpec
    maps: Annotated[
        tuple[MapSpec, ...],
        Field(
            description="Maps to measure, `read:AXES` or `state.COMPONENT:AXES`, in four views each; of the first "
            "outcome."
        ),
    ] = (parse_crossed_map(DEFAULT_MAP),)
    worlds: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="Which worlds of each pair are run: `base`, `source` or both."),
    ] = ("base",)
    writer: Annotated[
        Checkpoint,
        Field(
            description="Which checkpoint writes the chains that the pairs lack, and is asked for answers where only "
            "solved pairs count."
        ),
    ] = "original"

    @property
    def writing(self) -> int:
        """The place of the checkpoint that writes, 0 or 1."""
        return CHECKPOINTS.index(self.writer)

    def described(self) -> dict[str, Any]:
        """The choices as plain values, for a manifest."""
        scoring = {name: value for name, value in self.scoring.described().items() if name not in _UNUSED}
        return scoring | {
            "design": "cross",
            "maps": [str(each) for each in self.maps],
            "worlds": list(self.worlds),
            "writer": self.writer,
        }


class CrossOptions(SharedOptions, total=False):
    """`CrossSpec` as the options of a call: its own, and those of its scoring."""

    maps: Sequence[str]
    worlds: Sequence[str]
    writer: Checkpoint


class CrossCall(CrossOptions, HoldOptions, total=False):
    """The options of `cross`: its choices, and how its directory is held."""


def cross_fields() -> dict[str, FieldInfo]:
    """The choices of a run over two checkpoints: its own, and those of its scoring."""
    shared = {name: field for name, field in fields_of(ScoreSpec).items() if name not in _UNUSED}
    return fields_of(CrossSpec) | shared


def make_cross_spec(
    *,
    maps: Sequence[str] = (DEFAULT_MAP,),
    worlds: Sequence[str] = ("base",),
    writer: str = "original",
    **choices: Unpack[SharedOptions],
) -> CrossSpec:
    """A specification from names; `choices` are those of `ScoreSpec`.

    Raises:
        InputError: An unknown choice, or a value that it cannot have.
    """
    unused = next((name for name in choices if name in _UNUSED), None)
    if unused is not None:
        raise InputError(f"option {unused!r} has no meaning between two checkpoints; leave it out")
    wanted = tuple(dict.fromkeys(worlds))
    if not wanted or not set(wanted) <= set(WORLDS):
        raise InputError(f"worlds {', '.join(worlds) or 'none'}; give base, source or both")
    chosen = next((each for each in CHECKPOINTS if each == writer), None)
    if chosen is None:
        raise InputError(f"writer {writer!r}; give {' or '.join(CHECKPOINTS)}")
    specs = tuple(dict.fromkeys(parse_crossed_map(each) for each in maps))
    scoring = make_spec(maps=(), control_pairs=0, **choices)
    check_answers(scoring.outcomes, 2)
    return CrossSpec(scoring, specs, tuple(sorted(wanted)), chosen)
