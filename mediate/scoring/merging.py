"""Shards put together to the run that they are parts of; needs no model and no torch."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mediate.clock import stage
from mediate.errors import InputError
from mediate.holding.held import held
from mediate.models.identity import device_differences
from mediate.results.folder import MANIFEST, Results, read_manifest, read_results, write_results
from mediate.results.merged import merged
from mediate.results.sums import SUMS
from mediate.scoring.engines.shard import SHARDS, Shard, shards_in
from mediate.scoring.rundir import HELD, check_same, counted, now, written
from mediate.showing import plural

_IDENTITY = ("schema", "spec", "pairs", "model", "versions", "prompt")
# What a shard's manifest says of the shard alone.
_OF_A_SHARD = ("shard", "status", "finished", "seconds", "damaged_parts", SUMS)
# How many shards a message names.
_NAMED = 8


@dataclass(frozen=True, slots=True)
class _Finished:
    """A shard that is finished.

    Args:
        shard: Which one.
        folder: Where it stands.
        manifest: What it says of itself.
    """

    shard: Shard
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def own(self) -> Mapping[str, Any]:
        """What it says of the part that it is.

        Raises:
            InputError: It says none, or that it is another one.
        """
        told = self.manifest.get("shard")
        if not isinstance(told, Mapping) or (told.get("number"), told.get("of")) != (self.shard.number, self.shard.of):
            raise InputError(
                f"{self.folder}: does not say that it is shard {self.shard}; delete it and measure it again"
            )
        return told


def merge_shards(out: Path, *, takeover: bool = False) -> Results:
    """Puts the shards below a run's directory together, and writes the run, which is as one process would write it.

    Args:
        out: The run directory; one that holds the merged run already is read back.
        takeover: Whether the directory is taken over from a process on another machine that was putting them together.

    Raises:
        InputError: There are no shards, some are missing or not finished, they are not of one run, or another process
            holds the directory.
    """
    done = _all_finished(out)
    found = read_manifest(out) if (out / MANIFEST).exists() else {}
    with nullcontext() if found.get("status") == "success" else held(out, HELD, takeover=takeover):
        return _merged(out, done)


def _merged(out: Path, done: Sequence[_Finished]) -> Results:
    first = done[0].manifest
    identity = {name: first[name] for name in _IDENTITY if name in first}
    for each in done[1:]:
        check_same(each.folder, each.manifest, identity)
        if each.own["plan"] != done[0].own["plan"]:
            raise InputError(f"{each.folder}: has other batches than {done[0].folder}; measure both again, elsewhere")
        if other := device_differences(each.manifest["model"], first["model"]):
            raise InputError(f"{each.folder}: another device than {done[0].folder} ({other[0]}); give all the same")
    if (out / MANIFEST).exists():
        found = read_manifest(out)
        check_same(out, found, identity)
        if found.get("status") == "success":
            return read_results(out)
    manifest = {name: value for name, value in first.items() if name not in _OF_A_SHARD}
    manifest["created"] = min(str(each.manifest["created"]) for each in done)
    with written(out, manifest):
        results = _together(out, done, manifest)
        with stage("writing tables"):
            write_results(out, results)
    return results


def _all_finished(out: Path) -> list[_Finished]:
    """All shards, in order.

    Raises:
        InputError: There are none, of several counts, or not all are finished.
    """
    there = shards_in(out)
    if not there:
        raise InputError(f"{out}: holds no shards (it has no {SHARDS}); make them with: mediate score ... --shard 1/4")
    counts = sorted({shard.of for shard in there})
    if len(counts) > 1:
        said = " and ".join(map(str, counts))
        raise InputError(
            f"{out / SHARDS}: holds shards of {said}; delete those of one kind, or give them a new directory"
        )
    done, missing = list[_Finished](), list[str]()
    for shard in (Shard(counts[0], number + 1) for number in range(counts[0])):
        folder = shard.folder(out)
        manifest = read_manifest(folder) if (folder / MANIFEST).exists() else {"status": "not begun"}
        if manifest.get("status") == "success":
            done.append(_Finished(shard, folder, manifest))
        else:
            missing.append(f"{shard} ({manifest.get('status')})")
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise InputError(
            f"{out}: {len(missing)} of {counts[0]} shards are not finished: {', '.join(missing[:_NAMED])}{more}; run "
            f"the command that made the others with --shard {missing[0].partition(' ')[0]} and so on, and merge again"
        )
    return done


def _together(out: Path, done: Sequence[_Finished], manifest: Mapping[str, Any]) -> Results:
    """What all shards found, as one run's."""
    places = {item: place for each in done for item, place in each.own["places"].items()}
    if len(places) != done[0].own["items"]:
        raise InputError(
            f"{out / SHARDS}: its shards have {len(places)} of {plural(done[0].own['items'], 'item')} between them; "
            "measure them again, in a new directory"
        )
    order = sorted(places, key=lambda item: places[item])
    found = [read_results(each.folder) for each in done]
    first = done[0].own["left_out"]
    apart = found[0].rejects[:first]
    found[0] = replace(found[0], rejects=found[0].rejects[first:])
    results = merged(found, order, outcomes=manifest["spec"]["outcomes"], manifest={})
    results = replace(results, rejects=(*apart, *results.rejects))
    given = done[0].manifest["counts"]["given"]
    counts = _added([each.manifest["counts"] for each in done])
    counts |= counted(given, len(results.items), results.rejects)
    counts["not_cut"] = dict(sorted(counts["not_cut"].items()))
    seconds = round(sum(float(each.manifest["seconds"]) for each in done), 3)
    ending = {"status": "success", "finished": now(), "seconds": seconds}
    told = {name: counts if name == "counts" else value for name, value in (dict(manifest) | ending).items()}
    damaged = sum(each.manifest.get("damaged_parts", 0) for each in done)
    told |= {"damaged_parts": damaged} if damaged else {}
    writer = told.pop("writer", None)
    if isinstance(writer, Mapping):
        told["writer"] = dict(writer) | {"retokenised": sum(each.manifest["writer"]["retokenised"] for each in done)}
    return replace(results, manifest=told)


def _added(counts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts of several disjoint sets as those of all, key by key."""
    keys = dict.fromkeys(key for each in counts for key in each)
    return {
        key: _added([each[key] for each in counts if key in each])
        if isinstance(next(each[key] for each in counts if key in each), Mapping)
        else sum(each.get(key, 0) for each in counts)
        for key in keys
    }
