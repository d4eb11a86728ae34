"""Rows of a data set that Hugging Face's `datasets` saved as a folder (`save_to_disk`); read without that package.

The folder holds `state.json`, which lists its Arrow files in order, or, of several splits, `dataset_dict.json`, which
lists the folders beside it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediate.errors import InputError, ItemError
from mediate.pairs.documents import object_of
from mediate.pairs.format import Row
from mediate.pairs.lines import bytes_of, parsed
from mediate.pairs.parquet import table_rows

if TYPE_CHECKING:
    import pyarrow as pa

STATE, SPLITS = "state.json", "dataset_dict.json"


def read_folder(path: str | Path) -> Iterator[Row]:
    """The rows of a saved data set, those of all its files, or of its only split.

    Raises:
        InputError: A folder that holds something else, or several splits, or files that cannot be read.
    """
    import pyarrow as pa

    folder = Path(path)
    if (folder / SPLITS).is_file():
        splits = _listed(folder / SPLITS, "splits")
        if len(splits) != 1:
            named = ", ".join(str(folder / str(each)) for each in splits)
            raise InputError(f"{path}: a data set of {len(splits)} splits; name one of them: {named}")
        folder /= Path(str(splits[0])).name
    if not (folder / STATE).is_file():
        raise InputError(f"{path}: a directory, and no data set that was saved ({STATE}); name a file")
    names = [
        each.get("filename") if isinstance(each, dict) else None for each in _listed(folder / STATE, "_data_files")
    ]
    tables = [_table(folder / Path(str(name)).name) for name in names]
    if not tables:
        return iter(())
    try:
        return table_rows(pa.concat_tables(tables), path)
    except pa.ArrowException as error:
        raise InputError(f"{path}: its files do not fit together ({_line(error)}); save the data set again") from error


def _listed(file: Path, key: str) -> list[Any]:
    """A list in one of the folder's descriptions."""
    try:
        value = object_of(parsed(bytes_of(file), str(file)), str(file)).get(key)
    except ItemError as error:
        raise InputError(f"{error.place}: {error.reason.partition(';')[0]}; save the data set again") from error
    if not isinstance(value, list):
        raise InputError(f"{file}: has no list {key!r}; save the data set again")
    return value


def _table(file: Path) -> "pa.Table":
    """An Arrow file, which is a stream; those that were written by other means may be a file with a directory."""
    import pyarrow as pa

    try:
        with pa.OSFile(str(file)) as source:
            streamed = source.read(6) != b"ARROW1"
            source.seek(0)
            reader = pa.ipc.open_stream(source) if streamed else pa.ipc.open_file(source)
            return reader.read_all()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{file}: not readable as Arrow ({_line(error)}); save the data set again") from error


def _line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
