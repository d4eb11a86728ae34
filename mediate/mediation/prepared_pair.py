"""One item, prepared: its pair in tokens with all that is decided of it, and the door to every method of this room."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

import numpy as np

from mediate.errors import InputError, ItemError
from mediate.mediation import alone, intervening
from mediate.mediation.alone import PerCell as PerCell
from mediate.mediation.alone import Y as Y
from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.adaptive import Adaptive, Search, adaptive_state_map
from mediate.mediation.kinds.attribution import Attribution, Method, attributions
from mediate.mediation.kinds.before_answer import cut_before_answer, cut_contexts
from mediate.mediation.kinds.controls import Elsewhere, measure_controls
from mediate.mediation.kinds.cube import Contexts, measure_cube, run_contexts
from mediate.mediation.kinds.lens import DirectAttribution, direct_logit_attribution, logit_lens
from mediate.mediation.kinds.paths import Paths, Receiver, path_effects
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.kinds.reference_value import Material
from mediate.mediation.kinds.step_shapley import StepShapley, step_shapley
from mediate.mediation.maps import check_map, check_offered, measure_map
from mediate.mediation.names import Direction, MapSpec, parse_map
from mediate.mediation.outcomes import USUAL, Outcome
from mediate.models.model import Model
from mediate.models.sites import Component, parse_component
from mediate.pairs.pair import SHOWN, Pair, World, in_worlds
from mediate.results.controls import Controlled
from mediate.results.maps import EffectMap
from mediate.showing import record_cell

Name = TypeVar("Name", bound=StrEnum)


@dataclass(frozen=True, eq=False)
class PreparedPair:
    """One item on its way from its pair to its numbers; `mediate.prepare` makes it, and so does a run.

    Every method measures on `model`; components, directions and the like are given by their names. Effects are in
    nats, positive where what is replaced speaks for the base answer; their formulas stand with the functions that the
    methods call. Questions and chains are run once, where a method needs their keys and values, and kept as long as the
    item.

    Args:
        model: The hooked and checked model.
        pair: The pair as given.
        tokens: The pair in tokens.
        said: What the model answers after each chain, by `World`; None where it was not asked.
        maps: The maps that were asked for and that the pair allows.
        outcomes: What is read off; a method that reads one takes the first.
        seed: The item's own, of whatever is drawn.

    Example:
        >>> pair = md.prepare(model, pairs[0])
        >>> pair.te > 1  # nats
        True
        >>> pair.map("read:step,layer").dims
        ('step', 'layer')
    """

    model: Model
    pair: Pair
    tokens: EncodedPair
    said: tuple[str, str] | None = None
    maps: tuple[MapSpec, ...] = ()
    outcomes: tuple[Outcome, ...] = USUAL
    seed: int = 0

    def _repr_html_(self) -> str:
        said = self.said or ("", "")
        rows = [(name, *(getattr(self.pair[world], name) for world in reversed(World))) for name in SHOWN]
        rows += [("what the model answers", said[World.BASE], said[World.SOURCE])]
        rows += [("model", self.model.facts.name, ""), ("maps", self.maps, ""), ("outcomes", self.outcomes, "")]
        return record_cell(f"Prepared pair {self.id}", rows, ("", "base", "source"))

    @property
    def id(self) -> str:
        """The pair's id."""
        return self.pair.id

    @cached_property
    def cut(self) -> EncodedPair | ItemError:
        """The pair cut before its chains state the answer, or why it cannot be."""
        answers = in_worlds(lambda world: self.pair[world].answer)
        try:
            return cut_before_answer(self.tokens, answers, in_worlds(lambda world: self.pair[world].values))
        except ItemError as error:
            return error.with_traceback(None)

    @cached_property
    def contexts(self) -> Contexts:
        """The keys and values of every question with every chain, run when they are first asked for, and kept."""
        return run_contexts(self.model, self.tokens)

    @cached_property
    def y(self) -> Y:
        """Y[d, t, h] of each outcome, in nats; index 1 is the base world."""
        return measure_cube(self.model, self.contexts, self.outcomes)

    @property
    def te(self) -> float:
        """The total effect on the first outcome, in nats."""
        return self.total()

    def before_answer(self) -> Y:
        """The cube read where the chains are about to state the answer.

        Raises:
            ItemError: The chains cannot be cut so.
        """
        if isinstance(self.cut, ItemError):
            raise self.cut
        return measure_cube(self.model, cut_contexts(self.contexts, self.cut), self.outcomes)

    @property
    def material(self) -> Material:
        """What reference values are made from where no other pairs are given."""
        return Material(seed=self.seed)

    def encoded(self) -> EncodedPair:
        """The pair in tokens."""
        return self.tokens

    def total(self) -> float:
        """The total effect on the first outcome, in nats."""
        return alone.total_of(self.y)

    cells = alone.cells
    knockout = alone.knockout
    by_reader = alone.by_reader
    deletion = alone.deletion
    ablation = alone.ablation
    adaptive_knockouts = alone.adaptive_knockouts
    ids = property(intervening.ids)
    chain = property(intervening.chain)
    intervene = intervening.intervene

    def map(self, name: str) -> EffectMap:
        """A map of the first outcome by its name, such as `read:step,layer` or `attribution.z.ig:layer,head`.

        Raises:
            InputError: No such map, or the model does not allow it.
            ItemError: The pair does not allow it.
        """
        spec = parse_map(name)
        check_offered(self.model, spec)
        check_map(self.tokens, spec, self.pair.place)
        return measure_map(self.model, self.contexts, spec, self.outcomes[0], self.te, self.material)

    def reads(self, cells: Sequence[Cell] | None = None, readers: Sequence[int] | None = None) -> PerCell:
        """Read effects of cells (by default of steps) for each outcome, through all readers or some, from 0 on."""
        wanted = self.cells() if cells is None else cells
        each = [read_effects(self.model, self.contexts, wanted, outcome, readers=readers) for outcome in self.outcomes]
        return np.stack(each)

    def paths(
        self,
        component: str,
        senders: Sequence[Cell],
        receivers: Sequence[Receiver],
        direction: str = "noising",
        *,
        through_mlps: bool = False,
    ) -> PerCell:
        """Effects of the direct paths from each sending cell to all receivers, for each outcome."""
        return path_effects(
            self.model,
            self.tokens,
            Paths(parse_component(component), receivers, through_mlps),
            senders,
            self.outcomes,
            _named(Direction, direction),
        )

    def attribution(
        self,
        components: Sequence[str],
        method: str = "atp",
        direction: str = "noising",
    ) -> dict[Component, Attribution]:
        """Gradient estimates of every state effect of some components on the first outcome."""
        return attributions(
            self.model,
            self.tokens,
            [parse_component(each) for each in components],
            self.outcomes[0],
            _named(Direction, direction),
            method=_named(Method, method),
        )

    def adaptive_state_map(self, component: str, *, threshold: float = 0.05, direction: str = "noising") -> Adaptive:
        """State effects where they are large; exact there, bounded elsewhere. `threshold` is a part of |TE|."""
        return adaptive_state_map(
            self.model,
            self.tokens,
            parse_component(component),
            self.outcomes[0],
            self.te,
            Search(threshold, seed=self.seed),
            direction=_named(Direction, direction),
        )

    def step_shapley(self, *, tolerance: float = 0.05, most: int = 512) -> StepShapley:
        """TIE shared out among the steps; orders are drawn until the error is below `tolerance` of it, or `most`."""
        return step_shapley(self.model, self.contexts, self.outcomes[0], tolerance=tolerance, most=most, seed=self.seed)

    def lens(self, world: World = World.BASE, *, readers: bool = False) -> EffectMap:
        """The logit lens over the layers at the CoT positions, or at the readers."""
        return logit_lens(self.model, self.tokens, world=world, readers=readers)

    def direct_logits(self, world: World = World.BASE, *, heads: bool = False) -> DirectAttribution:
        """Direct logit attribution of a world's run, by layer or by head."""
        return direct_logit_attribution(self.model, self.tokens, world=world, heads=heads)

    def controls(self, others: Sequence["PreparedPair"] = ()) -> tuple[Controlled, ...]:
        """Every control on the model itself; what is vacuous or impossible is there with its reason.

        Args:
            others: Items among which a chain of another question with the same answer is looked for.
        """
        found = elsewhere(self, others)
        return measure_controls(
            self.model, self.contexts, self.outcomes[0], self.y[0], same_answer=found, seed=self.seed
        )


def elsewhere(item: PreparedPair, others: Sequence[PreparedPair]) -> list[Elsewhere]:
    """A world of another item in which another question has this item's base answer after another chain; or none.

    One is drawn by the item's seed; of other groups, where there are any: items of one group are alike.
    """
    tokens = item.tokens
    chains = {trace.ids for trace in tokens.traces}
    found: list[Elsewhere] = [
        (pair, world)
        for pair in (other.tokens for other in others)
        for world in reversed(World)
        if pair.id != tokens.id
        and pair.readers.answer(world) == tokens.readers.answer(World.BASE)
        and pair.questions[world] not in tokens.questions
        and pair.traces[world].ids not in chains
    ]
    found = [each for each in found if each[0].group != tokens.group] or found
    return [found[item.seed % len(found)]] if found else []


def _named(kind: type[Name], name: str) -> Name:
    try:
        return kind(name)
    except ValueError as error:
        raise InputError(f"{kind.__name__.lower()} {name!r}; there are {', '.join(kind)}") from error
