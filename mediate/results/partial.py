"""Runs that are not finished, as far as they are done: read for a first look, and never called complete."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.results.folder import Results, read_manifest, read_results
from mediate.results.merged import merged
from mediate.results.parts import counts_of, done_words, parts_of, read_part, read_plan
from mediate.results.sharding import check_no_shards, shard_words

log = logging.getLogger(__name__)


def partial_words(manifest: Mapping[str, Any]) -> str:
    """`partial: 312 of 1,000 items measured; the same command goes on`; empty for a run that is finished.

    Of a shard, finished or not, `partial: shard 3 of 16, ...`.
    """
    counts, shard = manifest.get("counts"), shard_words(manifest)
    if shard and manifest.get("status") == "success":
        told = counts.get("measured") if isinstance(counts, Mapping) else None
        measured = f"{told:,} item{'s' * (told != 1)} measured" if isinstance(told, int) else "finished"
        return f"partial: {shard}, {measured}; mediate merge puts the run together"
    if manifest.get("status", "success") == "success" or not isinstance(counts, Mapping) or "planned" not in counts:
        return ""
    return f"partial: {shard}{', ' if shard else ''}{done_words(counts)} measured; the same command goes on"


def read_so_far(folder: str | Path) -> Results:
    """What a run has found so far; of a finished one, all of it. Nothing is changed.

    The manifest of a run that is not finished has the counts of what is done, and the status that says so.

    Raises:
        InputError: The folder is no run directory, nothing of the run is on disk yet, or a file of a finished one is
            missing or damaged.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    plan = read_plan(folder)
    if plan is None and manifest.get("status") != "success":  # as where its shards were being put together
        check_no_shards(folder)
    if manifest.get("status") == "success" or plan is None:
        return read_results(folder)
    found, there = [], []
    for part in parts_of(folder, plan.fingerprint):
        try:
            found.append(read_part(part))
            there.append(part)
        except InputError as error:  # the same command measures it again
            log.warning("left out: %s", error)
    told = dict(manifest) | {"counts": counts_of(plan, there)}
    spec = manifest.get("spec")
    if not isinstance(spec, Mapping):
        raise InputError(f"{folder}: does not say what was run (spec); score into a new directory")
    results = merged(found, plan.order, outcomes=[str(each) for each in spec.get("outcomes", ())], manifest=told)
    return replace(results, rejects=(*plan.left_out, *results.rejects), ranked=())
