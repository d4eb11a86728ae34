"""`mediate tune reference`."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from mediate.cli.ending import put
from mediate.cli.from_spec import Choices, from_spec
from mediate.cli.options import OldSize, either, quiet_libraries


def _fields() -> dict[str, Any]:
    from pydantic import Field
    from pydantic.fields import FieldInfo

    from mediate.models.shipped import LADDERS

    families = tuple(ladder.family for ladder in LADDERS)
    one_of: Any = Literal.__getitem__(families)
    said = Field(default=families[0], description="Which of them: those of which task.")
    return {"choices": {"family": FieldInfo.from_annotated_attribute(one_of, said)}}


@from_spec(_fields)
def reference(
    *,
    out: Annotated[Path, typer.Option("--out", help="The folder of the models, one folder each.")],
    choices: Choices,
    sizes: Annotated[list[str] | None, typer.Option(help="Such as 0.1m; repeatable, all by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the first weights and the problems.")] = 0,
    marked: Annotated[
        int, typer.Option("--marked", min=1, help="Held-out problems of each length that are asked.")
    ] = 200,
    size: OldSize = None,
) -> None:
    """Trains reference reasoners, with their afters where the family has any, and writes their card."""
    quiet_libraries()
    from mediate.reference.card import write_card
    from mediate.reference.recipes import RECIPES
    from mediate.reference.train import train_reference

    recipe = next(each for each in RECIPES if each.ladder.family == choices["family"])
    train_reference(out, recipe=recipe, sizes=either(sizes, size) or (), seed=seed, say=put)
    put(f"card: {write_card(out, recipe, n=marked, seed=seed)}")
