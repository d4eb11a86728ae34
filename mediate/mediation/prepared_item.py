"""One item by itself, prepared: in tokens with all that is decided of it, and the door to every method that fits it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from mediate.errors import ItemError
from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.item import EncodedItem, cut_item
from mediate.mediation.kinds.ablation import Ablated, ablation_effects
from mediate.mediation.kinds.hidden import Sights, cut_sights, measure_hidden, run_sights, with_rivals
from mediate.mediation.kinds.hidden_controls import measure_item_controls
from mediate.mediation.kinds.knockout import deletion_effect, knockout_effects
from mediate.mediation.kinds.other import Against, cut_against, measure_others, run_others, with_rivals_among
from mediate.mediation.kinds.other_controls import measure_other_controls
from mediate.mediation.kinds.reference_value import NOTHING, Material
from mediate.mediation.maps import check_offered, measure_item_map
from mediate.mediation.names import RIVAL, USUAL_OF_ONE, MapSpec, Outcome, parse_map
from mediate.mediation.prepared import PerCell, Prepared, Y
from mediate.models.model import Model
from mediate.models.sites import parse_component
from mediate.pairs.pair import Item
from mediate.results.controls import Controlled
from mediate.results.cube import total_effect
from mediate.results.maps import EffectMap


@dataclass(frozen=True, eq=False)
class PreparedItem:
    """One item by itself on its way to its numbers; `mediate.prepare` makes it, and so does a run.

    Effects are Y of the item as it is less Y with something hidden or replaced: positive where what is taken away
    speaks for the measured answer. The item is run with and without sight of its question once, where a method needs
    that, and kept as long as the item.

    Args:
        model: The hooked and checked model.
        item: The item as given.
        tokens: The item in tokens.
        answer: The answer that is measured: the given one, or the model's own.
        said: What the model answers after the chain; None where it was not asked.
        maps: The maps that were asked for.
        outcomes: What is read off; a method that reads one takes the first.
        seed: The item's own, of whatever is drawn.
        others: The items that it is held against, nearest first; none where it is held against what is hidden of it.
        material: What reference values of its maps are made from: in a run, other items of the set.
    """

    model: Model
    item: Item
    tokens: EncodedItem
    answer: str
    said: str | None = None
    maps: tuple[MapSpec, ...] = ()
    outcomes: tuple[Outcome, ...] = USUAL_OF_ONE
    seed: int = 0
    others: tuple["PreparedItem", ...] = ()
    material: Material = NOTHING

    @property
    def id(self) -> str:
        """The item's id."""
        return self.item.id

    @cached_property
    def cut(self) -> EncodedItem | ItemError:
        """The item cut before its chain states the answer, or why it cannot be."""
        try:
            cut = cut_item(self.tokens, self.answer, self.item.values)
        except ItemError as error:
            return error.with_traceback(None)
        if self.others and not any(self.cut_others):
            return ItemError(self.id, "no other item's chain can be cut likewise", code="other_not_cut")
        return cut

    @property
    def cut_others(self) -> tuple[EncodedItem | None, ...]:
        """Each of its others cut before its own chain states its own answer; None where it cannot be."""
        return tuple(None if isinstance(each.cut, ItemError) else each.cut for each in self.others)

    @cached_property
    def against(self) -> Against:
        """Its keys and values and its others', under each other's questions too, kept as `sights` are."""
        found = run_others(self.model, [self.tokens], [[each.tokens for each in self.others]])
        return with_rivals_among(self.model, found, self.outcomes)[0]

    @cached_property
    def sights(self) -> Sights:
        """Its keys and values with and without sight of its question, run when they are first asked for, and kept."""
        if self.others:
            rival = any(outcome.against == RIVAL for outcome in self.outcomes)
            return run_sights(self.model, [self.against.item if rival else self.tokens])[0]
        return with_rivals(self.model, run_sights(self.model, [self.tokens]), self.outcomes)[0]

    @cached_property
    def y(self) -> Y:
        """Y[d, t, h] of each outcome, in its unit; index 1 is the item as it is.

        Where it is held against others, the mean over them; see `by_other`.
        """
        if self.others:
            mean: Y = self.by_other.mean(axis=0)
            return mean
        y: Y = measure_hidden(self.model, [self.sights], self.outcomes)[0]
        return y

    @cached_property
    def by_other(self) -> Float[np.ndarray, "other outcome 2 2 2"]:
        """The cube against each of the others that it is held against, nearest first."""
        if not self.others:
            return np.zeros((0, len(self.outcomes), 2, 2, 2))
        return measure_others(self.model, [self.against], self.outcomes)[0]

    @property
    def te(self) -> float:
        """The total effect on the first outcome, in its unit."""
        return float(total_effect(self.y[:1])[0])

    def before_answer(self) -> Y:
        """The cube read where the chain is about to state the answer.

        Raises:
            ItemError: The chain cannot be cut so.
        """
        if isinstance(self.cut, ItemError):
            raise self.cut
        if self.others:
            against = cut_against(self.against, self.cut, self.cut_others)
            against = with_rivals_among(self.model, [against], self.outcomes)[0]
            mean: Y = measure_others(self.model, [against], self.outcomes)[0].mean(axis=0)
            return mean
        sights = with_rivals(self.model, [cut_sights(self.sights, self.cut)], self.outcomes)
        y: Y = measure_hidden(self.model, sights, self.outcomes)[0]
        return y

    def cells(self, axes: str = "step", component: str = "") -> list[Cell]:
        """Cells over axes such as `step,layer`, in row order; what is not named is taken as a whole.

        Args:
            axes: As in a map's name.
            component: What is replaced there, which decides what heads there are; none without.

        Raises:
            InputError: No such axes.
        """
        heads_of = parse_component(component) if component else None
        return cells_of(self.model, self.tokens, tuple(axes.split(",")), component=heads_of)[0]

    def map(self, name: str, *, others: Sequence["PreparedItem"] = ()) -> EffectMap:
        """A map of the first outcome by its name, such as `knockout:step,layer` or `ablate.mean.v:layer,kv_head`.

        Args:
            name: As it is asked for.
            others: Items that a mean is over; the first one's chain stands for another item's. Those of the run that
                the item is of by default.

        Raises:
            InputError: No such map, the model does not allow it, it takes a twin, or other items that are not there.
        """
        spec = parse_map(name)
        check_offered(self.model, spec)
        return self.measured_map(self.sights.item, spec, self.te, others)

    def measured_map(
        self, tokens: EncodedItem, spec: MapSpec, te: float, others: Sequence["PreparedItem"] = ()
    ) -> EffectMap:
        """A map that the model is known to offer, of the item's tokens with what an outcome is held against."""
        material = replace(self.material, seed=self.seed)
        if others:
            material = Material([each.tokens for each in others], seed=self.seed, nearest=others[0].tokens)
        return measure_item_map(self.model, tokens, spec, self.outcomes[0], te, material)

    def knockout(
        self, cells: Sequence[Cell] | None = None, readers: Sequence[int] | None = None, *, renormalised: bool = True
    ) -> PerCell:
        """Knockout effects of cells (by default of steps) for each outcome, for all readers or some."""
        wanted = self.cells() if cells is None else cells
        return knockout_effects(
            self.model, self.sights.item, wanted, self.outcomes, readers=readers, renormalised=renormalised
        )

    def deletion(self) -> Float[np.ndarray, " outcome"]:
        """The effect of leaving the chain out, for each outcome."""
        return deletion_effect(self.model, self.sights.item, self.outcomes)

    def ablation(
        self,
        components: Sequence[str],
        by: str,
        cells: Sequence[Cell] | None = None,
        *,
        others: Sequence["PreparedItem"] = (),
        filler: int | None = None,
    ) -> Ablated:
        """Effects of ablating cells (by default steps) for each outcome; see `Prepared.ablation`."""
        return ablation_effects(
            self.model,
            self.sights.item,
            [parse_component(each) for each in components],
            self.cells() if cells is None else cells,
            self.outcomes,
            by,
            Material(
                [each.tokens for each in others],
                filler,
                self.seed,
                nearest=others[0].tokens if others else self.material.nearest,
            ),
        )

    def controls(self) -> tuple[Controlled, ...]:
        """Every control on the model itself; what is vacuous or impossible is there with its reason."""
        measure = measure_other_controls if self.others else measure_item_controls
        return measure(self.model, self.sights, self.outcomes[0], self.y[0], seed=self.seed)


OnItsWay = Prepared | PreparedItem
"""One item on its way to its numbers: a pair, or an item by itself."""
