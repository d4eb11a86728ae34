"""Rows of an Inspect log in its own format: a zip archive with a file of JSON a sample.

The members are those that inspect_ai (UK AI Security Institute) writes, of which `samples/ID_epoch_N.json` are read. Of
late it packs them with Zstandard, which the standard library unpacks from Python 3.14 on, and pyarrow everywhere.
"""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from mediate.errors import InputError, ItemError
from mediate.pairs.format import Row
from mediate.pairs.lines import parsed

# Bytes of the largest sample: an archive may say of a few bytes that they are terabytes.
MOST = 2**30
ZSTANDARD = 93
_LOCAL_HEADER = 30  # bytes before the name and the extra field of a member


def read_archive(path: str | Path) -> Iterator[Row]:
    """The samples of an archive in its order, each with its member's name as its place.

    Raises:
        InputError: No zip archive, a cut one, or one without samples.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if _is_sample(each.filename)]
            if not members:
                raise InputError(f"{path}: an archive without samples; write the log with its samples (log_samples)")
            for member in members:
                place = f"{path}:{member.filename}"
                try:
                    yield place, parsed(_content(archive, member, place), place, constants=True)
                except ItemError as error:
                    yield place, error
    except (zipfile.BadZipFile, OSError) as error:
        reason = "not readable as a zip archive, which an .eval log is"
        raise InputError(f"{path}: {reason} ({error}); write or copy the log again") from error


def _is_sample(name: str) -> bool:
    return name.startswith("samples/") and name.endswith(".json")


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: str) -> bytes:
    if member.file_size > MOST:
        reason = f"{member.file_size} bytes, and at most {MOST} are read; leave the sample out"
        raise ItemError("", reason, place=place, code="too_large")
    try:
        return _unpacked(archive, member) if member.compress_type == ZSTANDARD else archive.read(member)
    except NotImplementedError as error:
        reason = f"cannot be unpacked here ({error}); convert the log: inspect log convert --to json"
        raise ItemError("", reason, place=place, code="malformed_archive") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        reason = f"damaged in the archive ({str(error).partition(chr(10))[0]}); write or copy the log again"
        raise ItemError("", reason, place=place, code="malformed_archive") from error


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member that is packed with Zstandard."""
    import pyarrow as pa

    assert archive.fp is not None
    archive.fp.seek(member.header_offset)
    header = archive.fp.read(_LOCAL_HEADER)
    archive.fp.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    packed = pa.BufferReader(archive.fp.read(member.compress_size))
    with pa.CompressedInputStream(packed, "zstd") as stream:
        content = bytes(stream.read(member.file_size + 1))
    if zlib.crc32(content) != member.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {member.filename!r}")
    return content
