"""Figures that a user asks for by name, each with the table that it is drawn from."""

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec

import pandas as pd
from matplotlib.axes import Axes

P = ParamSpec("P")
Table = Callable[..., pd.DataFrame]


class Drawing(Generic[P]):
    """A figure asked for by name: called it draws, and `data`, with the same arguments but `ax`, is its table."""

    def __init__(self, draw: Callable[P, Axes], table: Table) -> None:
        self._draw, self.data = draw, table
        update_wrapper(self, draw, updated=())

    def __call__(self, *args: P.args, **options: P.kwargs) -> Axes:
        """Draws, and returns the axes."""
        return self._draw(*args, **options)


class drawing(Generic[P]):  # noqa: N801  # as `property` is: it makes a method what it is
    """A method that draws; of a method `steps`, the method `_steps_data` gives the figure's data."""

    def __init__(self, draw: Callable[Concatenate[Any, P], Axes]) -> None:
        self._draw, self._table = draw, draw.__name__
        self.__doc__ = draw.__doc__

    def __get__(self, plots: Any, owner: type) -> Drawing[P]:
        """The figure of what is held."""
        if plots is None:
            return self  # type: ignore[return-value]  # of the class itself, for its documentation
        drawn = partial(self._draw, plots)
        drawn.__doc__, drawn.__name__ = self.__doc__, self._table  # type: ignore[attr-defined]
        return Drawing(drawn, getattr(plots, f"_{self._table}_data"))
