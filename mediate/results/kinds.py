"""What is known of kinds of maps and of shares before any is measured: how names are spelt, and the words for them.

A kind has two halves. The one here needs no torch: a mistyped name costs nothing, and a stored run's page is
written without the model. It names the other half, which measures, by where it lives. So `KINDS` is the one list of
kinds there is: a new kind is a new file that measures, and its line here.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from mediate.pairs.pair import World
from mediate.results.reference_words import REFERENCE_WORDS

# Shares are undefined where |TE| is not above this, in nats.
MIN_TE = 0.1
# How many other items an item is held against, where there are as many.
OTHERS = 4
# By their number: 0 is the source.
WORLDS = ("source", "base")
# What tells the cells of most maps apart, in order; heads are those of the component.
AXES = ("step", "position", "layer", "head", "kv_head")
# The outcome of a step graph: at each step's own result token.
RESULT = "result_logit_diff"

# What follows the name of a kind that takes a reference value.
OF_REFERENCE = "REFERENCE.COMPONENT"

_WINDOW = re.compile(r"window(?P<layers>[1-9][0-9]*)")
_ADAPTIVE, _CROSS = "adaptive", "cross"


class Direction(StrEnum):
    """Into which run the other one's activations are put."""

    NOISING = "noising"
    DENOISING = "denoising"

    @property
    def patched_world(self) -> World:
        """The world of the run that is patched."""
        return World.BASE if self is Direction.NOISING else World.SOURCE


class Method(StrEnum):
    """How a state effect is estimated; see `mediate.mediation.kinds.attribution`."""

    ATP = "atp"
    IG = "ig"
    GRADDROP = "graddrop"
    QKFIX = "qkfix"
    RELP = "relp"

    @property
    def signed(self) -> bool:
        """Whether an estimate says for which answer an activation speaks."""
        return self is not Method.GRADDROP


class View(StrEnum):
    """What a map of two checkpoints shows; see `mediate.mediation.crossing_maps`."""

    INTO_ORIGINAL = "into_original"
    INTO_TUNED = "into_tuned"
    MEAN = "mean"
    INTERACTION = "interaction"


@dataclass(frozen=True, slots=True)
class KindFacts:
    """What is known of a kind of map without measuring one.

    Args:
        name: The first part of its name.
        home: Where its `Kind` lives, as `module:NAME`; empty of what cannot be asked for by name.
        heads: The component whose heads its cells tell apart; empty where a component is part of the name.
        references: The reference values of which one may follow the name, before the component; one must where the kind
            takes no twin.
        variants: What must follow the name instead of a component, where there are several.
        methods: What may follow the component; the first goes without saying.
        directions: What may follow that; the first goes without saying.
        windows: Whether `.windowN` may come last, for N neighbouring layers together.
        axes: What may tell its cells apart, in order.
        all_axes: Whether each of its maps has all these axes.
        draws: Whether measuring it draws at random, so that what is stored of it depends on the run's seed.
        estimate: Whether its numbers are gradient estimates, rather than measured by exact patching.
        outcome: The outcome that its cells have, each one of its own, instead of the run's. Such a cell may have no
            effect at all, which is NaN, and the map has no total effect.
        cumulative: Whether a step's cell is of all steps before it too.
        gaps: Whether some of its cells have no number whatever the pair, such as a step beside itself.
        adds_up_in: The contrasts whose TIE is the effect of all its cells at once, for their sum to be held beside.
        words: What the number of one step in one layer is; `{kind}`, `{replacing}` and `{effect}` are filled in.
        needs_twin: Whether it puts something of the source world in place, so that an item by itself has none; of a
            kind with `references`, where it names none of them.
        crossed: Where the measuring of it between two checkpoints lives, as `module:name`; empty where there is none.
    """

    name: str
    home: str = ""
    heads: str = ""
    references: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    methods: tuple[Method, ...] = ()
    directions: tuple[Direction, ...] = ()
    windows: bool = False
    axes: tuple[str, ...] = AXES
    all_axes: bool = False
    draws: bool = False
    estimate: bool = False
    outcome: str = ""
    cumulative: bool = False
    gaps: bool = False
    adds_up_in: tuple[str, ...] = ()
    words: str = "the {kind} effect of that step"
    needs_twin: bool = True
    crossed: str = ""

    @property
    def spellings(self) -> tuple[str, ...]:
        """Its names up to the first choice, as a message lists them."""
        if self.variants:
            return tuple(f"{self.name}.{each}" for each in self.variants)
        free = (self.name,) if self.heads else (f"{self.name}.COMPONENT",)
        if not self.references:
            return free
        return (*(free if self.needs_twin else ()), f"{self.name}.{OF_REFERENCE}")


_ROOM = "mediate.mediation.kinds"
_CROSSED = "mediate.mediation.crossing_maps"
KINDS = (
    KindFacts(
        "read",
        f"{_ROOM}.read:READ",
        heads="k",
        windows=True,
        adds_up_in=("twin",),
        words="the effect of swapping what the answer reads of that step (keys and values) for the source's",
        crossed=f"{_CROSSED}:read_both_ways",
    ),
    KindFacts(
        "relayed",
        f"{_ROOM}.relayed:RELAYED",
        heads="k",
        words="the effect of that step through later positions, its state effect less its read effect",
    ),
    KindFacts(
        "knockout",
        f"{_ROOM}.knockout:KNOCKOUT",
        heads="q",
        adds_up_in=("hidden",),
        words="the effect of hiding that step from the answer's attention",
        needs_twin=False,
    ),
    KindFacts(
        "step_graph",
        f"{_ROOM}.step_graph:STEP_GRAPH",
        heads="k",
        variants=("read", "state"),
        axes=("step", "result"),
        all_axes=True,
        outcome=RESULT,
    ),
    KindFacts(
        "graft",
        f"{_ROOM}.graft:GRAFT",
        heads="k",
        axes=("step",),
        all_axes=True,
        cumulative=True,
        words="the effect of swapping what the answer reads of that step, and of all before it, for the source's",
    ),
    KindFacts(
        "interaction",
        f"{_ROOM}.interaction:INTERACTION",
        heads="k",
        axes=("step", "later"),
        all_axes=True,
        gaps=True,
        words="what that step and a later one do to the answer together, beyond what each does alone",
    ),
    KindFacts(
        "state",
        f"{_ROOM}.state:STATE",
        directions=tuple(Direction),
        windows=True,
        words="the effect of {replacing}, with all that follows computed anew",
        crossed=f"{_CROSSED}:state_both_ways",
    ),
    KindFacts(
        "ablate",
        f"{_ROOM}.ablation:ABLATE",
        references=tuple(REFERENCE_WORDS),
        windows=True,
        draws=True,
        words="the effect of {replacing}, with all that follows computed anew",
        needs_twin=False,
    ),
    KindFacts(
        "attribution",
        f"{_ROOM}.attribution_maps:ATTRIBUTION",
        references=tuple(REFERENCE_WORDS),
        methods=tuple(Method),
        directions=tuple(Direction),
        draws=True,
        estimate=True,
        words="a gradient estimate, not exact patching, of {effect} of {replacing}",
    ),
)


@dataclass(frozen=True, slots=True)
class KindName:
    """The kind of a map, taken apart; as text it is what is stored.

    Args:
        of: The kind; of a name that is not in `KINDS`, such as that of a method with calls of its own, its facts are
            the usual ones.
        part: What follows the name, or the reference value: a component or a variant.
        method: How it is estimated.
        direction: Into which run.
        window: How many neighbouring layers are taken together.
        adaptive: Whether it was measured only where there is something, and its gaps were left out.
        view: Of two checkpoints, what is shown; None of one.
        source: Whether two checkpoints ran the source world.
        unread: Parts of the name that say nothing that is known.
        by: The reference value that is put in place; empty where it is the other world's activation, or nothing is.
    """

    of: KindFacts
    part: str = ""
    method: Method | None = None
    direction: Direction = Direction.NOISING
    window: int = 1
    adaptive: bool = False
    view: View | None = None
    source: bool = False
    unread: tuple[str, ...] = ()
    by: str = ""

    def __str__(self) -> str:
        parts = [self.of.name, self.by, self.part]
        parts += [self.method] if self.method is not None and self.method is not self.of.methods[0] else []
        parts += [self.direction] if self.direction is not Direction.NOISING else []
        parts += [f"window{self.window}"] if self.window > 1 else []
        parts += [*self.unread, *([_ADAPTIVE] if self.adaptive else [])]
        if self.view is not None:
            parts = [_CROSS, *parts, self.view, *([WORLDS[0]] if self.source else [])]
        return ".".join(part for part in parts if part)

    @property
    def needs_twin(self) -> bool:
        """Whether it puts something of the source world in place."""
        return self.of.needs_twin and not self.by

    @property
    def may_have_gaps(self) -> bool:
        """Whether cells of such a map may have no number: they have no effect, or were left out."""
        return bool(self.of.outcome) or self.of.gaps or self.adaptive


def parse_kind(text: str) -> KindName:
    """Takes the kind of a map apart, as it is stored or asked for; what it does not know is in `unread`."""
    rest = text.split(".")
    source = len(rest) > 1 and rest[-1] == WORLDS[0]
    view = next((each for each in View if rest[0] == _CROSS and each == rest[-2 if source else -1]), None)
    if view is not None:
        rest = rest[1 : -2 if source else -1]
    adaptive = rest[-1:] == [_ADAPTIVE]
    name, *rest = (rest[:-1] if adaptive else rest) or [""]
    of = next((each for each in KINDS if each.name == name), None) or KindFacts(name)
    by = rest.pop(0) if rest and rest[0] in of.references else ""
    has_part = bool(rest) and (rest[0] in of.variants if of.variants else bool(of.home) and not of.heads)
    part = rest.pop(0) if has_part else ""
    method = Method(rest.pop(0)) if rest and rest[0] in of.methods else next(iter(of.methods), None)
    direction = Direction(rest.pop(0)) if rest and rest[0] in of.directions else Direction.NOISING
    window = _WINDOW.fullmatch(rest[0]) if rest and of.windows else None
    return KindName(
        of=of,
        part=part,
        method=method,
        direction=direction,
        window=int(window["layers"]) if window else 1,
        adaptive=adaptive,
        view=view,
        source=source and view is not None,
        unread=tuple(rest[1:] if window else rest),
        by=by,
    )


def is_estimate(kind: str) -> bool:
    """Whether maps of a kind are gradient estimates, rather than measured by exact patching."""
    name = parse_kind(kind)
    return name.of.estimate and name.view is None


def window_of(kind: str) -> int:
    """How many neighbouring layers a map takes together."""
    return parse_kind(kind).window
