"""One shard of a run: begun from the whole set, as every other, and measured in a directory of its own."""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mediate.clock import stage
from mediate.errors import InputError
from mediate.files import write_text
from mediate.models.model import Model
from mediate.passes.store import Store
from mediate.results.folder import MANIFEST, Results, read_manifest, read_results, write_results
from mediate.results.parts import damage, drop_parts
from mediate.scoring.beginning import BegunRun, Settled, begun_together
from mediate.scoring.disk import check_room_for
from mediate.scoring.engines.orders import Order
from mediate.scoring.engines.shard import SHARDS, Shard, shards_in
from mediate.scoring.engines.texts import TEXTS, joined, keep, kept
from mediate.scoring.keeping import Keeper
from mediate.scoring.noting import note_choices
from mediate.scoring.rundir import begun as when_begun
from mediate.scoring.rundir import check_free, check_same, tidied, written
from mediate.scoring.score import all_of
from mediate.scoring.telling import ended
from mediate.scoring.writing import Known, UnwrittenError, texts_read, texts_told
from mediate.watch import bars, work

# What the shards of a run agree on: how many tokens run side by side, and so which batches there are.
AGREED = "plan.json"


@dataclass(frozen=True, slots=True)
class Texts:
    """What a shard has written of what the model must write before anything can be measured.

    Args:
        written: How many batches of texts this shard wrote now.
        missing: How many are still missing, of other shards; of answers, which come after chains, none is counted yet.
        all_there: Whether nothing is left to be written by anyone.
    """

    written: int
    missing: int
    all_there: bool


def score_shard(model: Model, order: Order, shard: Shard, out: Path, *, store: Store | None, progress: bool) -> Results:
    """Measures a shard of a run, in `OUT/shards/NUMBER-of-COUNT`; one that is finished is read back.

    Args:
        model: The hooked and checked model.
        order: What is measured, of which only the set and the choices count.
        shard: Which part of it.
        out: The directory of the whole run.
        store: Where chains and results are looked up and kept.
        progress: Whether to say what was settled and how far the work is.

    Raises:
        InputError: As `mediate.scoring.score.score`; or texts are missing that the model must write first, or other
            shards below the directory are of another run.
    """
    since = time.monotonic()
    settled, folder = _settled(model, order, shard, out, progress), shard.folder(out)
    if check_free(folder, settled.identity):
        tidied(folder)
        return read_results(folder)
    started, before = when_begun(folder)
    since -= before
    known = Known(_read(model, out))
    try:
        begun = _begun(settled, store, known, shard, out)
    except UnwrittenError as error:
        raise InputError(
            f"shard {shard}: {len(error.missing)} batches of chains or answers are not written yet; run every shard "
            "with chains_only first, and once more after all are done where the model is asked for answers, too"
        ) from error
    own = shard.share(begun.batches)
    names = {item.id for batch in own for item in batch.items}
    items = [item for item in begun.run.items if item.id in names]
    rejects = begun.plan.left_out if shard.number == 1 else ()
    note_choices(settled.identity["spec"], model.facts.name, len(items), rejects)
    told = _told(shard, begun, [item.id for item in items], len(rejects))
    manifest = dict(begun.manifest) | {"created": started, "shard": told}
    plan = replace(begun.plan, order=tuple(item.id for item in items), left_out=rejects)
    with written(folder, manifest) as said:
        keeper = Keeper(folder, plan, begun.run.outcomes)
        check_room_for(begun.run, own, keeper)
        with keeper.kept(said, since), bars(progress):
            results = all_of(begun.run, own, keeper, progress)
            results = replace(results, rejects=(*rejects, *results.rejects))
            results = replace(results, manifest=ended(manifest, since, items, results, settled.spec) | damage(folder))
            with stage("writing tables"):
                write_results(folder, results)
        drop_parts(folder)
    return results


def write_share(model: Model, order: Order, shard: Shard, out: Path, *, store: Store | None, progress: bool) -> Texts:
    """Writes a shard's part of what the model must write before anything can be measured, below `OUT/shards/texts`.

    Answers after chains can be written only when the chains of all shards are there, by the same command again.

    Raises:
        InputError: As `score_shard`.
    """
    settled = _settled(model, order, shard, out, progress)
    known, place = Known(_read(model, out)), out / SHARDS / TEXTS
    try:
        begun_together(settled, store, known)
    except UnwrittenError as error:
        writing = error.writing
        own = [number for number in shard.share(range(len(writing.laid.batches))) if number in error.missing]
        with work(len(own), "writing", "batch", shown=progress) as done:
            for number in own:
                keep(place, texts_told(model, writing.written([number], store)))
                done(1)
        # What was found in this machine's cache may be missing on others.
        stored = {each: text for each, text in known.texts.items() if each not in _read(model, out)}
        if stored:
            keep(place, texts_told(model, stored))
        return Texts(len(own), len(error.missing) - len(own), False)
    return Texts(0, 0, True)


def _settled(model: Model, order: Order, shard: Shard, out: Path, progress: bool) -> Settled:
    """The run, refused where what stands below its directory is another one."""
    settled = Settled.of(model, order.given, order.unread, order.spec, {}, progress)
    other = next((each for each in shards_in(out) if each.of != shard.of), None)
    if other is not None:
        raise InputError(
            f"{out / SHARDS}: holds shards of {other.of}, and this is one of {shard.of}; name it as one of {other.of}, "
            "or give a new directory"
        )
    if (out / MANIFEST).exists():
        check_same(out, read_manifest(out), settled.identity)
    return settled


def _read(model: Model, out: Path) -> dict[Any, Any]:
    """What the shards wrote so far."""
    return texts_read(model, json.loads(joined(kept(out / SHARDS / TEXTS))))


def _agreed(out: Path) -> dict[str, Any]:
    """What the first shard that was begun said of the batches; nothing where there was none."""
    try:
        told: dict[str, Any] = json.loads((out / SHARDS / AGREED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError(f"{out / SHARDS / AGREED}: not JSON ({error}); give a new directory") from error
    return told


def _begun(settled: Settled, store: Store | None, known: Known, shard: Shard, out: Path) -> BegunRun:
    """The run in the batches that all shards agree on: those of the one that was the first to say which.

    Raises:
        InputError: This shard has others, and so is of another set or model.
    """
    begun = begun_together(settled, store, known, _agreed(out).get("tokens"))
    agreed = _agreed_or(out, _told_to_others(begun), shard)
    if agreed.get("tokens") != begun.plan.tokens:  # of a machine with more room, which began at the same time
        begun = begun_together(settled, store, known, agreed.get("tokens"))
    if agreed != _told_to_others(begun):
        raise InputError(
            f"{out / SHARDS}: shard {shard} has other batches than the shards there, so it is of another set or model; "
            "give a new directory"
        )
    return begun


def _told_to_others(begun: BegunRun) -> dict[str, Any]:
    return {"tokens": begun.plan.tokens, "batches": begun.plan.batches, "plan": begun.plan.fingerprint}


def _agreed_or(out: Path, own: Mapping[str, Any], shard: Shard) -> dict[str, Any]:
    """What the first shard said; where none has, what this one says, which is then the first."""
    place = out / SHARDS / AGREED
    part = place.with_name(f".{place.name}.{shard.number}-of-{shard.of}.{os.getpid()}")
    if not place.exists():
        write_text(part, json.dumps(own) + "\n")
        try:
            with suppress(FileExistsError):
                os.link(part, place)  # of several that do so at once, one is the first
        except OSError:  # a disk without links
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
    return _agreed(out)


def _told(shard: Shard, begun: BegunRun, items: list[str], left_out: int) -> Mapping[str, Any]:
    """What a shard's manifest says of it, for those who put shards together."""
    place = {item: number for number, item in enumerate(begun.plan.order)}
    return {
        "number": shard.number,
        "of": shard.of,
        "plan": begun.plan.fingerprint,
        "items": len(begun.plan.order),
        "places": {item: place[item] for item in items},
        "left_out": left_out,
    }
