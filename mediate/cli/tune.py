"""`mediate tune`: a command for each arm that makes an "after", with the choices that the arm heeds as its options."""

from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediate.cli.ending import put
from mediate.cli.from_spec import Choices, FromSpec, from_spec
from mediate.cli.options import ModelOption, QuietOption, TakeoverOption, check_model, quiet_libraries
from mediate.errors import InputError, short
from mediate.tuning import ARMS, Arm
from mediate.watch import tell

if TYPE_CHECKING:
    from mediate.tasks import Task

tune_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Tunes a model, as the after of a before and after; DIR is then a model for every command.",
)

Out = Annotated[
    Path, typer.Option("--out", help="The folder to write; where a tuning was interrupted there, it continues.")
]
Data = Annotated[
    Path | None,
    typer.Option("--data", help="JSON lines with question, chain, answer and, for dpo, rejected; or a pairs file."),
]
PartOption = Annotated[
    list[str] | None,
    typer.Option("--part", help="NAME=FILE:WEIGHT: a set of the mix, a file as --data takes it. Twice or more."),
]
Count = Annotated[int, typer.Option("--count", "-n", min=1, help="Built-in problems, two examples each.")]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; a GPU by default where there is one.")]


def arm_command(arm: Arm) -> Callable[..., None]:
    """The command of an arm, to be registered with `cls=FromSpec`."""

    def chosen() -> dict[str, Any]:
        from mediate.choices import fields_of
        from mediate.tuning.spec import TuneSpec, choices_of

        whole = fields_of(TuneSpec)
        return {name: whole[name] for name in choices_of(arm)}

    def fields() -> dict[str, Any]:
        from mediate.choices import fields_of
        from mediate.tasks.task import TrainingOptions

        return {"making": {"task": _task_field()} | fields_of(TrainingOptions), "choices": chosen()}

    # An arm that trains all weights adapts no modules.
    old = {} if arm.full else {"target-module": "target_modules"}

    @from_spec(fields, old=old)
    def command(
        *,
        model: ModelOption,
        out: Out,
        data: Data = None,
        making: Choices,
        count: Count = 1000,
        choices: Choices,
        device: Device = None,
        takeover: TakeoverOption = False,
        quiet: QuietOption = False,
    ) -> None:
        from mediate.tuning.spec import make_tune_spec

        quiet_libraries(quiet)
        # Whatever needs no model is tried before torch is imported.
        make_tune_spec(arm=arm, **choices)
        steps = _checked_steps(making)
        check_model(model)
        examples = _examples(model, data, making.get("task"), steps, count, choices["seed"])
        _tune(arm, model, examples, out, device, choices | {"takeover": takeover})

    @from_spec(lambda: {"choices": chosen()}, old=old)
    def of_parts(
        *,
        model: ModelOption,
        out: Out,
        part: PartOption = None,
        choices: Choices,
        device: Device = None,
        takeover: TakeoverOption = False,
        quiet: QuietOption = False,
    ) -> None:
        from mediate.tuning.spec import make_tune_spec

        quiet_libraries(quiet)
        make_tune_spec(arm=arm, **choices)
        parts = _parts(part or [])
        check_model(model)
        _tune(arm, model, parts, out, device, choices | {"takeover": takeover})

    return of_parts if arm.in_parts else command


def _tune(arm: Arm, model: str, data: Any, out: Path, device: str | None, choices: Choices) -> None:
    """Tunes, draws the loss, and says what can be done next."""
    from mediate.tuning.tune import tune

    tuned = tune(model, data, out=out, arm=arm, device=device, **choices)
    from mediate.figures.loss import write_loss

    write_loss(out / "loss.png", tuned.losses, title=f"{arm}, seed {choices['seed']}", unit=arm.unit)
    put(f"{tuned}")
    scored = f"mediate score PAIRS --model {quote(str(out))} --out DIR"
    tell(f"next: {scored} (before and after: with the same --template)")


for each in ARMS:
    tune_app.command(each.name, cls=FromSpec, help=each.help)(arm_command(each))


def _parts(given: list[str]) -> dict[str, tuple[Path, float]]:
    """The parts of a mix: each a name, a file and a weight."""
    parts: dict[str, tuple[Path, float]] = {}
    for each in given:
        name, _, rest = each.partition("=")
        file, _, weight = rest.rpartition(":")
        try:
            number = float(weight)
        except ValueError:
            number = float("nan")
        if not name or not file or not number > 0:
            raise InputError(f"--part {short(each)}: give NAME=FILE:WEIGHT with a weight above 0: long=d.jsonl:0.2")
        if name in parts:
            raise InputError(f"--part {short(each)}: the name stands twice; give each part its own")
        parts[name] = Path(file), number
    return parts


def _task_field() -> Any:
    from mediate.cli.materials import task_field
    from mediate.tasks import TASKS

    named = [task for task in TASKS if task.training is not None]
    shown = ", ".join(task.name for task in named)
    return task_field(named, f"Made examples in place of a file: {shown}; without either, what fits the model.")


def _checked_steps(making: Choices) -> int | None:
    """The steps of a made problem, where they are asked for."""
    from mediate.choices import made
    from mediate.tasks.task import TrainingOptions

    return made(TrainingOptions, {name: making[name] for name in making if name != "task"}).problem_steps


def _examples(model: str, data: Path | None, wanted: str | None, steps: int | None, count: int, seed: int) -> Any:
    """The file, or examples that are made: without either, of the task that fits the model."""
    if data is not None and wanted is not None:
        raise InputError("give either --data FILE or --task, not both")
    if data is not None:
        return data
    from mediate.tasks import TASKS

    named = [task for task in TASKS if task.training is not None]
    # Of names that begin alike, the longest says which task it is.
    read = max((task for task in named if _reads_only(model, task)), key=lambda task: len(task.only), default=None)
    task = next((task for task in named if task.name == wanted), read or named[0])
    if wanted is None:
        tell(f"task: {task.name} (no --data, and it is what fits {model})")
    if read is not None and task.only != read.only:
        raise InputError(
            f"--task {task.name}: {model} has no tokens for their words; take --task {read.name}, or another model"
        )
    if steps is not None and "steps" not in task.options.model_fields:
        raise InputError(f"--problem-steps changes nothing in the task {task.name}; leave it out")
    assert task.training is not None
    return task.training(count, seed=seed, **({} if steps is None else {"steps": steps}))


def _reads_only(model: str, task: "Task") -> bool:
    """Whether a model, with an adapter or without, was trained on a task and reads no other."""
    from mediate.models.known import known_names

    name = model.partition("+")[0].lower()
    return bool(task.only) and name in known_names() and name.startswith(task.only)
