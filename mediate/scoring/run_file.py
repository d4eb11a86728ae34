"""A run written down as a file: the options of a command as keys, in YAML, TOML or JSON. Imports no torch.

Nothing in such a file is executed or expanded: values are texts, numbers, true, false, null and lists of these;
anchors, aliases and tags of YAML are refused, as are keys that occur twice.
"""

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mediate.errors import InputError, ItemError, one_line, short
from mediate.files import regular, write_text
from mediate.pairs.lines import bytes_of, parsed

# The most bytes of a run file, and how deep what stands in it may be nested.
MOST, DEPTH = 2**20, 8
_INTEGER = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_OPENING = (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken, yaml.FlowMappingStartToken,
            yaml.FlowSequenceStartToken)  # fmt: skip
_CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
_EXPANDED = {yaml.AnchorToken: "an anchor (&)", yaml.AliasToken: "an alias (*)", yaml.TagToken: "a tag (!)"}


@dataclass(frozen=True, slots=True)
class RunFile:
    """What a run file says.

    Args:
        path: The file.
        values: By key, as it stands there.
        lines: By key, its line, as far as that is known.
    """

    path: Path
    values: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)

    def place(self, key: str) -> str:
        """Where a key stands, for a message."""
        line = f":{self.lines[key]}" if key in self.lines else ""
        return f"{self.path}{line}: {short(key, 80)}"


def is_run_file(path: Path, argument: str) -> bool:
    """Whether a path is that of a run file: by its suffix and, of JSON, which data may be too, by its keys.

    Args:
        path: The path.
        argument: The key of what a command takes without the name of an option, such as `pairs`.
    """
    suffix = path.suffix.lower()
    if suffix != ".json":
        return suffix in _READERS
    try:
        found = json.loads(regular(path, MOST).read_bytes())
    except (OSError, ValueError, RecursionError):  # what it is then is told by whoever reads data
        return False
    said = isinstance(found, dict) and found.get(argument)
    texts = said if isinstance(said, list) and said else [said]
    return all(isinstance(each, str) and each for each in texts)


def read_run_file(path: Path) -> RunFile:
    """What a run file says; which keys there can be, and what they can be, is for the caller to check.

    Raises:
        InputError: It cannot be read, is too large, is not of its format, or holds anything but a mapping of keys to
            plain values.
    """
    try:
        regular(path, MOST)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    try:
        text = bytes_of(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start + 1}); save the file as UTF-8") from error
    try:
        return _READERS[path.suffix.lower()](path, text)
    except RecursionError as error:
        raise InputError(f"{path}: nested too deeply; a run file has a key a line") from error


def write_run_file(path: Path, values: Mapping[str, Any]) -> None:
    """Writes values as a run file, in the format of its suffix; what is None is left out.

    Raises:
        InputError: A suffix of no run file.
        OSError: The system refuses.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise InputError(f"{path}: a run file ends in {', '.join(_WRITERS)}; name it so")
    write_text(path, write({key: value for key, value in values.items() if value is not None}))


def _read_yaml(path: Path, text: str) -> RunFile:
    try:
        _check_tokens(path, text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(f"{path}{line}: not YAML ({error.problem or one_line(error)}); mend it") from error
    except yaml.YAMLError as error:  # a character that YAML does not have
        raise InputError(f"{path}: not YAML ({one_line(error)}); mend it") from error
    if node is None or not isinstance(node, yaml.MappingNode):
        raise _no_mapping(path)
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise InputError(f"{path}:{line}: a key that is no text; write key: value")
        if key.value in lines:
            raise _twice(f"{path}:{line}", key.value, lines[key.value])
        lines[key.value] = line
        values[key.value] = _plain(path, value)
    return RunFile(path, values, lines)


def _check_tokens(path: Path, text: str) -> None:
    """Refuses what could expand or nest without end, before anything is made of it."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        line = token.start_mark.line + 1
        if type(token) in _EXPANDED:
            raise InputError(f"{path}:{line}: {_EXPANDED[type(token)]} of YAML is not read; write the value out")
        depth += isinstance(token, _OPENING)
        depth -= isinstance(token, _CLOSING)
        if depth > DEPTH:
            raise InputError(f"{path}:{line}: nested too deeply; a run file has a key a line")


def _plain(path: Path, node: yaml.Node) -> Any:
    """The value of a node. Bare words are those of YAML 1.2, so that `no` and `on` are texts and 1e-3 is a number."""
    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_plain(path, each) for each in node.value]
    if not isinstance(node, yaml.ScalarNode):
        return {}
    if node.style is not None:
        return node.value
    word = node.value
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    try:
        if _INTEGER.fullmatch(word):
            return int(word)
        return float(word) if _NUMBER.fullmatch(word) else word
    except ValueError as error:  # more digits than Python converts
        raise InputError(f"{path}:{line}: a number of {len(word)} digits; shorten it") from error


def _read_toml(path: Path, text: str) -> RunFile:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML ({one_line(error)}); mend it") from error
    except ValueError as error:  # more digits than Python converts
        raise InputError(f"{path}: a number cannot be read ({one_line(error)}); shorten it") from error
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        name = line.partition("=")[0].strip().strip("\"'[]")
        if name in values:
            lines.setdefault(name, number)
    return RunFile(path, values, lines)


def _read_json(path: Path, text: str) -> RunFile:
    try:
        values = parsed(text.encode("utf-8", "surrogatepass"), str(path))
    except ItemError as error:
        raise InputError(f"{path}: {error.reason}") from error
    if not isinstance(values, dict):
        raise _no_mapping(path)
    return RunFile(path, values)


def _no_mapping(path: Path) -> InputError:
    return InputError(f"{path}: is no mapping; write a key a line, such as 'model: NAME'")


def _twice(place: str, key: str, before: int) -> InputError:
    return InputError(f"{place}: {short(key, 80)} occurs twice, first on line {before}; keep one")


def _as_yaml(values: Mapping[str, Any]) -> str:
    # A scalar as JSON is one in YAML, and means the same in every version of it.
    return "".join(f"{key}: {_as_json(value)}\n" for key, value in values.items())


def _as_toml(values: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_as_json(value)}\n" for key, value in values.items())


def _as_json(value: Any) -> str:
    # DEL and all that ends a line for some reader are escaped; the rest of Unicode stays readable.
    escaped = {ord(each): f"\\u{ord(each):04x}" for each in "\x7f\x85\u2028\u2029"}
    return json.dumps(value, ensure_ascii=False, allow_nan=False).translate(escaped)


def _as_document(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


_READERS: Mapping[str, Callable[[Path, str], RunFile]] = {
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".toml": _read_toml,
    ".json": _read_json,
}
_WRITERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    ".yaml": _as_yaml,
    ".yml": _as_yaml,
    ".toml": _as_toml,
    ".json": _as_document,
}


def beside(file: Path, path: str) -> str:
    """A path that stands in a file, as one from where the process is: it was relative to the file's folder."""
    given = Path(path).expanduser()
    return str(given if given.is_absolute() else file.parent / given)


def relative_to(file: Path, paths: str | Sequence[str]) -> Any:
    """The reverse, of one path or several: relative where that stays below the file's folder, and else absolute."""
    if not isinstance(paths, str):
        return [relative_to(file, each) for each in paths]
    folder, whole = file.resolve().parent, Path(paths).expanduser().resolve()
    return os.path.relpath(whole, folder) if whole.is_relative_to(folder) else str(whole)
