"""The calls of a notebook or script, wired from the rooms."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mediate.errors import InputError, ItemError
from mediate.mediation.prepared import Prepared
from mediate.models.loading import load as load_unchecked
from mediate.models.model import Model
from mediate.pairs.files import PairFile, scan_pairs
from mediate.pairs.pair import Pair
from mediate.passes.selfcheck import checked
from mediate.passes.store import Store
from mediate.report import Scores
from mediate.scoring.plan import prepare_pairs
from mediate.scoring.score import score as score_pairs
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec, make_spec


def load(model: Any, **options: Any) -> Model:
    """Loads a causal language model, hooks it and checks it.

    Args:
        model: A hub id, a folder, a `.gguf` file, the name of a fetched model, `BASE+ADAPTER`, or a transformers or
            peft model in memory.
        **options: `adapter`, `tokenizer`, `dtype`, `device`, `trust_remote_code` and `copy`, as in
            `mediate.models.loading.load`.

    Raises:
        InputError: The model cannot be loaded, or hooking it changes its logits.
    """
    return checked(load_unchecked(model, **options))


def score(
    model: Model,
    pairs: Sequence[Pair] | str | Path,
    spec: ScoreSpec | None = None,
    *,
    out: str | Path | None = None,
    store: bool = True,
    progress: bool = True,
    **options: Any,
) -> Scores:
    """Measures how much of the answers the chains of thought carry, and through which channel.

    Args:
        model: From `mediate.load`.
        pairs: Pairs, or the path of a file of them.
        spec: The choices of the run.
        out: A run directory to write, with the report's data; one that holds this very run is read back.
        store: Whether chains, outcomes and kept activations are looked up and kept in the cache.
        progress: Whether to show bars, where the output is a terminal or notebook.
        **options: Choices of `ScoreSpec` that differ from `spec`, such as `template="chat"` or
            `maps=["read:step,layer"]`.

    Raises:
        InputError: A choice or the pairs are wrong; one line says where and what to do.
    """
    choices = make_spec(spec, **options)
    file = scan_pairs(pairs) if isinstance(pairs, str | Path) else PairFile(tuple(pairs), ())
    if not isinstance(model, Model):
        raise InputError(f"score: the model is a {type(model).__name__}; load it first: model = mediate.load(...)")
    folder = None if out is None else Path(out)
    results = score_pairs(
        model,
        file.pairs,
        choices,
        unread=file.errors,
        out=folder,
        store=Store() if store else None,
        progress=progress,
    )
    return Scores(results, folder)


def prepare(
    model: Model,
    item: Pair | str,
    spec: ScoreSpec | None = None,
    *,
    pairs: Sequence[Pair] | str | Path = (),
    store: bool = True,
) -> Prepared:
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

    Args:
        model: From `mediate.load`.
        item: A pair, or the id of one of `pairs`.
        spec: The choices of a run: how the question is put, who writes the chains, what is read off, the seed.
        pairs: Pairs, or the path of a file of them, among which an id is looked up.
        store: Whether written chains are looked up and kept in the cache.

    Raises:
        InputError: No such item, a choice that the model does not allow, or (`ItemError`) a pair that cannot be
            measured; one line says where and what to do.
    """
    if not isinstance(model, Model):
        raise InputError(f"prepare: the model is a {type(model).__name__}; load it first: model = mediate.load(...)")
    pair = _found(item, pairs) if isinstance(item, str) else item
    choices = make_spec(spec, on_bad_item="error")
    choices = settled(model, [pair], choices, str)
    (prepared,), _ = prepare_pairs(model, [pair], choices, Store() if store else None)
    return prepared


def _found(name: str, pairs: Sequence[Pair] | str | Path) -> Pair:
    file = scan_pairs(pairs) if isinstance(pairs, str | Path) else PairFile(tuple(pairs), ())
    known: dict[str, Pair | ItemError] = {error.item: error for error in file.errors}
    found = (known | {pair.id: pair for pair in file.pairs}).get(name)
    if isinstance(found, ItemError):
        raise found
    if found is None:
        raise InputError(f"prepare: no item {name!r} among {len(file.pairs)} pairs; name the pairs: pairs=...")
    return found
