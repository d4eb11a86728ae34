"""A trainer set up and run, and what it says of its steps.

Which trainer, and what it reads of a row, is the arm's to say (`mediate.tuning.arms`).
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from mediate.errors import InputError, install_hint, one_line
from mediate.tuning.arms.arm import Encoded, Start
from mediate.tuning.base import Base
from mediate.tuning.folder import CHECKPOINTS
from mediate.tuning.quiet import undisturbed
from mediate.tuning.spec import TuneSpec
from mediate.tuning.tokens import pad_id

CHECKPOINTS_KEPT = 2
# What is kept of a step's record.
_LOGGED = (
    "step",
    "epoch",
    "loss",
    "grad_norm",
    "learning_rate",
    "mean_token_accuracy",
    "rewards/accuracies",
    "rewards/margins",
)


@dataclass(frozen=True, slots=True)
class Course:
    """How long to train, and where on.

    Args:
        folder: Whose `checkpoints` are written.
        steps: Optimizer steps in all.
        save_every: Steps from one checkpoint to the next.
        cpu: Whether to train on the CPU where there is a GPU.
        progress: Whether to show a bar, where the output is a terminal or notebook.
        milestones: Steps after which the model is kept.
        keep: What keeps it: called with the model and the step.
    """

    folder: Path
    steps: int
    save_every: int
    cpu: bool = False
    progress: bool = False
    milestones: tuple[int, ...] = ()
    keep: Callable[[Any, int], None] | None = None


def need_packages() -> None:
    """Raises InputError where trl or peft is not installed."""
    for name in ("trl", "peft"):
        try:
            import_module(name)
        except ImportError as error:
            raise InputError(f"tuning needs the package {name}; {install_hint('train')}") from error


def fit(
    base: Base, rows: Sequence[Encoded], spec: TuneSpec, plan: Course, resume: Path | None = None
) -> tuple[Any, list[dict[str, int | float]]]:
    """Trains the base's weights in place, and returns the model (a peft one with an adapter) and a record a step.

    Seeded: the same rows and choices give the same weights, bit for bit on one CPU with as many threads, also where a
    checkpoint is taken up.

    Raises:
        InputError: A loss, gradient or weight that is not finite; modules to adapt that the model has not.
    """
    with undisturbed(), _own_settings(base.plain) as own:
        trainer = make_trainer(base, rows, spec, plan)
        history = run(trainer, _keeping(plan, base.plain, own), resume)
        model = trainer.accelerator.unwrap_model(trainer.model)
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        inner.__dict__.pop("forward", None)  # trl's own, which also gives log-probabilities
        return model.eval(), losses_of(history)


def run(trainer: Any, plan: Course, resume: Path | None = None) -> Sequence[Mapping[str, Any]]:
    """Trains to the end, from a checkpoint where one is given, and returns all that the trainer logged.

    Raises:
        InputError: A loss, gradient or weight that is not finite.
    """
    from mediate.tuning.milestones import Milestones  # they import all that trains, which takes seconds
    from mediate.tuning.watching import Watch

    for each in list(trainer.callback_handler.callbacks):
        if type(each).__name__ in ("PrinterCallback", "ProgressCallback"):
            trainer.remove_callback(each)
    watch = Watch(plan.steps, plan.folder, shown=plan.progress, kept=plan.milestones)
    trainer.add_callback(watch)
    if plan.keep is not None:
        trainer.add_callback(Milestones(plan.milestones, plan.keep))  # after what looks for numbers that are not finite
    try:
        trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
    finally:
        watch.close()
    history: Sequence[Mapping[str, Any]] = trainer.state.log_history
    return history


def losses_of(history: Sequence[Mapping[str, Any]]) -> list[dict[str, int | float]]:
    """A record a step, out of all that a trainer logs."""
    return [{key: entry[key] for key in _LOGGED if key in entry} for entry in history if "loss" in entry]


def make_trainer(base: Base, rows: Sequence[Encoded], spec: TuneSpec, plan: Course) -> Any:
    """The trainer of an arm, its data and its collator in place."""
    start = Start(
        model=base.plain,
        tokenizer=copy.deepcopy(base.tokenizer),  # trl sets the padding token of the one that it is given
        rows=rows,
        arguments=_arguments(spec, plan),
        adapter=None if spec.trains_all else _adapter(spec),
        padding=pad_id(base.tokenizer),
    )
    try:
        return spec.arm.trainer(start, spec)
    except ValueError as error:
        if spec.trains_all or "target" not in str(error).lower():
            raise
        reason = one_line(error)
        raise InputError(f"no adapter on {', '.join(spec.target_modules)} ({reason}); name other modules") from error


def _adapter(spec: TuneSpec) -> Any:
    from peft import LoraConfig

    modules = "all-linear" if spec.target_modules == ("all-linear",) else list(spec.target_modules)
    return LoraConfig(
        r=spec.rank,
        lora_alpha=spec.alpha,
        lora_dropout=spec.dropout,
        target_modules=modules,
        bias="none",
        task_type="CAUSAL_LM",
    )


def _arguments(spec: TuneSpec, plan: Course) -> dict[str, Any]:
    """What every trainer's configuration is given."""
    return {
        "output_dir": str(plan.folder / CHECKPOINTS),
        "max_steps": plan.steps,
        "per_device_train_batch_size": spec.batch_size,
        "learning_rate": spec.rate,
        "lr_scheduler_type": "linear",
        "warmup_steps": round(spec.warmup * plan.steps),
        "weight_decay": spec.weight_decay,
        "seed": spec.seed,
        "max_length": None,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_strategy": "steps",
        "save_steps": plan.save_every,
        "save_total_limit": CHECKPOINTS_KEPT,
        "use_cpu": plan.cpu,
        "bf16": False,
        "gradient_checkpointing": False,
        "report_to": "none",
        "disable_tqdm": True,
    }


_Settings = Mapping[str, Mapping[str, Any]]


def _settings(plain: Any) -> _Settings:
    """The model's configurations, as they are."""
    return {name: copy.deepcopy(getattr(plain, name).__dict__) for name in ("config", "generation_config")}


def _put(plain: Any, settings: _Settings) -> None:
    for name, own in settings.items():
        found = getattr(plain, name).__dict__
        found.clear()
        found.update(own)


@contextmanager
def _own_settings(plain: Any) -> Iterator[_Settings]:
    """Puts the model's configurations back, in which trl sets a padding token."""
    own = _settings(plain)
    try:
        yield own
    finally:
        _put(plain, own)


def _keeping(plan: Course, plain: Any, own: _Settings) -> Course:
    """The course, with a model that is kept on the way in its own configurations too."""
    keep = plan.keep
    if keep is None:
        return plan

    def kept(model: Any, step: int) -> None:
        trained = _settings(plain)
        _put(plain, copy.deepcopy(own))
        try:
            keep(model, step)
        finally:
            _put(plain, trained)

    return replace(plan, keep=kept)
