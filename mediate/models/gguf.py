"""GGUF files: dequantised once into a folder of safetensors that every later load reads in a second."""

import atexit
import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from mediate.errors import InputError, install_hint, one_line, system_number
from mediate.files import write_text
from mediate.models.cache import cache_folder
from mediate.models.gguf_rope import give, scaling
from mediate.models.silence import quiet_bars

# What a converted folder's rotary embedding was given of its file, and what most of the file's weights are.
_GIVEN, _WEIGHTS = "gguf-rope.json", "gguf-weights.json"
log = logging.getLogger(__name__)


def converted(path: Path) -> Path:
    """The folder of a GGUF file's float32 weights and tokenizer, made on first use and named by the file's content.

    float32 because rounding the dequantised weights to half precision moves SmolLM2-135M's logits by up to 0.28.

    Folders of before the scaling of rotary embedding was read are made again where the file has one.

    Raises:
        InputError: The file is no GGUF file that transformers reads, or scales its rotary embedding in a way that it
            does not, or the package gguf is missing.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target = cache_folder() / "models" / f"gguf-{digest[:32]}"
    if (target / _GIVEN).exists():
        return target
    found = _scaling(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            if not (target / _GIVEN).exists():
                with tempfile.TemporaryDirectory(dir=target.parent, prefix=".gguf-") as name:
                    if target.exists() and found:
                        target.rename(Path(name) / "unscaled")
                    if not target.exists():
                        part = Path(name) / "model"
                        _convert(path, part, found)
                        shutil.move(part, target)
                write_text(target / _GIVEN, json.dumps(found))
    except Exception as error:
        number = system_number(error)
        if isinstance(error, InputError) or number is None:
            raise
        return target if target.exists() and not found else _for_this_process(path, target, number)
    return target


def quantised(path: Path) -> str:
    """What most weights of a GGUF file are, such as `4-bit GGUF, Q4_1`; empty where they are not quantised.

    Files are read once, as parsing one takes seconds: what was found is kept beside the converted weights.

    Raises:
        InputError: As `converted` does.
    """
    kept = converted(path) / _WEIGHTS
    with suppress(OSError, ValueError):
        return str(json.loads(kept.read_text(encoding="utf-8")))
    found = _most_weights(path)
    with suppress(OSError):  # a cache that cannot be written is read again the next time
        write_text(kept, json.dumps(found))
    return found


def _most_weights(path: Path) -> str:
    from gguf import GGML_QUANT_SIZES, GGUFReader

    counts = Counter[Any]()
    for tensor in GGUFReader(path).tensors:
        counts[tensor.tensor_type] += int(tensor.n_elements)
    kind = counts.most_common(1)[0][0]
    bits = re.search(r"\d+", kind.name)
    # What is not quantised is stored weight by weight, and what is, in blocks.
    return f"{bits.group()}-bit GGUF, {kind.name}" if bits and GGML_QUANT_SIZES[kind][0] > 1 else ""


@cache
def _for_this_process(path: Path, target: Path, number: int) -> Path:
    """The same in a folder of the system's, for where the cache cannot be written; deleted when the process ends."""
    log.warning(
        "%s: the cache cannot be written (%s), so %s is converted anew", target.parent, os.strerror(number), path
    )
    folder = Path(tempfile.mkdtemp(prefix="mediate-gguf-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _convert(path, folder / target.name, _scaling(path))
    return folder / target.name


def _scaling(path: Path) -> dict[str, Any]:
    try:
        import gguf  # noqa: F401
    except ImportError as error:
        raise InputError(f"{path}: reading GGUF files needs the package gguf; {install_hint('gguf')}") from error
    try:
        return scaling(path)
    except InputError:
        raise
    except Exception as error:  # gguf's own errors share no base class
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = one_line(error)
    return InputError(f"{path}: transformers cannot read this GGUF file ({reason}); fetch it again, or give a folder")


def _convert(path: Path, out: Path, found: dict[str, Any]) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder, file = str(path.parent), path.name
    try:
        with quiet_bars():
            model = AutoModelForCausalLM.from_pretrained(
                folder, gguf_file=file, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
            )
            tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    except Exception as error:  # transformers' and gguf's own errors share no base class
        raise _unreadable(path, error) from error
    if found:
        give(model.config, found)  # what was built for the old parameters is not saved
    with quiet_bars():
        model.save_pretrained(out)
    tokenizer.save_pretrained(out)
