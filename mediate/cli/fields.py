"""Options of a command, made from the fields of a specification: names, defaults, bounds and help are written there."""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from mediate.choices import bounds
from mediate.cli.completion import OF_FIELDS
from mediate.cli.options import unescaped
from mediate.cli.run_files import NONE, from_file, is_typed, kinds_of, placed, tell_overridden
from mediate.errors import InputError
from mediate.journal import note, open_journal
from mediate.version import __version__

_CONTEXT = "command_context"
# The most characters of names that an option shows beside its own.
LONGEST = 60
# Options of one letter.
SHORT = {"limit": ("-n",)}


def with_options(
    command: Callable[..., None],
    fields: Mapping[str, Mapping[str, FieldInfo]],
    old: Mapping[str, str],
    left_open: Collection[str],
    run_file: str | None = None,
) -> Callable[..., None]:
    """A command as typer takes it, with a parameter an option; see `mediate.cli.from_spec`."""
    every = {name: field for choices in fields.values() for name, field in choices.items()}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command, eval_str=True).parameters.items():
        if name in fields:
            parameters += [_parameter(*choice, open_=choice[0] in left_open) for choice in fields[name].items()]
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    if run_file is not None:
        parameters = [_or_run_file(each, parameters, every) if each.name == run_file else each for each in parameters]
    parameters += [_hidden(name, every[new]) for name, new in old.items()]
    if run_file is not None:
        parameters.append(inspect.Parameter(_CONTEXT, inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context))

    def whole(**given: Any) -> None:
        context = given.pop(_CONTEXT, None)
        if given.get("log") is not None:
            open_journal(given["log"], given.get("out"))
            note("start", command=command.__name__, version=__version__, options=_told(given))
        if context is not None and not given.get("quiet"):
            tell_overridden(context)
        _merge(given, old, context)
        chosen = {
            name: {
                each: _value(field, value)
                for each, field in choices.items()
                for value in [given.pop(each)]
                if value not in (None, [])
            }
            for name, choices in fields.items()
        }
        try:
            command(**given, **chosen)
        except InputError as error:
            told = error if context is None else placed(context, error)
            if told is error:
                raise
            raise told from error

    whole.__doc__ = command.__doc__
    whole.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    whole.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": None}
    return whole


def _told(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a call, for its log: those that have a value."""
    return {name: value for name, value in given.items() if value not in (None, []) and value is not False}


def _or_run_file(
    argument: inspect.Parameter, parameters: Sequence[inspect.Parameter], fields: Mapping[str, FieldInfo]
) -> inspect.Parameter:
    """An argument in place of which a run file can stand, which then gives the other options their values."""
    kind, info = get_args(argument.annotation)
    kinds = kinds_of([(each.name, each.annotation) for each in parameters])

    def read(context: Any, given: Any) -> Any:
        return from_file(context, argument.name, given, kinds, fields)

    told = f"{info.help.removesuffix('.')}; or a run file (.yaml, .toml or .json) with the options as keys."
    return argument.replace(annotation=Annotated[kind, typer.Argument(help=told, callback=read, is_eager=True)])


def _merge(given: dict[str, Any], old: Mapping[str, str], context: Any) -> None:
    """Puts what came under a name of before to the name of today: beside its values, or in place of its one."""
    for name, new in old.items():
        value = given.pop(_python(name))
        if isinstance(value, list):
            given[new] = [*(given[new] or () if context is None or is_typed(context, new) else ()), *value] or given[
                new
            ]
        elif value is not None:
            given[new] = value


def _parameter(name: str, field: FieldInfo, *, open_: bool) -> inspect.Parameter:
    kind, default = _asked(name, field)
    several = get_origin(kind) is list
    shown: str | bool = default != "" and not open_
    if several:
        shown = ", ".join(map(str, field.default or ())) or False
    if open_:
        default = None
    option = typer.Option(
        *_named(name, kind),
        help=_help(field, several),
        show_default=shown,
        metavar=_metavar(kind),
        autocompletion=OF_FIELDS.get(name),
    )
    return _keyword(name, Annotated[kind if default is not None else kind | None, option], default)


def _metavar(kind: Any) -> str | None:
    """In place of a list of names that would take a line of its own, that it is one of a few; the sentence has them."""
    if isinstance(kind, type) and issubclass(kind, Enum) and len("|".join(each.value for each in kind)) > LONGEST:
        return f"<{kind.__name__}>"
    return None


def _hidden(name: str, field: FieldInfo) -> inspect.Parameter:
    kind, _ = _asked(name, field)
    return _keyword(_python(name), Annotated[kind | None, typer.Option(f"--{name}", hidden=True)], None)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _python(name: str) -> str:
    """An old option's parameter, whose name is no choice's."""
    return f"old_{name.replace('-', '_')}"


def _named(name: str, kind: Any) -> tuple[str, ...]:
    long = f"--{name.replace('_', '-')}"
    return (f"{long}/--no-{long[2:]}",) if kind is bool else (long, *SHORT.get(name, ()))


def _asked(name: str, field: FieldInfo) -> tuple[Any, Any]:
    """What typer asks for, and the default as it shows it."""
    kind, default = _plain(field.annotation), field.default
    if get_origin(kind) is tuple:
        return list[str], None
    if get_origin(kind) is Literal:
        choice = Enum(name, {str(value): str(value) for value in get_args(kind)})  # type: ignore[misc]
        return choice, None if default is None else choice(default)
    if kind is str:
        return kind, default and default.replace("\n", "\\n").replace("\t", "\\t")
    if kind in (bool, int, float, Path) or (isinstance(kind, type) and issubclass(kind, Enum)):
        return kind, default
    return str, getattr(default, "name", default)


def _plain(annotation: Any) -> Any:
    """A type without None beside it; a path, of which the text would do, is a path."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    kept = [each for each in get_args(annotation) if each is not NoneType]
    return Path if Path in kept else kept[0]


def _help(field: FieldInfo, several: bool) -> str:
    said, limits = (field.description or "").replace("`", ""), bounds(field)
    if limits:
        said = f"{said.removesuffix('.')} ({limits})."
    if several:
        said += f" Repeatable{f'; {NONE} for none' if _may_be_none(field) else ''}."
    if isinstance(field.default, str) and "\n" in field.default:
        said += r" \n is a line break."
    return said


def _may_be_none(field: FieldInfo) -> bool:
    """Whether a choice of several may be of none, while its default is of some."""
    needed = any(getattr(each, "min_length", None) for each in field.metadata)
    return not needed and field.default != ()


def _value(field: FieldInfo, value: Any) -> Any:
    """What was given, as the specification takes it."""
    if isinstance(value, list):
        return () if value == [NONE] and _may_be_none(field) else tuple(map(unescaped, value))
    if isinstance(value, Enum):
        return value.value
    return unescaped(value) if isinstance(value, str) and _plain(field.annotation) is str else value
