"""Options of a command out of a run file, and back into one: what the command line says besides wins, and is told."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

from mediate.errors import InputError, short
from mediate.watch import tell

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from mediate.scoring.run_file import RunFile

# A command's own; what typer hands over under the name of its `Context` is none of that class.
Context = Any
# In place of the items of a choice that may have none.
NONE = "none"
# Options that are of one call, and of no run.
ONLY_TYPED = ("plan", "dry_run", "write_run", "profile", "takeover", "verbose", "json")
# Texts that are a path where there is one, from the file's folder on, and else a name.
_NAME_OR_PATH = ("model", "tuned", "tokenizer", "template")
# Texts that are always a path.
_PATHS = ("chains",)


def from_file(
    context: Context, argument: str, given: Any, kinds: Mapping[str, Any], fields: "Mapping[str, FieldInfo]"
) -> Any:
    """What an argument stands for: where it is a run file, what that says of it; its other keys become defaults.

    Args:
        context: Of the command; its defaults are set.
        argument: The name of the argument.
        given: Its value, a path or several.
        kinds: What each option takes, by its name; the argument's among them.
        fields: The choices of specifications among them, whose bounds hold here, too.

    Raises:
        InputError: The file cannot be read, or a key or a value is none that the command has.
    """
    from mediate.scoring.run_file import is_run_file, read_run_file

    path = given[0] if isinstance(given, list) and len(given) == 1 else given
    if not isinstance(path, Path) or not is_run_file(path, argument):
        return given
    file = read_run_file(path)
    known = [name for name in kinds if name not in ONLY_TYPED]
    values = {}
    for key, value in file.values.items():
        if key not in known:
            near = get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=0.6)
            meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            why = "is of the command line alone" if key in ONLY_TYPED else f"is no key; {meant}"
            raise InputError(f"{file.place(key)} {why}")
        values[key] = _checked(file, key, kinds[key], value)
        if values[key] == [] and key in fields and fields[key].default != ():
            values[key] = [NONE]
        if key in fields and isinstance(values[key], int | float):
            _check_bounds(file, key, fields[key], values[key])
    if values.get(argument) is None:
        raise InputError(f"{path}: lacks the key {argument!r}, what is to be measured; add it")
    found = {key: _placed(file.path, key, kinds[key], value) for key, value in values.items() if value is not None}
    context.default_map = {key: value for key, value in found.items() if key != argument}
    context.obj = file
    kind = found[argument]
    return [Path(each) for each in kind] if isinstance(kind, list) else Path(kind)


def tell_overridden(context: Context) -> None:
    """A line on the options that stand in the run file and on the command line, which wins."""
    file: RunFile | None = context.obj
    over = [key for key in file.values if is_typed(context, key)] if file is not None else []
    if file is not None and over:
        tell(f"{file.path}: {', '.join(over)} taken from the command line instead")


def is_typed(context: Context, name: str) -> bool:
    """Whether an option stands on the command line."""
    source = context.get_parameter_source(name)
    # A run file is itself what stands there for the argument.
    return source is not None and source.name == "COMMANDLINE" and not _is_argument(context, name)


def _is_argument(context: Context, name: str) -> bool:
    return any(each.name == name and each.param_type_name == "argument" for each in context.command.params)


def placed(context: Context, error: InputError) -> InputError:
    """An error on a choice that a run file makes, with its place in the file; any other as it is."""
    file: RunFile | None = context.obj
    said = str(error)
    if file is not None and said.startswith("option '"):
        key = said.split("'")[1].partition(".")[0]
        if key in file.values and not is_typed(context, key):
            return InputError(f"{file.place(key)} {said.partition(': ')[2] or said}")
    return error


def write_run(path: Path, values: Mapping[str, Any], fields: "Mapping[str, FieldInfo] | None" = None) -> None:
    """Writes a call down as a run file and says so; paths are relative to it where they are below its folder.

    Args:
        path: The file.
        values: By option, as Python has them; None is left out.
        fields: Choices whose default is written where nothing was given, so that it holds for later versions, too.
    """
    from mediate.scoring.run_file import relative_to, write_run_file

    found: dict[str, Any] = {}
    for key, value in ({name: _usual(each) for name, each in (fields or {}).items()} | dict(values)).items():
        plain = _plain(value)
        paths = [each for each in (value if isinstance(value, list | tuple) else [value]) if isinstance(each, Path)]
        named = isinstance(plain, str) and (key in _PATHS or (key in _NAME_OR_PATH and _is_there(plain)))
        if paths or named:
            plain = relative_to(path, plain)
        found[key] = plain
    write_run_file(path, found)
    tell(f"run file: {path}")


def _usual(field: "FieldInfo") -> Any:
    """The default of a choice as an option takes it; None where it is open, or where none is usual."""
    value = getattr(field.default, "name", field.default)
    return None if value in ((), "") else value


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _is_there(text: str) -> bool:
    try:
        return Path(text).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def _checked(file: "RunFile", key: str, kind: Any, value: Any) -> Any:
    """A value of a key, if it is of the kind that the option takes; null stands for what is not given."""
    if value is None:
        return None
    if get_origin(kind) is list:
        rows = value if isinstance(value, list) else [value]
        return [_checked(file, key, get_args(kind)[0], each) for each in rows]
    if isinstance(kind, type) and issubclass(kind, Enum):
        names = [str(each.value) for each in kind]
        if value not in names:
            near = get_close_matches(str(value), names, n=1)
            meant = f"did you mean {near[0]!r}?" if near else f"give one of {', '.join(names)}"
            raise InputError(f"{file.place(key)} is {short(value)}; {meant}")
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return value
    fits = str if kind in (str, Path) else kind
    if type(value) is not fits:
        raise InputError(f"{file.place(key)} is {short(value)}; give {_WANTED.get(fits, 'another value')}")
    if fits is str and any(ord(each) < 32 and each not in "\n\t" for each in value):
        raise InputError(f"{file.place(key)} holds control characters; write it without")
    return value


_WANTED: Mapping[Any, str] = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def _check_bounds(file: "RunFile", key: str, field: "FieldInfo", value: int | float) -> None:
    from mediate.choices import checked_choices

    try:
        checked_choices({key: field}, {key: value})
    except InputError as error:
        raise InputError(f"{file.place(key)} {str(error).removeprefix(key).strip()}") from error


def _placed(file: Path, key: str, kind: Any, value: Any) -> Any:
    """A value with the paths in it as they are from where the process is."""
    from mediate.scoring.run_file import beside

    if isinstance(value, list):
        return [_placed(file, key, get_args(kind)[0], each) for each in value]
    if kind is Path or key in _PATHS:
        return beside(file, value)
    if key in _NAME_OR_PATH:
        parts = [value] if _is_there(beside(file, value)) else value.split("+", 1)
        return "+".join(beside(file, each) if each and _is_there(beside(file, each)) else each for each in parts)
    return value


def kinds_of(options: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """What each option takes, of its annotation as typer has it: without None beside it."""
    from types import NoneType, UnionType
    from typing import Union

    found = {}
    for name, annotation in options:
        kind = get_args(annotation)[0] if get_origin(annotation) not in (None, list, Union, UnionType) else annotation
        if get_origin(kind) in (Union, UnionType):
            kind = next(each for each in get_args(kind) if each is not NoneType)
        found[name] = kind
    return found
