"""The calls of a notebook or script, wired from the rooms.

The choices of a call are its options, typed and checked, and their sentences are those of the specifications' fields:
`LoadSpec`, `ScoreSpec`, `BehaviourSpec`, `CrossSpec`, `HoldSpec` (of a run directory) and `Settings` (of a comparison).
`docs/options.md` has them as tables. torch is imported by the calls that need it; what is stored is compared without.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from mediate.choices import fields_of, with_choices
from mediate.errors import InputError, shortened
from mediate.faithfulness.spec import BehaviourOptions, BehaviourSpec, make_behaviour_spec
from mediate.holding.spec import HoldOptions, HoldSpec, hold_of
from mediate.models.load_spec import LoadOptions, LoadSpec, check_loaded
from mediate.pairs.pair import Item, Pair
from mediate.pairs.reading import given_or_read
from mediate.report import CrossScores, Faithfulness, Scores
from mediate.report import compare as compare
from mediate.scoring.cross_spec import CrossCall, cross_fields
from mediate.scoring.engine_spec import EngineOptions, EngineSpec, make_engine_spec
from mediate.scoring.spec import ScoreOptions, ScoreSpec, make_spec
from mediate.watch import whole

if TYPE_CHECKING:
    from mediate.models.model import Model


@with_choices(fields_of(LoadSpec))
def load(model: Any, *, progress: bool = True, **options: Unpack[LoadOptions]) -> "Model":
    """Loads a causal language model, hooks it and checks it.

    Args:
        model: A hub id, a folder, a `.gguf` file, the name of a fetched model, `BASE+ADAPTER`, or a transformers or
            peft model in memory.
        progress: Whether to say so where it takes long.
        **options: Choices, as below.

    Returns:
        The hooked model, on its device, with what its checks found in `checks` and `refused`.

    Raises:
        InputError: A choice is wrong, the model cannot be loaded, or hooking it changes its logits.

    Example:
        >>> model = md.load("reference-0.1m")
        >>> model.facts.layers, model.facts.heads
        (2, 4)
    """
    named = f" {shortened(str(model))}" if isinstance(model, str | Path) else ""
    with whole(f"loading{named or ' the model'} and checking it", shown=progress):
        from mediate.passes.loaded import load as load_checked  # imports torch, which takes long too

        return load_checked(model, **options)


class ScoreCall(ScoreOptions, EngineOptions, LoadOptions, HoldOptions, total=False):
    """The options of `score`: of a run, of where it is computed, of its directory, and of loading a named model."""


class FaithfulnessCall(BehaviourOptions, HoldOptions, total=False):
    """The options of `faithfulness`: of the tests, of scoring, and of the run's directory."""


@with_choices(fields_of(ScoreSpec) | fields_of(EngineSpec) | fields_of(HoldSpec))
def score(
    model: "Model | str | Path",
    pairs: Sequence[Pair] | Sequence[Item] | str | Path,
    spec: ScoreSpec | None = None,
    *,
    out: str | Path | None = None,
    store: bool = True,
    progress: bool = True,
    **options: Unpack[ScoreCall],
) -> Scores:
    """Measures how much of the answers the chains of thought carry, and through which channel.

    Args:
        model: From `mediate.load`; for shards and for workers on Ray, which load it, its name.
        pairs: Pairs, which are held against their twins, or items by themselves, of which question and chain are
            hidden or, with `against="other"`, replaced by other items'; or the path of a file of either. Pairs that
            are held `against` one of these are their bases, as items by themselves.
        spec: The choices of the run.
        out: A run directory to write, with the report's data; one that holds this very run is read back. Its page is a
            call of its own, `scores.report()`, as drawing takes some seconds.
        store: Whether chains, outcomes and kept activations are looked up and kept in the cache.
        progress: Whether to show bars, where the output is a terminal or notebook.
        **options: Choices that differ from `spec`, as below: `template="chat"`, or `maps=["read:step,layer"]`; where it
            is computed, as `engine="ray", num_workers=2`; and of a named model, the choices of `load`.

    Returns:
        The run: shares as ratios, effects and maps in nats, a row an item in its tables.

    Raises:
        InputError: A choice or the pairs are wrong; one line says where and what to do.

    Example:
        >>> scores = md.score(model, pairs, maps=["read:step,layer"], control_pairs=0)
        >>> sorted(scores.shares())
        ['direct', 'latent', 'mediated', 'text']
        >>> len(scores.table())  # a row an item and outcome
        8
    """
    from mediate.passes.store import Store
    from mediate.scoring.apart import Order, apart, name_of
    from mediate.scoring.score import Call
    from mediate.scoring.score import score as score_pairs

    takeover, chosen = hold_of(options)
    own, where, loading = _sorted_out(chosen)
    choices = make_spec(spec, **own)
    given, unread = given_or_read(pairs)
    folder = None if out is None else Path(out)
    if where.is_apart:
        order = Order(name_of(model), loading, given, unread, choices, where.threads_per_worker, store)
        found, folder = apart(order, where, out=folder, progress=progress, takeover=takeover)
        if found is None:
            raise InputError("chains_only writes chains and measures nothing, so it is of the command line alone")
        return Scores(found, folder)
    loaded = check_loaded("score", model)
    if loading:
        raise InputError(f"option {min(loading)!r} is of loading a model; give it to mediate.load")
    call = Call(unread=unread, out=folder, store=Store() if store else None, progress=progress, takeover=takeover)
    call["num_workers"] = where.num_workers
    return Scores(score_pairs(loaded, given, choices, **call), folder)


def _sorted_out(options: Mapping[str, Any]) -> tuple[dict[str, Any], EngineSpec, dict[str, Any]]:
    """Choices of a run, of where it is computed, and of loading its model."""
    engine, loading = fields_of(EngineSpec), fields_of(LoadSpec)
    own = {name: value for name, value in options.items() if name not in engine and name not in loading}
    where = make_engine_spec(**{name: value for name, value in options.items() if name in engine})
    return own, where, {name: value for name, value in options.items() if name in loading}


@with_choices(fields_of(BehaviourSpec) | fields_of(ScoreSpec) | fields_of(HoldSpec))
def faithfulness(
    model: "Model",
    pairs: Sequence[Pair] | Sequence[Item] | str | Path,
    *,
    out: str | Path | None = None,
    rewrite: Callable[[str], str] | None = None,
    store: bool = True,
    progress: bool = True,
    **options: Unpack[FaithfulnessCall],
) -> Faithfulness:
    """Tests on behaviour beside the effects of the same items: does an answer change where its chain is edited?

    Everything that `score` measures is measured too, and both sides are held against each other.

    Args:
        model: From `mediate.load`.
        pairs: Pairs, of which the base is edited, or items by themselves; or the path of a file of either.
        out: A run directory to write; one that holds this very run is read back.
        rewrite: Puts the text of some steps into other words, for paraphrase; it does not see the question. Without it
            there is none.
        store: Whether chains, what was written on from edits, and effects are looked up and kept in the cache.
        progress: Whether to show bars, where the output is a terminal or notebook.
        **options: Choices, as below: those of the tests, and of scoring.

    Returns:
        The run with both sides: rates of answers that stayed, and effects in nats.

    Raises:
        InputError: A choice or the pairs are wrong; one line says where and what to do.

    Example:
        >>> found = md.faithfulness(model, pairs, edits=["truncated"])  # doctest: +SKIP
        >>> found.tests()  # doctest: +SKIP
    """
    from mediate.faithfulness.faithfulness import Probes
    from mediate.faithfulness.faithfulness import faithfulness as measure
    from mediate.passes.store import Store
    from mediate.scoring.score import Call

    takeover, choices = hold_of(options)
    probes = Probes(make_behaviour_spec(choices), rewrite)
    spec = make_spec(None, **choices)
    given, unread = given_or_read(pairs)
    check_loaded("faithfulness", model)
    folder = None if out is None else Path(out)
    call = Call(unread=unread, out=folder, store=Store() if store else None, progress=progress, takeover=takeover)
    return Faithfulness(measure(model, given, spec, probes, call), folder)


@with_choices(cross_fields() | fields_of(HoldSpec))
def cross(
    original: "Model",
    tuned: "Model",
    pairs: Sequence[Pair] | str | Path,
    *,
    out: str | Path | None = None,
    store: bool = True,
    progress: bool = True,
    **options: Unpack[CrossCall],
) -> CrossScores:
    """Places what changed between two checkpoints of one architecture: in the CoT's state, or in what reads it.

    Both models are held at once; the manifest says how much memory their weights take.

    Args:
        original: The checkpoint before tuning, from `mediate.load`.
        tuned: The checkpoint after it.
        pairs: Pairs, or the path of a file of them.
        out: A run directory to write; one that holds this very run, finished, is read back.
        store: Whether written chains and results are looked up and kept in the cache.
        progress: Whether to show bars, where the output is a terminal or notebook.
        **options: Choices, as below.

    Returns:
        The two checkpoints crossed: changes in nats, and their shares of the total change.

    Raises:
        InputError: The models are no two checkpoints of one architecture, a choice or the pairs are wrong, or `out`
            holds something else.
        ItemError: Unless bad items are skipped, the first pair that cannot be measured.

    Example:
        >>> tuned = md.load("reference-0.1m-needed")
        >>> md.cross(model, tuned, pairs).changes()  # doctest: +SKIP
    """
    from mediate.scoring.cross import cross as cross_checkpoints

    results = cross_checkpoints(original, tuned, pairs, out=out, store=store, progress=progress, **options)
    return CrossScores(results, None if out is None else Path(out))
