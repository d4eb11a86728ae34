"""What was found as bytes, for its way from one process to another: tables in Arrow's own format, and JSON."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

import pyarrow as pa

from mediate.results.cube import Cube
from mediate.results.folder import Results, results_from, tables_of
from mediate.results.told import Reject

# What says of what is packed what is no table.
TOLD = "told"


def packed(results: Results) -> dict[str, bytes]:
    """What was found: each table as a stream of Arrow's, and manifest and rejects as JSON."""
    told = {"manifest": results.manifest, "rejects": [asdict(each) for each in results.rejects]}
    found = {TOLD: json.dumps(told).encode("ascii")}
    for name, table in tables_of(results).items():
        content, rows = pa.BufferOutputStream(), pa.Table.from_pandas(table, preserve_index=False)
        with pa.ipc.new_stream(content, rows.schema) as stream:
            stream.write_table(rows)
        found[name] = content.getvalue().to_pybytes()
    return found


def unpacked(content: Mapping[str, bytes]) -> Results:
    """What was packed.

    Raises:
        ValueError: It is no such thing; so are KeyError, TypeError and Arrow's own errors.
    """
    told = json.loads(content[TOLD])
    tables = {name: pa.ipc.open_stream(each).read_all().to_pandas() for name, each in content.items() if name != TOLD}
    return results_from(tables, told["manifest"], [Reject(**each) for each in told["rejects"]])


def of_items(results: Results, items: Collection[str]) -> Results:
    """What was found of some items."""
    own: dict[str, Any] = {}
    for each in fields(Results):
        records = getattr(results, each.name)
        if each.name in ("cubes", "cut"):
            own[each.name] = tuple(_of_items(cube, items) for cube in records)
        elif each.name != "manifest":
            own[each.name] = tuple(one for one in records if (one.id if each.name == "items" else one.item) in items)
    return replace(results, **own)


def _of_items(cube: Cube, items: Collection[str]) -> Cube:
    there = [place for place, item in enumerate(cube.items) if item in items]
    names, groups = tuple(cube.items[place] for place in there), tuple(cube.groups[place] for place in there)
    return Cube(cube.y[there], names, groups, cube.outcome, cube.contrast)
