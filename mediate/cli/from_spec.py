"""Commands whose options are the fields of a specification, made when a command is run or asked for its help."""

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

Command = Callable[..., None]
# What a command gets in place of options: choices by name, as a specification takes them.
Choices = dict[str, Any]


def from_spec(
    fields: Callable[[], Mapping[str, Any]],
    *,
    old: Mapping[str, str] | None = None,
    left_open: Collection[str] = (),
    run_file: str | None = None,
) -> Callable[[Command], Command]:
    """Puts an option for each field of a specification in place of a parameter of a command.

    The command gets them as one dictionary, with values as the specification takes them: a choice of several is a
    tuple, and one that is left open is not in it. It must be registered with `cls=FromSpec`.

    Args:
        fields: By the name of the parameter, a specification's fields (`mediate.choices.fields_of`). Called, so that
            it can import them, only when this very command is run or asked for its help.
        old: Names of options of before, which go on working and are shown nowhere, with the fields of today.
        left_open: Choices whose default is found later, rather than being the field's.
        run_file: The argument in whose place a run file can stand; None of a command that takes none.
    """

    def bare(command: Command) -> Command:
        @wraps(command)
        def unmade() -> None:
            raise AssertionError(f"{command.__name__} is registered without cls=FromSpec")

        def whole() -> Command:
            from mediate.cli.fields import with_options

            return with_options(command, fields(), dict(old or {}), left_open, run_file)

        unmade.__signature__ = inspect.Signature()  # type: ignore[attr-defined]
        unmade.__annotations__ = {}
        unmade.whole = whole  # type: ignore[attr-defined]
        return unmade

    return bare


class FromSpec(TyperCommand):
    """A command of `from_spec`: a list of all commands makes none of their options, and imports no specification."""

    @property
    def params(self) -> list[Any]:
        whole = getattr(self.callback, "whole", None)
        if whole is not None:
            app = typer.Typer(add_completion=False)
            app.command()(whole())
            made = get_command(app)
            self._params, self.callback = made.params, made.callback
        return self._params

    @params.setter
    def params(self, params: list[Any]) -> None:
        self._params = params
