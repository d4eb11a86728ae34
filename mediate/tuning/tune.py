"""One call from a model and examples to a folder that every command takes as `--model`."""

import gc
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from mediate.errors import InputError, ItemError
from mediate.files import differences
from mediate.holding.spec import hold_of
from mediate.models.gpu import CPU, usual_device
from mediate.models.model import Model
from mediate.models.prompts import prompt_facts
from mediate.pairs.pair import Pair
from mediate.passes.loaded import load
from mediate.results.tuned import Tuned
from mediate.tuning.accuracy import accuracies, drawn
from mediate.tuning.arms.arm import Arm, Arranged, Side, Taught
from mediate.tuning.arranging import arrange
from mediate.tuning.base import Base, load_base
from mediate.tuning.call import TuneCall
from mediate.tuning.data import Data, Given, read_data
from mediate.tuning.examples import Example, data_fingerprint
from mediate.tuning.folder import (
    SCHEMA,
    STEP,
    drop_checkpoints,
    holding,
    is_done,
    last_checkpoint,
    open_tuned,
    opened,
    versions,
    write_cancelled,
    write_failed,
    write_losses,
    write_tuning,
)
from mediate.tuning.outputs import save_model, save_step, write_sides
from mediate.tuning.spec import TuneSpec, make_tune_spec
from mediate.tuning.splitting import split
from mediate.tuning.student import Student
from mediate.tuning.tokens import check_characters, check_length, taught_example
from mediate.tuning.trainers import Course, fit, need_packages

# How many checkpoints are written on the way, where there are as many steps.
SAVES = 10


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be done, checked and in tokens, before anything is written."""

    spec: TuneSpec
    base: Base
    train: tuple[Taught, ...]
    sides: tuple[tuple[Example, ...], tuple[Example, ...]]
    asked: tuple[Example, ...]
    left_out: tuple[ItemError, ...]
    device: str
    parts: Mapping[str, float]
    judge: str | None

    def steps(self, rows: int) -> int:
        """Optimizer steps over so many rows."""
        return self.spec.steps or self.spec.epochs * math.ceil(rows / self.spec.batch_size)

    def hooked(self) -> Model:
        """The base, hooked: a copy, since it is to be trained."""
        return load(self.base.plain, tokenizer=self.base.tokenizer, device=self.device)

    def other(self, name: str) -> Model:
        """The hooked model of another name."""
        return load(name, device=self.device)

    def identity(self) -> dict[str, Any]:
        """What must be the same for a folder to be taken up again."""
        train, held_out = self.sides
        data = {
            "fingerprint": data_fingerprint([*train, *held_out]),
            "train": len(train),
            "held_out": len(held_out),
            "asked": len(self.asked),
            "left_out": len(self.left_out),
        } | ({"parts": dict(self.parts)} if self.parts else {})
        data |= {"judge": self.judge} if self.judge else {}
        spec, base = self.spec.described(), self.base.described()
        found: dict[str, Any] = {
            "schema": SCHEMA, "spec": spec, "data": data, "base": base, "device": self.device, "versions": versions()
        }  # fmt: skip
        # What a template writes around a question goes with template and tokenizer; folders of before do not say it.
        facts = prompt_facts(self.base.tokenizer, self.spec.template)
        prompt = {name: value for name, value in facts.items() if name != "format"}
        return found | {"prompt": prompt} if prompt else found


def tune(
    model: Any,
    data: Data,
    *,
    out: str | Path,
    arm: str | Arm = "lora",
    device: str | None = None,
    progress: bool = True,
    **options: Unpack[TuneCall],
) -> Tuned:
    """`mediate.tune`, which says what each argument is, with the tuned model as its folder has it.

    Raises:
        InputError: A choice, the model or the data are wrong, the folder holds something else, or the training
            diverged; one line says where and what to do.
    """
    takeover, choices = hold_of(options)
    spec = make_tune_spec(arm=arm, **choices)
    given = read_data(data, spec.arm)
    if given.examples.errors and spec.on_bad_item == "error":
        raise given.examples.errors[0]
    need_packages()
    folder = Path(out)
    with holding(folder, takeover=takeover):
        work = _work(model, given, spec, device)
        found = opened(folder, work.identity())
        if not is_done(found):
            try:
                _run(work, folder, found or {}, given.pairs, progress)
            except KeyboardInterrupt:
                write_cancelled(folder)
                raise
            except Exception:  # memory that ran out, a disk that is full: no process is at it any more
                write_failed(folder)
                raise
    return open_tuned(folder)


def _work(model: Any, given: Given, spec: TuneSpec, device: str | None) -> _Work:
    if device not in (None, CPU, usual_device()):
        raise InputError(f"device {device!r} cannot be used; give cpu, or leave it out")
    base = load_base(model)
    encoded: dict[str, Taught] = {}
    errors = list(given.examples.errors)
    for example in given.examples.examples:
        try:
            check_characters(base.tokenizer, example, base.context)
            taught = taught_example(base.tokenizer, example, spec)
            check_length(taught.row, example, spec, base.context)
            encoded[example.id] = taught
        except ItemError as error:
            if spec.on_bad_item == "error":
                raise
            errors.append(error)
    good = tuple(example for example in given.examples.examples if example.id in encoded)
    if not good:
        raise InputError(f"none of {len(errors)} examples can be tuned on: {errors[0]}")
    sides = split(good, spec.held_out, spec.seed)
    return _Work(
        spec=spec,
        base=base,
        train=tuple(encoded[example.id] for example in sides[0]),
        sides=sides,
        asked=drawn(sides[1], spec.ask, spec.seed),
        left_out=tuple(errors),
        device=device or usual_device(),
        parts=given.parts,
        # Another model of that name is another judge.
        judge=None if spec.judge is None else load_base(spec.judge).described()["fingerprint"],
    )


def _run(work: _Work, folder: Path, found: Mapping[str, Any], pairs: Sequence[Pair], progress: bool) -> None:
    """Asks, trains, saves and asks again; the manifest says `success` once all of it is written."""
    started = time.perf_counter()
    # Nothing is written where the arm can make nothing of the training part.
    arranged = _arranged(work, folder, found, progress)
    rows = [each.row for each in arranged.taught]
    steps = work.steps(len(rows))
    milestones = _milestones(work, steps)
    before = found.get("accuracy", {}).get("before") or _before(work, progress)
    manifest = work.identity() | {"accuracy": {"before": before} if before else {}} | arranged.told()
    write_tuning(folder, manifest, "running")
    write_sides(folder, (arranged.taught, work.sides[1]), (*work.left_out, *arranged.left_out), pairs)
    checkpoint = last_checkpoint(folder)
    keep = _keep(work, folder) if milestones else None
    plan = Course(folder, steps, max(1, steps // SAVES), work.device == CPU, progress, milestones, keep)
    training = time.perf_counter()
    trained, losses = fit(work.base, rows, work.spec, plan, checkpoint)
    trained_for = time.perf_counter() - training
    count = sum(weight.numel() for weight in trained.parameters() if weight.requires_grad)
    kind = save_model(trained, work.base, work.spec, folder)
    write_losses(folder, losses)
    del trained
    gc.collect()
    # Read back from the disk: what is asked is what later commands get.
    tuned = load(folder, device=work.device)
    after = _accuracy(work, tuned, progress)
    manifest |= {
        "accuracy": {"before": before, "after": after} if work.asked else {},
        "result": {"kind": kind, "fingerprint": tuned.facts.fingerprint, "trained_parameters": count},
        "steps": steps,
        "tokens": sum(row.length for row in rows),
        "seconds": {"training": round(trained_for, 3), "in_all": round(time.perf_counter() - started, 3)},
        "resumed_from_step": 0 if checkpoint is None else int(checkpoint.name.rpartition("-")[2]),
    }
    if milestones:
        manifest |= {"checkpoints": [_kept(work, folder, step, manifest, losses, progress) for step in milestones]}
    write_tuning(folder, manifest)
    drop_checkpoints(folder)


def _arranged(work: _Work, folder: Path, found: Mapping[str, Any], progress: bool) -> Arranged:
    """The training part as the arm arranges it, which must be as it was where the folder is taken up again."""
    student = Student(work.base.tokenizer, work.base.context, work.hooked, work.other, progress)
    arranged = arrange(Side(work.train, student, work.parts), work.spec)
    # Not so where the model writes other chains on this machine.
    other = differences(found, arranged.told(), tuple(arranged.told())) if "arranged" in found else []
    if other:
        raise InputError(f"{folder}: something else was trained on so far ({other[0]}); give a new folder")
    return arranged


def _milestones(work: _Work, steps: int) -> tuple[int, ...]:
    """The steps after which the model is kept; all are steps that there are."""
    asked = work.spec.checkpoints
    if asked and asked[-1] > steps:
        raise InputError(f"checkpoints are asked for after step {asked[-1]}, and there are {steps} steps; give fewer")
    return asked


def _keep(work: _Work, folder: Path) -> Callable[[Any, int], None]:
    """What writes the model of a step, on the way."""
    return lambda trained, step: save_step(trained, work.base, work.spec, folder / f"{STEP}{step}")


def _kept(
    work: _Work, folder: Path, step: int, whole: Mapping[str, Any], losses: list[dict[str, int | float]], progress: bool
) -> dict[str, Any]:
    """Makes a model that was kept on the way a tuning of its own, and says what it is."""
    place = folder / f"{STEP}{step}"
    model = load(place, device=work.device)
    said = {"step": step, "folder": place.name, "fingerprint": model.facts.fingerprint}
    accuracy = _accuracy(work, model, progress)
    result = {**whole["result"], "fingerprint": model.facts.fingerprint}
    after = {"accuracy": {**whole["accuracy"], "after": accuracy}} if accuracy else {}
    write_losses(place, [each for each in losses if each["step"] <= step])
    write_tuning(place, {**whole, "result": result, "steps": step, "of_steps": whole["steps"], **after})
    return said | ({"accuracy": accuracy} if accuracy else {})


def _before(work: _Work, progress: bool) -> dict[str, Any]:
    """The accuracy of the base."""
    if not work.asked:
        return {}
    return _accuracy(work, work.hooked(), progress)


def _accuracy(work: _Work, model: Model, progress: bool) -> dict[str, Any]:
    return accuracies(model, work.asked, work.spec, progress=progress) if work.asked else {}
