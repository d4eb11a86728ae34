"""A model's own files, looked at before transformers, tokenizers and peft read them.

They may come from anybody. None may bring code, name files elsewhere or other files than those looked at here, or ask
for more memory than their weights are worth. Only safetensors are read, and GGUF.
"""

import copy
import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mediate.errors import InputError, one_line, short
from mediate.files import regular
from mediate.models.hub import attempted
from mediate.models.origin import Origin, OriginKind
from mediate.models.shards import INDEX
from mediate.models.silence import quiet_bars

SINGLE = "model.safetensors"
# Bytes, of settings and of the header of weights: published ones have some 100 kB and 1 MB.
MOST_SETTINGS, MOST_HEADER = 2**22, 2**24
DEEPEST = 32
# More of these than any model has, by what a key ends in; a configuration is built before its weights are looked at.
_MOST = {
    "layers": 2**11, "n_layer": 2**11, "experts": 2**13, "heads": 2**13, "n_head": 2**13, "vocab_size": 2**24,
    "positions": 2**26, "position_embeddings": 2**26, "_size": 2**20, "_dim": 2**20, "_rank": 2**20, "n_embd": 2**20,
    "d_model": 2**20, "d_ff": 2**20, "n_inner": 2**20,
}  # fmt: skip
# What would have other files read, or code fetched; transformers takes some of them and has ignored some since.
_REFUSED = {
    "_attn_implementation_internal", "_experts_implementation_internal", "configuration_files", "custom_generate",
    "kernel_config", "trust_remote_code", "transformers_weights", "use_kernels",
}  # fmt: skip
# Of an adapter: a module that peft imports by its name, and files that it reads with torch.load.
_REFUSED_OF_ADAPTERS = {
    "cache_file", "covariance_file", "megatron_config", "prompt_tuning_init_state_dict_path",
}  # fmt: skip
NO_CODE = "code of a model's own is never run; give a model that transformers has a class for"
# A model may have more numbers than are stored, where weights are tied or packed, or tables are made.
_TIMES, _BESIDE = 16, 2**24


def check_repository(origin: Origin, location: str) -> None:
    """Refuses a model whose settings bring code, name other files or are out of all bounds, or that is pickled.

    Args:
        origin: Of the model, for messages.
        location: A folder, or the hub's name, whose files are then brought here.

    Raises:
        InputError: As said.
    """
    called = f"model {origin.location!r}"
    config = settings(file_of(origin, location, "config.json"), called)
    check_settings(config, called)
    check_settings(settings(file_of(origin, location, "generation_config.json"), called), called)
    if isinstance(config, Mapping):
        _check_type(config, called)
    if origin.kind is OriginKind.HUB and file_of(origin, location, "adapter_config.json") is not None:
        raise InputError(f"{called}: is an adapter; give it as BASE+FOLDER, with the folder of the adapter")


def check_settings(found: Any, called: str, refused: set[str] = _REFUSED) -> None:
    """Refuses settings that bring code, name other files, or have sizes that no model has.

    Raises:
        InputError: As said.
    """
    for key, value, depth in _entries(found):
        if depth > DEEPEST:
            raise InputError(f"{called}: its settings are nested more than {DEEPEST} deep; save it again")
        if key in refused and value not in (None, False):
            raise InputError(
                f"{called}: its settings have {key!r}, which would have code or other files read; remove it"
            )
        if key == "auto_map" and depth > 1:
            raise InputError(f"{called}: a part of its settings brings code (auto_map); {NO_CODE}")
        if key.endswith("_implementation") and isinstance(value, str) and re.search(r"[/:@]", value):
            raise InputError(f"{called}: {key} is {short(value)}, which would be fetched as code; remove it")
        if isinstance(value, float) and math.isnan(value):
            raise InputError(f"{called}: {key} is NaN; mend its settings")
        most = next((limit for end, limit in _MOST.items() if key.endswith(end)), None)
        if most is not None and isinstance(value, int | float) and value > most:
            raise InputError(f"{called}: {key} is {value:.6g}, and at most {most} is taken; mend its settings")


def check_adapter_settings(folder: Path) -> None:
    """The same of an adapter's own.

    Raises:
        InputError: As said.
    """
    called = f"adapter {str(folder)!r}"
    check_settings(settings(folder / "adapter_config.json", called), called, _REFUSED | _REFUSED_OF_ADAPTERS)
    _header(folder / "adapter_model.safetensors", called)


def check_weights_fit(origin: Origin, location: str, config: Any) -> None:
    """Refuses weights that are pickled, and a configuration of many times more numbers than its weights hold.

    What the weights lack would be made at random before it is missed, in memory that there may not be.

    Raises:
        InputError: As said.
    """
    import torch
    from transformers import AutoModelForCausalLM

    called = f"model {origin.location!r}"
    stored = sum(_header(file, called) for file in _weights(origin, location, called))
    try:
        with torch.device("meta"), torch.random.fork_rng(devices=[]):
            shape = AutoModelForCausalLM.from_config(copy.deepcopy(config), attn_implementation="eager")
        wanted = sum(each.numel() for each in (*shape.parameters(), *shape.buffers()))
    except Exception:  # what cannot be built is told when it is loaded
        return
    if wanted > _TIMES * stored + _BESIDE:
        raise InputError(
            f"{called}: its configuration makes {wanted:,} numbers, and its weights hold {stored:,}; mend its "
            "config.json, or save it again"
        )


def settings(file: Path | None, called: str) -> Any:
    """What a JSON file holds; None where there is none, or no JSON, which whoever reads it next says.

    Raises:
        InputError: It is too large, or nested too deeply to be read.
    """
    if file is None or not file.is_file():
        return None
    content = regular(file, MOST_SETTINGS).read_bytes()
    try:
        return json.loads(content)
    except RecursionError as error:
        raise InputError(f"{called}: {file.name} is nested too deeply to be read; save it again") from error
    except ValueError:
        return None


def _entries(found: Any, depth: int = 1) -> Iterator[tuple[str, Any, int]]:
    """Every key with its value, and how deep it stands."""
    if depth > DEEPEST + 1:
        return
    if isinstance(found, Mapping):
        for key, value in found.items():
            yield str(key), value, depth
            yield from _entries(value, depth + 1)
    elif isinstance(found, list):
        for value in found:
            if isinstance(value, Mapping | list):
                yield "", None, depth
                yield from _entries(value, depth + 1)


def _check_type(config: Mapping[str, Any], called: str) -> None:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    kind = config.get("model_type")
    if "auto_map" not in config:
        return
    if kind not in CONFIG_MAPPING_NAMES:
        raise InputError(f"{called}: of type {short(kind)}, which its own code would read (auto_map); {NO_CODE}")
    warnings.warn(f"{called}: brings code of its own, which is not run; transformers' own is used", stacklevel=2)


def file_of(origin: Origin, location: str, name: str) -> Path | None:
    """A file of a model, brought here where it is the hub's; None where there is none."""
    if origin.kind is not OriginKind.HUB:
        file = Path(location) / name
        return file if file.is_file() else None
    from transformers.utils import cached_file

    quietly = {f"_raise_exceptions_for_{what}": False for what in ("missing_entries", "connection_errors")}
    try:
        with quiet_bars(), attempted(location):
            found = cached_file(location, name, **quietly)
    except OSError:  # no such name, of which transformers tells
        return None
    return None if found is None else Path(found)


def _weights(origin: Origin, location: str, called: str) -> Iterator[Path]:
    single = file_of(origin, location, SINGLE)
    if single is not None:
        yield single
        return
    index = file_of(origin, location, INDEX)
    if index is None and origin.kind is OriginKind.HUB:  # transformers would ask a service of the hub's to convert them
        raise InputError(
            f"{called}: has no weights in safetensors; pickled ones can run code when they are read: convert them with "
            "save_pretrained, and give the folder"
        )
    if index is None:  # one file of another name, of which transformers tells
        return
    for name in sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())):
        file = file_of(origin, location, name)
        if file is not None:
            yield file


def _header(file: Path, called: str) -> int:
    """How many numbers a file of weights says that it holds.

    Raises:
        InputError: Its header is larger than any is.
    """
    with file.open("rb") as content:
        length = int.from_bytes(content.read(8), "little")
        if length > MOST_HEADER and length < file.stat().st_size:
            raise InputError(
                f"{called}: the header of {file.name} has {length} bytes, and at most "
                f"{MOST_HEADER} are read; save it again"
            )
        try:
            header = json.loads(content.read(min(length, MOST_HEADER)))
            return sum(math.prod(each["shape"]) for name, each in header.items() if name != "__metadata__")
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):  # told when it is loaded
            return 0


def told_reason(error: Exception) -> str:
    """What a library says of a model or tokenizer that it cannot read, without its advice to run code."""
    said = one_line(error, 2000)
    return NO_CODE if "trust_remote_code" in said or "custom code" in said else said[:240]
