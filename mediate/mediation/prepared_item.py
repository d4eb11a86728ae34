"""One item by itself, prepared: in tokens with all that is decided of it, and the door to every method that fits it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NoReturn

import numpy as np
from jaxtyping import Float

from mediate.errors import InputError, ItemError
from mediate.mediation import alone, intervening
from mediate.mediation.cells import Cell
from mediate.mediation.contrasts.blind_reads import blind_effects
from mediate.mediation.contrasts.hidden import Sights, hidden_before_answer, measure_hidden, run_sights
from mediate.mediation.contrasts.hidden_controls import measure_item_controls
from mediate.mediation.contrasts.other import AmongOthers, measure_others, others_before_answer
from mediate.mediation.contrasts.other_controls import measure_other_controls
from mediate.mediation.item import EncodedItem, cut_item
from mediate.mediation.kinds.lens import DirectAttribution, direct_logit_attribution, logit_lens
from mediate.mediation.kinds.paths import Paths, Receiver, ablated_path_effects
from mediate.mediation.kinds.reference_value import NOTHING, Material
from mediate.mediation.kinds.step_shapley import StepShapley, hidden_steps, shapley_values
from mediate.mediation.maps import check_offered, measure_item_map
from mediate.mediation.names import LOGIT, USUAL_OF_ONE, MapSpec, Outcome, parse_map
from mediate.mediation.others import Candidate
from mediate.mediation.prepared_pair import PerCell, PreparedPair, Y
from mediate.mediation.replacing import replaced_among
from mediate.models.model import Model
from mediate.models.sites import parse_component
from mediate.pairs.pair import Item
from mediate.results.controls import Controlled
from mediate.results.cube import total_effect
from mediate.results.maps import EffectMap
from mediate.results.replacements import ALL, Replaced
from mediate.showing import record_cell


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

    Example:
        >>> item = md.prepare(model, pairs[0].base)
        >>> item.map("knockout:step,layer").dims
        ('step', 'layer')
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

    def _repr_html_(self) -> str:
        others = tuple(each.id for each in self.others)
        rows: list[tuple[str, object]] = [("question", self.item.question), ("answer", self.answer)]
        rows += [("what the model answers", self.said), ("model", self.model.facts.name)]
        rows += [("maps", self.maps), ("outcomes", self.outcomes)]
        return record_cell(f"Prepared item {self.id}", [*rows, ("held against", others)])

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
    def stated(self) -> tuple[int, int] | None:
        """The range of the chain's tokens that last state the measured answer; None where none do."""
        return self.tokens.trace.last_stated(self.answer)

    @property
    def cut_others(self) -> tuple[EncodedItem | None, ...]:
        """Each of its others cut before its own chain states its own answer; None where it cannot be."""
        return tuple(None if isinstance(each.cut, ItemError) else each.cut for each in self.others)

    @cached_property
    def among_others(self) -> AmongOthers:
        """What is run of it to hold it against its others, kept as `sights` are."""
        return AmongOthers(self.model, self.tokens, tuple(each.tokens for each in self.others), self.outcomes)

    @cached_property
    def sights(self) -> Sights:
        """Its keys and values with and without sight of its question, run when they are first asked for, and kept."""
        if self.others:
            return self.among_others.sights
        return run_sights(self.model, [self.tokens], self.outcomes)[0]

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
        return measure_others(self.model, [self.among_others.held], self.outcomes)[0]

    @property
    def te(self) -> float:
        """The total effect on the first outcome, in its unit."""
        return self.total()

    def before_answer(self) -> Y:
        """The cube read where the chain is about to state the answer.

        Raises:
            ItemError: The chain cannot be cut so.
        """
        if isinstance(self.cut, ItemError):
            raise self.cut
        if self.others:
            held, cut = self.among_others.held, (self.cut, self.cut_others)
            mean: Y = others_before_answer(self.model, [held], [cut], self.outcomes)[0].mean(axis=0)
            return mean
        y: Y = hidden_before_answer(self.model, [self.sights], [self.cut], self.outcomes)[0]
        return y

    def encoded(self) -> EncodedItem:
        """The item in tokens, with its rival, where an outcome is held against one."""
        return self.sights.item

    def total(self) -> float:
        """The total effect on the first outcome, in its unit."""
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
        material = replace(alone.reference_material(self, others), past=self.sights.seen)
        return measure_item_map(self.model, self.sights.item, spec, self.outcomes[0], self.te, material)

    def replaced(self, names: Sequence[str] = ALL, *, others: Sequence["PreparedItem"] = ()) -> tuple[Replaced, ...]:
        """The chain alone replaced, its question as it is: a row a replacement and outcome, with its `effect`.

        As a run's `contrasts()`: edits of the text (`deletion`, `filler`, `shuffled`, `mistake`), and other keys and
        values as the readers find them (`zero`, `mean`, `other`, `noise`). What cannot be has a reason and no effect.

        Args:
            names: The replacements.
            others: Items with ids of their own, for a `mean` and the nearest `other`'s chain, and for how far what is
                put in place is off the distribution.

        Raises:
            InputError: No such replacement, or two items of one id.
        """
        among = [Candidate(each.tokens, each.answer) for each in (self, *others)]
        own = self.y[:, 1, 1, 1].tolist()
        return replaced_among(self.model, self.sights, names, self.outcomes, own, among, self.seed)

    def reads(self, cells: Sequence[Cell] | None = None, readers: Sequence[int] | None = None) -> PerCell:
        """What the readers, all or some, lose where cells (by default steps) hold what was computed blind.

        The keys and values that the same words have without sight of the question are put in a cell's place, as the
        readers read them; of all cells at once that is *blind*, `Y111 - Y110`. What is lost where they cannot read it
        at all is `knockout`.
        """
        wanted = self.cells() if cells is None else cells
        return np.stack([blind_effects(self.model, self.sights, wanted, each, readers) for each in self.outcomes])

    def paths(
        self,
        component: str,
        senders: Sequence[Cell],
        receivers: Sequence[Receiver],
        by: str,
        *,
        others: Sequence["PreparedItem"] = (),
        through_mlps: bool = False,
    ) -> PerCell:
        """Effects of the direct paths from each sending cell to all receivers, for each outcome.

        What a sender says is replaced by a reference value, `by`, as in `ablation`.
        """
        return ablated_path_effects(
            self.model,
            self.sights.item,
            Paths(parse_component(component), receivers, through_mlps),
            senders,
            self.outcomes,
            by,
            alone.reference_material(self, others),
        )

    def step_shapley(self, *, tolerance: float = 0.05, most: int = 512) -> StepShapley:
        """The chain's necessity (TIE) shared out among its steps, each of which is hidden where it is missing.

        Orders are drawn until the error is below `tolerance` of it, or `most`.
        """
        steps = hidden_steps(self.model, self.sights.item, self.outcomes[0])
        return shapley_values(*steps, tolerance=tolerance, most=most, seed=self.seed)

    def lens(self, *, readers: bool = False) -> EffectMap:
        """The logit lens of the answer (`logit`) over the layers at the CoT positions, or at the readers."""
        return logit_lens(self.model, self.tokens, readers=readers, te=self._logit_effect())

    def direct_logits(self, *, heads: bool = False) -> DirectAttribution:
        """Direct logit attribution of the answer (`logit`), by layer or by head."""
        return direct_logit_attribution(self.model, self.tokens, heads=heads, te=self._logit_effect())

    def attribution(self, *given: object, **options: object) -> NoReturn:
        """Gradient estimates of state effects take a twin; refused with what there is instead."""
        raise _takes_a_twin(
            "attribution(...) estimates", "map('attribution.zero.z:layer') estimates what an ablation does"
        )

    def adaptive_state_map(self, *given: object, **options: object) -> NoReturn:
        """State effects take a twin; refused with what there is instead."""
        raise _takes_a_twin("adaptive_state_map measures", "adaptive_knockouts(...) looks for what hiding changes")

    def _logit_effect(self) -> float:
        if LOGIT in self.outcomes:
            return float(total_effect(self.y)[self.outcomes.index(LOGIT)])
        return float(total_effect(measure_hidden(self.model, [self.sights], [LOGIT])[0])[0])

    def controls(self) -> tuple[Controlled, ...]:
        """Every control on the model itself; what is vacuous or impossible is there with its reason."""
        measure = measure_other_controls if self.others else measure_item_controls
        return measure(self.model, self.sights, self.outcomes[0], self.y[0], statement=self.stated, seed=self.seed)


def _takes_a_twin(what: str, instead: str) -> InputError:
    return InputError(f"{what} what a twin's activations change, and an item by itself has none; {instead}")


Prepared = PreparedPair | PreparedItem
"""What a run measures: a pair, or an item by itself, in tokens with all that is decided of it."""
