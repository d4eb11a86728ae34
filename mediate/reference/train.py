"""Training of the reference reasoners: every rung of a ladder from scratch, and its afters from the rung."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from mediate.errors import InputError
from mediate.models.gpu import CPU, usual_device
from mediate.models.shipped import After, Rung, ladder_config, ladder_tokenizer
from mediate.reference.recipe import TRAINED as TRAINED
from mediate.reference.recipe import Recipe, Training
from mediate.reference.recipe import Schedule as Schedule
from mediate.reference.recipes import AFTERWARDS as AFTERWARDS
from mediate.reference.recipes import FROM_SCRATCH as FROM_SCRATCH
from mediate.reference.recipes import MODULAR_RECIPE
from mediate.tuning.folder import CHECKPOINTS, drop_checkpoints, last_checkpoint
from mediate.tuning.quiet import undisturbed
from mediate.tuning.trainers import Course, run

# Beneath the folder of the models: those that they go on from.
BEFORE = "before"


def train_reference(
    out: Path,
    *,
    recipe: Recipe = MODULAR_RECIPE,
    sizes: Sequence[str] = (),
    afters: Sequence[After] = (),
    seed: int = 0,
    say: Callable[[str], None] = print,
) -> tuple[Path, ...]:
    """Trains rungs of a ladder with their afters, each into a folder of its own that `load` takes.

    A folder that is finished is left as it is, and one that is begun goes on from its last checkpoint. Weights are
    saved in float16, which is part of what the models are. Where a recipe goes on from another, the models of that one
    are trained first, in the folder `before` of the folder.

    Args:
        out: The folder of the folders.
        recipe: How, and of which ladder.
        sizes: Sizes of the rungs, such as `0.1m`; all by default.
        afters: Which of a rung's states, all by default; an after needs its `base`, from the same call or an earlier
            one.
        seed: Of the first weights and of the problems.
        say: Where a line on each model goes.

    Raises:
        InputError: No rung of that size, or a folder that was trained otherwise.
    """
    known = {rung.size: rung for rung in recipe.ladder.rungs}
    unknown = [size for size in sizes if size not in known]
    if unknown:
        raise InputError(f"no rung of size {unknown[0]!r}; choose from {', '.join(known)}")
    folders = []
    for rung in [known[size] for size in sizes or known]:
        for after in afters or recipe.ladder.afters:
            folders.append(out / rung.name(after))
            seconds = _train_one(recipe, rung, after, out, seed)
            say(f"{rung.name(after)}: {'trained before' if seconds is None else f'{seconds:.0f} s'}")
    return tuple(folders)


def _train_one(recipe: Recipe, rung: Rung, after: After, out: Path, seed: int) -> float | None:
    """Trains one model; the seconds that it took, or None where it was finished before."""
    folder = out / rung.name(after)
    schedule, choices = recipe.schedules[after][rung.size], _choices(recipe, rung, after, seed)
    record, before = folder / TRAINED, recipe.goes_on_from(after)
    if record.is_file():
        kept = json.loads(record.read_text(encoding="utf-8"))
        if not _chosen(kept, choices):
            raise InputError(f"{folder}: was trained with other choices; choose another folder, or delete this one")
        return None
    if before is not None:
        _train_one(before, rung, after, out / BEFORE, seed)
    begun, tokenizer = time.monotonic(), ladder_tokenizer(recipe.ladder)
    with undisturbed():
        torch.manual_seed(seed)  # of the first weights; the trainer seeds the rest
        model = _first_weights(recipe, rung, after, out, tokenizer)
        # Those of an after are drawn apart from the rung's own, and those of a recipe from what is before it.
        stream = (seed, list(After).index(after), *((1,) if before is not None else ()))
        batches = recipe.batches(recipe.diets[after], tokenizer, schedule, stream)
        losses = fit(model, batches, schedule, folder, seed, recipe)
        model.to(torch.float16).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    seconds = time.monotonic() - begun
    done = choices | {"seconds": round(seconds, 1), "losses": losses}
    if before is not None:
        done["before"] = json.loads((out / BEFORE / rung.name(after) / TRAINED).read_text(encoding="utf-8"))
    record.write_text(json.dumps(done, indent=1), encoding="utf-8")
    drop_checkpoints(folder)
    return seconds


def _choices(recipe: Recipe, rung: Rung, after: After, seed: int) -> dict[str, Any]:
    """What a model is trained with, as a file gives it back: tuples are lists there."""
    schedule = recipe.schedules[after][rung.size]
    choices: dict[str, Any] = {"seed": seed, "schedule": asdict(schedule), "diet": asdict(recipe.diets[after])}
    if recipe.optimiser is not None:
        choices["optimiser"] = recipe.optimiser.__name__
    if recipe.falling is not None:
        choices["falling"] = recipe.falling
    before = recipe.goes_on_from(after)
    if before is not None:
        choices["before"] = _choices(before, rung, after, seed)
    found: dict[str, Any] = json.loads(json.dumps(choices))
    return found


def _chosen(kept: dict[str, Any], choices: dict[str, Any]) -> bool:
    """Whether what is kept of a training was trained with these choices, and so was what it goes on from."""
    return all(
        _chosen(kept.get(name) or {}, each) if name == "before" else kept.get(name) == each
        for name, each in choices.items()
    )


def _first_weights(recipe: Recipe, rung: Rung, after: After, out: Path, tokenizer: Any) -> Any:
    from transformers import LlamaForCausalLM

    if recipe.goes_on_from(after) is not None:
        return LlamaForCausalLM.from_pretrained(out / BEFORE / rung.name(after), dtype=torch.float32)
    if after is After.BASE:
        context = recipe.ladder.context
        return LlamaForCausalLM(ladder_config(rung, len(tokenizer), tokenizer.eos_token_id, context))
    return LlamaForCausalLM.from_pretrained(out / rung.name(), dtype=torch.float32)


def _rate(recipe: Recipe, schedule: Schedule) -> dict[str, Any]:
    """The course of the learning rate, as the trainer is told it."""
    if recipe.falling is None:
        return {"lr_scheduler_type": "cosine"}
    steps = round(recipe.falling * schedule.steps)
    return {"lr_scheduler_type": "warmup_stable_decay", "lr_scheduler_kwargs": {"num_decay_steps": steps}}


def fit(
    model: Any, data: Training, schedule: Schedule, folder: Path, seed: int, recipe: Recipe
) -> list[tuple[int, float]]:
    """Trains a model on whole batches with transformers' trainer; the loss every so many steps.

    Training goes on from the last checkpoint in `folder`, where there is one.

    Raises:
        InputError: A loss, gradient or weight that is not finite.
    """
    from transformers import Trainer, TrainingArguments

    every = max(1, schedule.steps // 4)
    arguments = TrainingArguments(
        output_dir=str(folder / CHECKPOINTS),
        max_steps=schedule.steps,
        per_device_train_batch_size=1,  # an entry of the data is a batch
        learning_rate=schedule.learning_rate,
        **_rate(recipe, schedule),
        warmup_steps=max(1, schedule.steps // 20),
        adam_beta2=0.98,
        weight_decay=0.01,
        logging_steps=max(1, schedule.steps // 50),
        save_steps=every,
        save_total_limit=1,
        seed=seed,
        use_cpu=usual_device() == CPU,
        disable_tqdm=True,
        report_to="none",
        remove_unused_columns=False,
        train_sampling_strategy="sequential" if recipe.in_order else "random",
    )
    optimiser = None
    if recipe.optimiser is not None:
        optimiser = recipe.optimiser(
            model,
            learning_rate=arguments.learning_rate,
            weight_decay=arguments.weight_decay,
            betas=(arguments.adam_beta1, arguments.adam_beta2),
        )
    trainer = Trainer(
        model,
        arguments,
        train_dataset=data,
        data_collator=lambda entries: entries[0],
        optimizers=(optimiser, None),
    )
    history = run(trainer, Course(folder, schedule.steps, every), last_checkpoint(folder))
    return [(entry["step"], entry["loss"]) for entry in history if "loss" in entry]
