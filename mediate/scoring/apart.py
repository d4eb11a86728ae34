"""Runs that are not computed in one go by this process: by workers on Ray, or as one shard of several."""

from pathlib import Path

from mediate.errors import InputError
from mediate.results.folder import Results
from mediate.scoring.engine_spec import EngineSpec
from mediate.scoring.engines.orders import Order as Order
from mediate.scoring.engines.shards import Shard, shard_of
from mediate.watch import tell


def by_ray(order: Order, engine: EngineSpec, *, out: Path | None, progress: bool) -> Results:
    """Measures a run by workers on Ray; see `mediate.scoring.engines.ray.score_on_ray`."""
    from mediate.scoring.engines.ray import score_on_ray

    return score_on_ray(order, engine, out=out, progress=progress)


def asked_shard(engine: EngineSpec) -> Shard:
    """The shard that is asked for; where it was not spelt out, it is said.

    Raises:
        InputError: It is none, or nothing says which it is.
    """
    shard, taken = shard_of(engine.shard or "")
    if taken:
        tell(f"shard: {shard} ({taken})")
    return shard


def by_shard(order: Order, engine: EngineSpec, *, out: Path | None, progress: bool) -> Results | None:
    """Measures a shard of a run, or writes its part of what the model must write first; then there are no results.

    Args:
        order: The run.
        engine: Which shard, and whether it only writes.
        out: The directory of the whole run.
        progress: Whether to say what was settled and how far the work is.

    Raises:
        InputError: As `mediate.scoring.engines.sharded.score_shard`; or there is no directory.
    """
    from mediate.passes.loaded import load
    from mediate.passes.store import Store
    from mediate.scoring.engines.sharded import score_shard, write_share

    if out is None:
        raise InputError("a shard is written into the directory of its run; give out")
    shard = asked_shard(engine)
    model, store = load(order.model, **order.loading), Store() if order.cached else None
    if not engine.chains_only:
        return score_shard(model, order, shard, out, store=store, progress=progress)
    told = write_share(model, order, shard, out, store=store, progress=progress)
    if told.all_there:
        tell(f"shard {shard}: all chains and answers are written; next: the same command without --chains-only")
    else:
        tell(
            f"shard {shard}: {told.written} batches of texts written, {told.missing} are others'; next: the same "
            "command again when all shards are done, until it says that all is written"
        )
    return None
