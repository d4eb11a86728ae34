"""What a user holds after tuning: the folder of the model, its loss and its accuracy, and a notebook view."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.loss import loss_data, plot_loss
from mediate.files import LOCK, check_place, is_vacant
from mediate.report.cell import cell
from mediate.report.drawing import drawing
from mediate.results.tuned import Tuned


@dataclass(frozen=True, slots=True)
class TuningPlots:
    """The figures of a tuning; each takes `ax` and returns the axes, and its `data()` is what it draws as a table."""

    tuning: "Tuning"

    @drawing
    def loss(self, *, ax: Axes | None = None) -> Axes:
        """The training loss, step by step; see `mediate.figures.loss.plot_loss`."""
        spec = self.tuning.manifest["spec"]
        return plot_loss(self.tuning.losses, title=f"{spec['arm']}, seed {spec['seed']}", ax=ax)

    def _loss_data(self) -> pd.DataFrame:
        return loss_data(self.tuning.losses)


@dataclass(frozen=True, slots=True, repr=False)
class Tuning:
    """A tuned model with the views that a user asks for.

    Args:
        tuned: The model as it lies in its folder.

    Example:
        >>> found = md.tune("reference-0.1m", pairs, out="runs/sft", arm="sft", steps=2)  # doctest: +SKIP
        >>> md.load(found.folder)  # doctest: +SKIP
    """

    tuned: Tuned

    @property
    def folder(self) -> Path:
        """What `mediate.load` takes."""
        return self.tuned.folder

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The content of `tuning.json`."""
        return self.tuned.manifest

    @property
    def losses(self) -> tuple[Mapping[str, int | float], ...]:
        """A record a step: `step`, `loss`, `learning_rate`, `grad_norm` and what else the trainer measures."""
        return self.tuned.losses

    @property
    def checkpoints(self) -> dict[int, Path]:
        """The folders of the models that were kept on the way, by their step; each is what `mediate.load` takes."""
        return self.tuned.checkpoints

    def table(self) -> pd.DataFrame:
        """A row a step of the training."""
        return pd.DataFrame([dict(each) for each in self.losses])

    def accuracy(self) -> pd.DataFrame:
        """A row a way of asking, before and after: how many of the held-out examples were answered rightly."""
        rows = [
            {"when": when, "asked": name, **marks}
            for when, found in self.manifest.get("accuracy", {}).items()
            for name, marks in found.items()
        ]
        return pd.DataFrame(rows)

    @property
    def plot(self) -> TuningPlots:
        """The figures."""
        return TuningPlots(self)

    def save(self, folder: str | Path) -> "Tuning":
        """Copies the folder, weights and all, and returns the tuning that belongs to the copy.

        Raises:
            InputError: The other folder holds something already.
        """
        folder = Path(folder)
        check_place(folder)
        if folder.exists() and not is_vacant(folder):
            raise InputError(f"{folder}: is not empty; choose another folder")
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns(LOCK), dirs_exist_ok=True)
        return Tuning(replace(self.tuned, folder=folder))

    def __repr__(self) -> str:
        return str(self.tuned)

    def _repr_html_(self) -> str:
        headline, *notes = repr(self).splitlines()
        return cell(headline, notes, self.accuracy())
