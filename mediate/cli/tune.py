"""`mediate tune`: the arms that make an "after"."""

from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from mediate.cli.options import ModelOption, OldModule, QuietOption, check_model, either, quiet_libraries, unescaped
from mediate.errors import InputError
from mediate.watch import tell

tune_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Tunes a model, as the after of a before and after; DIR is then a model for every command.",
)


class ExampleTask(StrEnum):
    """Where examples come from, if not from a file."""

    PROBLEMS = "problems"
    MODULAR = "modular"


class OnBadExample(StrEnum):
    """What to do with an example that cannot be tuned on."""

    ERROR = "error"
    SKIP = "skip"


Out = Annotated[Path, typer.Option("--out", help="The folder to write; one that was interrupted is gone on with.")]
Data = Annotated[
    Path | None,
    typer.Option("--data", help="JSON lines with question, chain, answer and, for dpo, rejected; or a pairs file."),
]
MadeTask = Annotated[
    ExampleTask | None,
    typer.Option(
        "--task", help="Made examples in place of a file: problems, or modular, which is what reference reasoners read."
    ),
]
Count = Annotated[int, typer.Option("--count", "-n", min=1, help="Built-in problems, two examples each.")]
ProblemSteps = Annotated[
    int | None, typer.Option("--problem-steps", min=2, max=6, help="Steps of a built-in problem; any by default.")
]
TemplateName = Annotated[str, typer.Option("--template", help="none, chat, or a file, as in mediate score.")]
Cue = Annotated[str, typer.Option("--answer-cue", help=r"What stands before the answer; \n is a line break.")]
Epochs = Annotated[int, typer.Option(min=1, help="Passes over the training part.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Optimizer steps, in place of epochs.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Examples a step.")]
Rate = Annotated[float | None, typer.Option("--learning-rate", help="At its highest; by default by arm.")]
Warmup = Annotated[float, typer.Option(help="Share of the steps over which the learning rate rises.")]
Decay = Annotated[float, typer.Option("--weight-decay", help="AdamW's.")]
MaxLength = Annotated[int | None, typer.Option(min=2, help="Most tokens of an example; longer ones are never cut.")]
Full = Annotated[bool, typer.Option("--full", help="Train all weights, not an adapter.")]
Rank = Annotated[int, typer.Option(min=1, help="Of the adapter.")]
Alpha = Annotated[float, typer.Option(help="The adapter is scaled by alpha / rank.")]
Dropout = Annotated[float, typer.Option(help="On the adapter's input.")]
Modules = Annotated[list[str] | None, typer.Option("--target-modules", help="All linear ones by default; repeatable.")]
Merge = Annotated[bool, typer.Option("--merge", help="Write a whole checkpoint, not an adapter.")]
HeldOut = Annotated[float, typer.Option(help="Share of the examples that is not trained on.")]
Ask = Annotated[int, typer.Option(min=0, help="Held-out questions asked before and after.")]
NewTokens = Annotated[int, typer.Option("--max-new-tokens", min=1, help="The longest chain that it may write then.")]
OnBad = Annotated[OnBadExample, typer.Option("--on-bad-item", help="Stop, or leave the example out and count it.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the split, the first weights, the order and the dropout.")]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; a GPU by default where there is one.")]

_CUE = "\\nThe answer is"
_OF_DATA = ("data", "task", "count", "problem_steps")


@tune_app.command("sft")
def sft(
    model: ModelOption,
    out: Out,
    data: Data = None,
    task: MadeTask = None,
    count: Count = 1000,
    problem_steps: ProblemSteps = None,
    template: TemplateName = "none",
    answer_cue: Cue = _CUE,
    epochs: Epochs = 3,
    steps: Steps = None,
    batch_size: BatchSize = 8,
    learning_rate: Rate = None,
    warmup: Warmup = 0.03,
    weight_decay: Decay = 0.0,
    max_length: MaxLength = None,
    held_out: HeldOut = 0.1,
    ask: Ask = 64,
    max_new_tokens: NewTokens = 256,
    on_bad_item: OnBad = OnBadExample.ERROR,
    seed: Seed = 0,
    device: Device = None,
    quiet: QuietOption = False,
) -> None:
    """All weights, on chains and answers."""
    _tune("sft", **locals())


@tune_app.command("lora")
def lora(
    model: ModelOption,
    out: Out,
    data: Data = None,
    task: MadeTask = None,
    count: Count = 1000,
    problem_steps: ProblemSteps = None,
    template: TemplateName = "none",
    answer_cue: Cue = _CUE,
    epochs: Epochs = 3,
    steps: Steps = None,
    batch_size: BatchSize = 8,
    learning_rate: Rate = None,
    warmup: Warmup = 0.03,
    weight_decay: Decay = 0.0,
    max_length: MaxLength = None,
    rank: Rank = 16,
    alpha: Alpha = 32.0,
    dropout: Dropout = 0.0,
    target_modules: Modules = None,
    target_module: OldModule = None,
    merge: Merge = False,
    held_out: HeldOut = 0.1,
    ask: Ask = 64,
    max_new_tokens: NewTokens = 256,
    on_bad_item: OnBad = OnBadExample.ERROR,
    seed: Seed = 0,
    device: Device = None,
    quiet: QuietOption = False,
) -> None:
    """An adapter (LoRA), on chains and answers."""
    _tune("lora", **locals())


@tune_app.command("answer-only")
def answer_only(
    model: ModelOption,
    out: Out,
    data: Data = None,
    task: MadeTask = None,
    count: Count = 1000,
    problem_steps: ProblemSteps = None,
    keep_chain: Annotated[bool, typer.Option("--keep-chain", help="With the chain as context, without loss.")] = False,
    full: Full = False,
    template: TemplateName = "none",
    answer_cue: Cue = _CUE,
    epochs: Epochs = 3,
    steps: Steps = None,
    batch_size: BatchSize = 8,
    learning_rate: Rate = None,
    warmup: Warmup = 0.03,
    weight_decay: Decay = 0.0,
    max_length: MaxLength = None,
    rank: Rank = 16,
    alpha: Alpha = 32.0,
    dropout: Dropout = 0.0,
    target_modules: Modules = None,
    target_module: OldModule = None,
    merge: Merge = False,
    held_out: HeldOut = 0.1,
    ask: Ask = 64,
    max_new_tokens: NewTokens = 256,
    on_bad_item: OnBad = OnBadExample.ERROR,
    seed: Seed = 0,
    device: Device = None,
    quiet: QuietOption = False,
) -> None:
    """The answer right after the question, with no chain; an adapter unless --full."""
    _tune("answer-only", **locals())


@tune_app.command("dpo")
def dpo(
    model: ModelOption,
    out: Out,
    data: Data = None,
    task: MadeTask = None,
    count: Count = 1000,
    problem_steps: ProblemSteps = None,
    beta: Annotated[float, typer.Option(help="The larger, the nearer to the base model.")] = 0.1,
    full: Full = False,
    template: TemplateName = "none",
    answer_cue: Cue = _CUE,
    epochs: Epochs = 3,
    steps: Steps = None,
    batch_size: BatchSize = 8,
    learning_rate: Rate = None,
    warmup: Warmup = 0.03,
    weight_decay: Decay = 0.0,
    max_length: MaxLength = None,
    rank: Rank = 16,
    alpha: Alpha = 32.0,
    dropout: Dropout = 0.0,
    target_modules: Modules = None,
    target_module: OldModule = None,
    merge: Merge = False,
    held_out: HeldOut = 0.1,
    ask: Ask = 64,
    max_new_tokens: NewTokens = 256,
    on_bad_item: OnBad = OnBadExample.ERROR,
    seed: Seed = 0,
    device: Device = None,
    quiet: QuietOption = False,
) -> None:
    """A preference for chains over rejected ones; an adapter unless --full."""
    _tune("dpo", **locals())


def _tune(arm: str, **given: Any) -> None:
    """Makes or names the data, tunes, and draws the loss."""
    model, out, device, quiet = (given.pop(name) for name in ("model", "out", "device", "quiet"))
    given["answer_cue"] = unescaped(given["answer_cue"])
    given["on_bad_item"] = given["on_bad_item"].value
    if "target_modules" in given:
        given["target_modules"] = tuple(either(given["target_modules"], given.pop("target_module")) or ("all-linear",))
    if "full" in given:
        given["full"] = given["full"] or None
    from mediate.tuning.spec import make_tune_spec

    quiet_libraries(quiet)
    # Whatever needs no model is tried before torch is imported.
    make_tune_spec(arm=arm, **{name: each for name, each in given.items() if name not in _OF_DATA})
    check_model(model)
    file, task, count, steps = (given.pop(name) for name in _OF_DATA)
    data = _data(model, file, task, count, steps, given["seed"])
    from mediate.tuning.tune import tune

    tuned = tune(model, data, out=out, arm=arm, device=device, **given)
    from mediate.figures.loss import write_loss

    write_loss(out / "loss.png", tuned.losses, title=f"{arm}, seed {given['seed']}")
    typer.echo(f"{tuned}")
    tell(f"next: mediate score PAIRS --model {quote(str(out))} --out DIR (before and after: with the same --template)")


def _data(model: str, data: Path | None, task: ExampleTask | None, count: int, steps: int | None, seed: int) -> Any:
    """The file, or examples that are made: without either, of the task that fits the model."""
    if data is not None and task is not None:
        raise InputError("give either --data FILE or --task, not both")
    if data is not None:
        return data
    from mediate.models.known import is_reference
    from mediate.tasks.modular import chained_pairs
    from mediate.tasks.problems import problem_pairs

    if task is None:
        task = ExampleTask.MODULAR if is_reference(model) else ExampleTask.PROBLEMS
        tell(f"task: {task} (no --data, and it is what fits {model})")
    if task is ExampleTask.MODULAR:
        return chained_pairs(count, steps=steps or (2, 5), seed=seed)
    if is_reference(model):
        raise InputError(
            f"--task problems: {model} has no tokens for their words; take --task modular, or another model"
        )
    return problem_pairs(count, steps=steps or (2, 6), seed=seed)
