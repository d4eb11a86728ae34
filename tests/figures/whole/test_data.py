"""Every figure has the table that it is drawn from, whoever asks for it."""

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

import mediate.figures
import mediate.report
from mediate.report.drawing import drawing


def modules(package: ModuleType) -> Iterator[ModuleType]:
    folder = Path(package.__path__[0])
    for path in sorted(folder.rglob("*.py")):
        yield importlib.import_module(".".join([package.__name__, *path.relative_to(folder).with_suffix("").parts]))


def accessors() -> dict[str, type]:
    """Every class of the reports whose instances are held as `plot`, and `Attributed`, whose `plot` is one figure."""
    found = {}
    for module in modules(mediate.report):
        for name, each in vars(module).items():
            if inspect.isclass(each) and each.__module__ == module.__name__:
                plot = inspect.getattr_static(each, "plot", None)
                if isinstance(plot, property):
                    kind = plot.fget.__annotations__["return"]
                    found[str(kind if isinstance(kind, str) else kind.__name__)] = kind
                elif plot is not None:
                    found[name] = each
    return found


def test_every_class_of_figures_is_looked_at() -> None:
    assert set(accessors()) >= {
        "Plots", "ComparisonPlots", "StoredFigures", "CrossPlots", "TracePlots", "TokenPlots", "BehaviourPlots",
        "TuningPlots", "Attributed",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(accessors()))
def test_every_figure_that_is_asked_for_by_name_has_its_table(name: str) -> None:
    kind = accessors()[name]
    drawn = {
        each: method
        for each, method in vars(kind).items()
        if not each.startswith("_") and (isinstance(method, drawing) or _takes_axes(method))
    }
    assert drawn
    for each, method in drawn.items():
        assert isinstance(method, drawing), f"{name}.{each} draws, and has no data()"
        table = getattr(kind, f"_{each}_data")
        assert inspect.signature(table, eval_str=True).return_annotation is pd.DataFrame
        # The same arguments but where to draw, and what changes a drawing alone.
        asked = set(inspect.signature(method._draw).parameters) - {"ax", "figure", "layer", "down"}
        assert set(inspect.signature(table).parameters) == asked, f"{name}.{each}"


def _takes_axes(method: object) -> bool:
    return inspect.isfunction(method) and bool({"ax", "figure"} & set(inspect.signature(method).parameters))


def plots() -> list[tuple[ModuleType, str]]:
    return [
        (module, name)
        for module in modules(mediate.figures)
        for name, each in vars(module).items()
        if name.startswith("plot_") and inspect.isfunction(each) and each.__module__ == module.__name__
    ]


@pytest.mark.parametrize(("module", "name"), plots(), ids=lambda each: each if isinstance(each, str) else "")
def test_every_function_that_draws_has_its_table_beside_it(module: ModuleType, name: str) -> None:
    tables = [
        each
        for made, each in vars(module).items()
        if made.endswith("_data") and inspect.isfunction(each) and each.__module__ == module.__name__
    ]
    of_it = [each for each in tables if f"`{name}`" in (each.__doc__ or "")]
    assert of_it, f"{module.__name__} has no function ..._data that says that it is what `{name}` draws"
    for each in of_it:
        assert inspect.signature(each, eval_str=True).return_annotation is pd.DataFrame
