"""The calls of a notebook or script that take one item: to look at what it loses, and to measure whatever there is.

As in `mediate.api`, choices are options, typed and checked, and torch is imported by the calls.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, overload

from mediate.api import load, score
from mediate.choices import fields_of, with_choices
from mediate.errors import InputError, ItemError
from mediate.pairs.files import PairFile, scan_pairs
from mediate.pairs.pair import Item, Pair
from mediate.report import ATTRIBUTED_MAPS, Attributed
from mediate.scoring.spec import ScoreOptions, ScoreSpec, make_spec
from mediate.showing import plural

if TYPE_CHECKING:
    from mediate.mediation.prepared_item import Prepared, PreparedItem
    from mediate.mediation.prepared_pair import PreparedPair
    from mediate.models.model import Model


@with_choices(fields_of(ScoreSpec))
def attribute(  # type: ignore[misc]  # whose answer is measured, a choice elsewhere, is told by whether one is given
    model: Any,
    question: str | Item,
    cot: str | None = None,
    answer: str = "",
    *,
    store: bool = True,
    progress: bool = True,
    **options: Unpack[ScoreOptions],
) -> Attributed:
    """One question with its chain and answer: what the answer loses by what is hidden of it, by step and layer.

    It is a run of one item without controls. One item is no evidence: its numbers have no interval.

    ```
    found = mediate.attribute("reference-0.1m", "Start 4, add 9, take 3. Hint 0.", "4 + 9 = 3. 3 - 3 = 0.", "0")
    found  # the numbers, and a row a step
    found.table()  # steps by layers
    found.plot()
    ```

    Args:
        model: From `mediate.load`, or what that takes, such as a name.
        question: The question's text; or an item, which has all.
        cot: The chain of thought; by default the model writes it.
        answer: The answer that is measured; by default what the model itself says after the chain.
        store: Whether chains and results are looked up and kept in the cache.
        progress: Whether to show bars, where the output is a terminal or notebook, and else a line at times.
        **options: Choices, as below; maps that are named are measured beside those by step and layer.

    Returns:
        The item's numbers, in nats of the answer's logit, and its maps by step and layer.

    Raises:
        InputError: A choice is wrong, the model cannot be loaded, or (`ItemError`) the item cannot be measured.

    Example:
        >>> found = md.attribute(model, "Start 4, add 9. Hint 3.", cot="4 + 9 = 3.", answer="3")
        >>> found.results.items[0].id
        'item'
    """
    from mediate.models.model import Model

    item = question if isinstance(question, Item) else Item(question, answer, cot)
    if item is question and (cot is not None or answer):
        raise InputError("attribute: an item has its own chain and answer; give it alone, or the question's text")
    options["maps"] = [*ATTRIBUTED_MAPS, *(options.get("maps") or ())]
    spec = make_spec(ScoreSpec(control_pairs=0, on_bad_item="error"), **options)
    loaded = model if isinstance(model, Model) else load(model, progress=progress)
    found = score(loaded, [_named(item)], spec, store=store, progress=progress).results
    if len(found.maps) < len(ATTRIBUTED_MAPS):
        raise InputError(f"attribute: nothing to map: {found.rejects[0].reason}")
    return Attributed(found)


@overload
def prepare(model: "Model", item: Item, spec: ScoreSpec | None = None, *, store: bool = True) -> "PreparedItem": ...


@overload
def prepare(
    model: "Model",
    item: Pair | str,
    spec: ScoreSpec | None = None,
    *,
    pairs: Sequence[Pair] | str | Path = (),
    store: bool = True,
) -> "PreparedPair": ...


def prepare(
    model: "Model",
    item: Pair | Item | str,
    spec: ScoreSpec | None = None,
    *,
    pairs: Sequence[Pair] | str | Path = (),
    store: bool = True,
) -> "Prepared":
    """One item in tokens, with its chains, and every method that there is to measure on it.

    ```
    model = mediate.load("reference-0.1m")
    item = mediate.prepare(model, mediate.modular_pairs(1)[0])
    item.y, item.te  # the cube Y[d, t, h] of each outcome, and the total effect
    item.map("attribution.resid_pre.ig:step,layer").values
    item.ablation(["resid_post"], "zero").effects
    item.knockout(), item.deletion(), item.reads(readers=[0])
    item.step_shapley().values, item.lens().values, item.controls()
    ```

    An item without a twin has the same methods where their meaning needs none: what is taken away is hidden, computed
    without sight of the question, or replaced by a reference value.

    ```
    alone = mediate.prepare(model, mediate.Item("Start 4, add 9, take 3. Hint 0.", "0", "4 + 9 = 3. 3 - 3 = 0."))
    alone.step_shapley().values, alone.by_reader(), alone.reads(), alone.lens().values, alone.adaptive_knockouts()
    ```

    Args:
        model: From `mediate.load`.
        item: A pair, an item by itself, or the id of one of `pairs`.
        spec: The choices of a run: how the question is put, who writes the chains, what is read off, the seed.
        pairs: Pairs, or the path of a file of them, among which an id is looked up.
        store: Whether written chains are looked up and kept in the cache.

    Returns:
        The item with its methods: a `PreparedPair`, or a `PreparedItem` of an item by itself.

    Raises:
        InputError: No such item, a choice that the model does not allow, or (`ItemError`) a pair that cannot be
            measured; one line says where and what to do.

    Example:
        >>> pair = md.prepare(model, pairs[0])
        >>> pair.y.shape  # outcome, and the worlds of direct, text and latent
        (2, 2, 2, 2)
    """
    from mediate.models.model import Model
    from mediate.passes.store import Store
    from mediate.scoring.given import as_measured, fitting
    from mediate.scoring.jobs import job_of
    from mediate.scoring.preparing import prepare as prepare_all
    from mediate.scoring.settling import settled

    if not isinstance(model, Model):
        raise InputError(f"prepare: the model is a {type(model).__name__}; load it first: model = mediate.load(...)")
    given: Any = [_found(item, pairs) if isinstance(item, str) else _named(item) if isinstance(item, Item) else item]
    choices = make_spec(spec, on_bad_item="error")
    given = as_measured(given, choices.against, str)
    choices = settled(model, given, fitting(given, choices), str)
    job = job_of(given, choices.against)
    (prepared,), _ = prepare_all(job.preparation, model, given, choices, Store() if store else None)
    found: Prepared = prepared
    return found


def _found(name: str, pairs: Sequence[Pair] | str | Path) -> Pair:
    file = scan_pairs(pairs) if isinstance(pairs, str | Path) else PairFile(tuple(pairs), ())
    known: dict[str, Pair | ItemError] = {error.item: error for error in file.errors}
    found = (known | {pair.id: pair for pair in file.pairs}).get(name)
    if isinstance(found, ItemError):
        raise found
    if found is None:
        raise InputError(f"prepare: no item {name!r} among {plural(len(file.pairs), 'pair')}; name them: pairs=...")
    return found


def _named(item: Item) -> Item:
    """An item that stands by itself needs no id of its own."""
    return item if item.id else replace(item, id="item")
