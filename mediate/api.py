"""The calls of a notebook or script, wired from the rooms."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.models.loading import load as load_unchecked
from mediate.models.model import Model
from mediate.pairs.files import PairFile, scan_pairs
from mediate.pairs.pair import Pair
from mediate.passes.selfcheck import checked
from mediate.passes.store import Store
from mediate.report import Scores
from mediate.scoring.score import score as score_pairs
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
