"""Runs that are not computed in one go by this process: by workers on Ray, or as one shard of several."""

from pathlib import Path

from mediate.errors import InputError
from mediate.files import check_own
from mediate.results.folder import Results
from mediate.scoring.engine_spec import EngineSpec
from mediate.scoring.engines.orders import Order as Order
from mediate.scoring.engines.shard import SHARDS, shard_of
from mediate.scoring.rundir import holding
from mediate.watch import tell


def apart(
    order: Order, engine: EngineSpec, *, out: Path | None, progress: bool, takeover: bool = False
) -> tuple[Results | None, Path | None]:
    """What is found of a run, or of a shard of it, and the directory that holds that, held before a model is loaded.

    There are no results where a shard only writes its part of what the model must write first.

    Args:
        order: The run.
        engine: Where it is computed.
        out: Its directory.
        progress: Whether to say what was settled and how far the work is.
        takeover: Whether the directory is taken over from a process on another machine.

    Raises:
        InputError: As `mediate.scoring.score.score`; and where Ray cannot be had, a shard is none, or it cannot begin.
    """
    if engine.shard is not None:
        return _of_a_shard(order, engine, out, progress, takeover)
    from mediate.scoring.engines.ray import score_on_ray

    with holding(out, takeover=takeover):
        return score_on_ray(order, engine, out=out, progress=progress), out


def name_of(model: object) -> str:
    """The name by which other processes load a model.

    Raises:
        InputError: It is a model in memory, or loaded.
    """
    if isinstance(model, str | Path):
        return str(model)
    facts = getattr(model, "facts", None)
    name = f"{facts.name!r}" if facts is not None and facts.source != "memory" else "its name"
    raise InputError(
        f"shards and workers load the model themselves, and cannot be given one in memory (a {type(model).__name__}); "
        f"give {name} in its place, or save it into a folder and give that"
    )


def _of_a_shard(
    order: Order, engine: EngineSpec, out: Path | None, progress: bool, takeover: bool
) -> tuple[Results | None, Path | None]:
    from mediate.passes.loaded import load
    from mediate.passes.store import Store
    from mediate.scoring.engines.sharded import score_shard, write_share

    if out is None:
        raise InputError("a shard is written into the directory of its run; give out")
    shard, taken = shard_of(engine.shard or "")
    if taken:
        tell(f"shard: {shard} ({taken})")
    store = Store() if order.cached else None
    if not engine.chains_only:
        check_own(out / SHARDS, shard.folder(out))
        with holding(shard.folder(out), takeover=takeover):
            model = load(order.model, **order.loading)
            results = score_shard(model, order, shard, out, store=store, progress=progress)
        return results, shard.folder(out)
    model = load(order.model, **order.loading)
    told = write_share(model, order, shard, out, store=store, progress=progress)
    if told.all_there:
        tell(f"shard {shard}: all chains and answers are written; next: the same command without --chains-only")
    else:
        tell(
            f"shard {shard}: {told.written} batches of texts written, {told.missing} are others'; next: the same "
            "command again when all shards are done, until it says that all is written"
        )
    return None, None
