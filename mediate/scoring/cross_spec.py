"""The choices of a run over two checkpoints. Imports no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mediate.errors import InputError
from mediate.mediation.names import MapSpec, parse_crossed_map
from mediate.results.kinds import WORLDS
from mediate.scoring.spec import DEFAULT_MAP, ScoreSpec, make_spec

CHECKPOINTS = ("original", "tuned")
# Choices of a scoring run that mean nothing here.
_UNUSED = ("maps", "control_pairs", "keep")


@dataclass(frozen=True, slots=True)
class CrossSpec:
    """The choices of a run over two checkpoints.

    Args:
        scoring: How questions are put, missing chains are written, outcomes are read and intervals are drawn; its maps,
            controls and kept activations are not used.
        maps: Maps to measure, in four views each; of the first outcome.
        worlds: Which worlds of each pair are run: `base`, `source` or both.
        writer: Which checkpoint writes the chains that the pairs lack, and is asked for answers where only solved pairs
            count: 0 the original, 1 the tuned one. Both read the same chain.
    """

    scoring: ScoreSpec
    maps: tuple[MapSpec, ...]
    worlds: tuple[str, ...] = ("base",)
    writer: int = 0

    def described(self) -> dict[str, Any]:
        """The choices as plain values, for a manifest."""
        scoring = {name: value for name, value in self.scoring.described().items() if name not in _UNUSED}
        return scoring | {
            "design": "cross",
            "maps": [str(each) for each in self.maps],
            "worlds": list(self.worlds),
            "writer": CHECKPOINTS[self.writer],
        }


def make_cross_spec(
    *,
    maps: Sequence[str] = (DEFAULT_MAP,),
    worlds: Sequence[str] = ("base",),
    writer: str = "original",
    **choices: Any,
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
    if writer not in CHECKPOINTS:
        raise InputError(f"writer {writer!r}; give {' or '.join(CHECKPOINTS)}")
    specs = tuple(dict.fromkeys(parse_crossed_map(each) for each in maps))
    scoring = make_spec(maps=(), control_pairs=0, **choices)
    return CrossSpec(scoring, specs, tuple(sorted(wanted)), CHECKPOINTS.index(writer))
