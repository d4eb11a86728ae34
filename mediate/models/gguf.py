"""GGUF files: dequantised once into a folder of safetensors that every later load reads in a second."""

import hashlib
import shutil
import tempfile
from pathlib import Path

from filelock import FileLock

from mediate.errors import InputError, install_hint
from mediate.models.cache import cache_folder
from mediate.models.silence import quiet_bars


def converted(path: Path) -> Path:
    """The folder of a GGUF file's float32 weights and tokenizer, made on first use and named by the file's content.

    float32 because rounding the dequantised weights to half precision moves SmolLM2-135M's logits by up to 0.28.

    Raises:
        InputError: The file is no GGUF file that transformers reads, or the package gguf is missing.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target = cache_folder() / "models" / f"gguf-{digest[:32]}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_suffix(".lock")):
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".gguf-") as name:
                part = Path(name) / "model"
                _convert(path, part)
                shutil.move(part, target)
    return target


def _convert(path: Path, out: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    try:
        import gguf  # noqa: F401
    except ImportError as error:
        raise InputError(f"{path}: reading GGUF files needs the package gguf; {install_hint('gguf')}") from error
    folder, file = str(path.parent), path.name
    try:
        with quiet_bars():
            model = AutoModelForCausalLM.from_pretrained(
                folder, gguf_file=file, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
            )
            tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    except Exception as error:  # transformers' and gguf's own errors share no base class
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path}: transformers cannot read this GGUF file ({reason}); fetch it again, or give a folder"
        ) from error
    with quiet_bars():
        model.save_pretrained(out)
    tokenizer.save_pretrained(out)
