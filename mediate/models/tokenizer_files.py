"""A tokenizer's own files, looked at before they are read: settings, sizes, and whether patterns end."""

import json
import re
from pathlib import Path

from mediate.errors import InputError, short
from mediate.files import regular
from mediate.models.origin import Origin, OriginKind
from mediate.models.rendering import endless
from mediate.models.repository import check_settings, file_of, settings

# Bytes; the largest published one has 33 MB.
MOST_VOCABULARY = 2**26
_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "processor_config.json")
_VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "merges.txt", "spiece.model")
_PATTERN = re.compile(r'"Regex"\s*:\s*("(?:[^"\\\n]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")')
# Of GPT-2, Llama 3 and Qwen 2, which most tokenizers have, and of the reference reasoners.
_KNOWN = {
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r" ?[A-Za-z]+| ?[0-9]| ?[^\sA-Za-z0-9]|\s",
}


def check_tokenizer_files(location: str | Path) -> None:
    """The same of a tokenizer, whose files must also be of a size that can be read, and its patterns end.

    Args:
        location: A folder; of the hub's, those files are looked at that decide.

    Raises:
        InputError: As said.
    """
    called = f"tokenizer {str(location)!r}"
    origin = Origin(OriginKind.FOLDER if Path(location).exists() else OriginKind.HUB, str(location), "")
    few = origin.kind is OriginKind.HUB
    for name in _SETTINGS[: 1 if few else None]:
        check_settings(settings(file_of(origin, str(location), name), called), called)
    for name in _VOCABULARIES[: 1 if few else None]:
        file = file_of(origin, str(location), name)
        if file is not None:
            regular(file, MOST_VOCABULARY)
            if name == "tokenizer.json":
                _check_patterns(file, called)


def _check_patterns(file: Path, called: str) -> None:
    """Refuses a tokenizer that splits text by a pattern which tries without end."""
    found = {json.loads(each) for each in _PATTERN.findall(file.read_text(encoding="utf-8", errors="replace"))}
    unknown = sorted(found - _KNOWN)
    if unknown and endless(unknown):
        raise InputError(
            f"{called}: a pattern of its tokenizer.json takes seconds on a short text "
            f"(one of {short(unknown[0], 60)}); "
            "give another tokenizer"
        )
