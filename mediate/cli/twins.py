"""`mediate pairs from`: pairs made of the items of a file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mediate.cli.completion import model_names
from mediate.cli.ending import put
from mediate.cli.materials import check_absent, score_command, token_length
from mediate.cli.options import AnswerPatternOption, ColumnsOption, FormatOption, columns_of
from mediate.errors import InputError, plural
from mediate.watch import tell


class By(StrEnum):
    """How twins are made."""

    NUMBERS = "numbers"
    OTHER = "other"


def make_twins(
    file: Annotated[Path, typer.Argument(help="Items: a data set, or a log of what a model wrote.")],
    out: Annotated[Path, typer.Option("--out", help="The .jsonl file to write.")],
    by: Annotated[
        By, typer.Option(help="A number of the question changed (GSM8K), or the nearest item with another answer.")
    ] = By.NUMBERS,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="Keep token lengths under this model's tokenizer.",
            autocompletion=model_names,
        ),
    ] = None,
    format: FormatOption = None,
    columns: ColumnsOption = None,
    answer_pattern: AnswerPatternOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Of which number is changed and to what, and of ties.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Write over a file of other content.")] = False,
) -> None:
    """Makes pairs of items, where they allow it, and says why the others do not."""
    from mediate.files import write_bytes
    from mediate.pairs.files import pairs_content
    from mediate.pairs.recognise import read_given
    from mediate.pairs.twins import twins_of

    given = read_given(file, format=format, columns=columns_of(columns), answer_pattern=answer_pattern)
    twins = twins_of(given, by.value, seed=seed, length=token_length(model) if model else None)
    if not twins.pairs:
        raise InputError(f"{file}: no item has a twin by {by}; {twins.told().partition('; ')[2]}")
    tell(f"{file.name}: {twins.told()}")
    content = pairs_content(out, twins.pairs)
    if not force:
        check_absent(out, content)
    write_bytes(out, content)
    put(f"{plural(len(twins.pairs), 'pair')}: {out}")
    tell(f"next: {score_command(out, model or 'M')}")
