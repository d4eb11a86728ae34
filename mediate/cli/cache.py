"""`mediate cache`: what the cache holds, and what of it can go."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediate.cli.ending import put
from mediate.errors import InputError, short

if TYPE_CHECKING:
    from mediate.models.cache import Kept

cache_app = typer.Typer(no_args_is_help=True, help="What was computed or fetched, and can be made again.")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20,
          "GIB": 2**30, "TIB": 2**40}  # fmt: skip


@cache_app.command("info")
def info(as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False) -> None:
    """Says where the cache is, and what it holds."""
    from mediate.models.cache import cache_folder, entries, model_bytes, opened_cache

    root = cache_folder()
    found, models = list(entries(root)), model_bytes(root)
    kept = [each for each in found if not each.is_set_aside]
    times = [each.used for each in kept]
    told: dict[str, Any] = {
        "folder": str(root),
        "kinds": {
            kind: _counted([each for each in kept if each.kind == kind])
            for kind in sorted({each.kind for each in kept})
        },
        "models": {"entries": len(models), "bytes": sum(models.values())},
        "set_aside": _counted([each for each in found if each.is_set_aside]),
        "bytes": sum(each.size for each in found) + sum(models.values()),
        "oldest": _time(min(times)) if times else None,
        "newest": _time(max(times)) if times else None,
    }
    if as_json:
        typer.echo(json.dumps(told, allow_nan=False))
        return
    put(f"{root}: {_size(told['bytes'])}")
    for name, each in (told["kinds"] | {"models": told["models"], "set aside": told["set_aside"]}).items():
        if each["entries"]:
            put(f"  {name:12}{each['entries']:>10,} {_size(each['bytes']):>12}")
    if times:
        put(f"used between {told['oldest']} and {told['newest']}")
    wrong = opened_cache(root) if root.exists() else ""
    if wrong:
        put(f"warning: {wrong}")


@cache_app.command("prune")
def prune(
    older: Annotated[
        str | None, typer.Option("--older", help="Delete what was not used for so long: 30d, 12h.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Delete the longest unused until so much is left: 10GB, 500MB.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
) -> None:
    """Deletes entries of the cache, and what was set aside as damaged; models stay, and are counted."""
    from mediate.models.cache import cache_folder, model_bytes, pruned

    if older is None and to is None:
        raise InputError("prune: give --older, such as 30d, or --to, such as 10GB, or both")
    root = cache_folder()
    age = None if older is None else _amount("--older", older, _SECONDS, "30d, 12h or 2w")
    most = None if to is None else int(_amount("--to", to, _BYTES, "10GB or 500MB"))
    gone, left = pruned(root, older=age, most=most, dry=dry_run)
    models = sum(model_bytes(root).values())
    size = sum(each.size for each in left) + models
    what = "would be deleted" if dry_run else "deleted"
    put(
        f"{root}: {len(gone):,} entries of {_size(sum(each.size for each in gone))} {what}; {len(left):,} entries and "
        f"models of {_size(size)} are left"
    )
    if most is not None and size > most:
        put(f"models take {_size(models)} of that, which are not deleted here; delete their files by hand")


def _counted(entries: "Sequence[Kept]") -> dict[str, int]:
    return {"entries": len(entries), "bytes": sum(each.size for each in entries)}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _size(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def _amount(option: str, text: str, units: dict[str, int], such: str) -> float:
    """A number with its unit, in seconds or bytes."""
    found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([A-Za-z]*)", text.strip())
    unit = None if found is None else next((each for each in units if each.lower() == found[2].lower()), None)
    if found is None or unit is None:
        raise InputError(f"{option} {short(text)}: is no number with its unit; give {such}")
    return float(found[1]) * units[unit]
