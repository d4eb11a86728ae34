"""How a GGUF file's model turns its keys: what transformers drops of that when it reads the file, or why it cannot be.

The format keeps a scaling of rotary embedding under `rope.scaling.*`, and Llama 3's as one factor for each frequency in
a tensor of its own. llama.cpp's `ggml_rope_ext` says what they mean.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mediate.errors import InputError

# What Meta's models from 3.1 on are scaled by; the factor itself is the largest of the stored ones.
_LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
_FREQUENCIES, _LONGROPE = "rope_freqs.weight", ("rope_factors_long.weight", "rope_factors_short.weight")
_SCALING = "rope.scaling."
# Families whose configuration in transformers has these factors already.
_KNOWN = ("gemma4",)


def scaling(path: Path) -> dict[str, Any]:
    """What a GGUF file says of its rotary embedding, as transformers' `rope_parameters`; empty where nothing is scaled.

    Raises:
        InputError: A scaling that cannot be given to transformers, or blocks beyond those that the file counts.
    """
    from gguf import GGUFReader

    reader = GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("tokenizer.")}
    family = str(fields.get("general.architecture", ""))
    own = {name.removeprefix(f"{family}."): value for name, value in fields.items() if name.startswith(f"{family}.")}
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    _check_blocks(path, own, list(tensors))
    longrope = next((name for name in _LONGROPE if name in tensors), None)
    if longrope is not None:
        raise _dropped(path, f"{longrope} (LongRoPE)")
    factors = None
    if _FREQUENCIES in tensors and family not in _KNOWN:
        factors = np.array(tensors[_FREQUENCIES].data, dtype=np.float64).ravel()
    if factors is None or np.allclose(factors, 1.0):
        return named_scaling(path, own, family)
    found = llama3_scaling(factors, float(own.get("rope.freq_base", 10000.0)))
    if found is None or named_scaling(path, own, family):
        raise _dropped(path, f"{_FREQUENCIES}, which is not Llama 3's")
    return found


def llama3_scaling(factors: Float[np.ndarray, " half"], base: float) -> dict[str, Any] | None:
    """The parameters by which Llama 3's rule gives these divisors of the frequencies; None where it does not.

    Args:
        factors: One for each frequency, from the highest on.
        base: Of the frequencies.
    """
    factor, half = float(factors.max()), len(factors)
    turns = _LLAMA3["original_max_position_embeddings"] * base ** (-np.arange(half) / half) / (2 * math.pi)
    low, high = _LLAMA3["low_freq_factor"], _LLAMA3["high_freq_factor"]
    smooth = np.clip((turns - low) / (high - low), 0.0, 1.0)
    wanted = 1 / ((1 - smooth) / factor + smooth)
    return {"rope_type": "llama3", "factor": factor, **_LLAMA3} if np.allclose(factors, wanted, rtol=1e-3) else None


def named_scaling(path: Path, own: Mapping[str, Any], family: str) -> dict[str, Any]:
    """The scaling that the keys of a file name.

    Args:
        path: The file, for messages.
        own: The file's keys without their family.
        family: The model's, as the format calls it.

    Raises:
        InputError: A kind, or a setting of it, that transformers does not have.
    """
    given = {name.removeprefix(_SCALING): value for name, value in own.items() if name.startswith(_SCALING)}
    kind, factor = str(given.get("type", "none")), float(given.get("factor", own.get("rope.scale_linear", 1.0)))
    if kind == "none" and "type" not in given and factor != 1.0:
        kind = "linear"  # what files were that named no kind
    if kind == "none" or (kind == "linear" and factor == 1.0):
        return {}
    if kind == "linear":
        return {"rope_type": "linear", "factor": factor}
    if kind != "yarn":
        raise _dropped(path, f"{_SCALING}type {kind!r}")
    if given.get("yarn_log_multiplier") or float(given.get("yarn_ext_factor", 1.0)) != 1.0:
        raise _dropped(path, f"{_SCALING}yarn_log_multiplier or yarn_ext_factor")
    found = {
        "rope_type": "yarn",
        "factor": factor,
        "original_max_position_embeddings": int(given.get("original_context_length", own.get("context_length", 0))),
    }
    found |= {name: float(given[f"yarn_{name}"]) for name in ("beta_fast", "beta_slow") if f"yarn_{name}" in given}
    louder = float(given.get("yarn_attn_factor", given.get("attn_factor", 1.0)))
    if louder != 1.0:
        found["attention_factor"] = louder * (0.1 * math.log(factor) + 1)
    if family == "gpt-oss":
        found["truncate"] = False
    return found


def give(config: Any, found: Mapping[str, Any]) -> None:
    """Gives a configuration the scaling of its file.

    Where layers with windows turn their keys in another way, as in Gemma 3, the scaling is of the others.
    """
    own = config.rope_parameters
    for each in [own] if "rope_type" in own else [own["full_attention"]]:
        each |= found


def _check_blocks(path: Path, own: Mapping[str, Any], names: list[str]) -> None:
    count = own.get("block_count")
    numbers = [int(name.split(".")[1]) for name in names if name.startswith("blk.")]
    spare = int(own.get("nextn_predict_layers", 0))  # of prediction further ahead, which transformers leaves out too
    if count is not None and numbers and max(numbers) >= int(count) + spare:
        raise InputError(
            f"{path}: stores a block {max(numbers)}, and counts {count} of them; it would be another model than was "
            "trained: fetch it again, or give a folder"
        )


def _dropped(path: Path, what: str) -> InputError:
    return InputError(
        f"{path}: its rotary embedding is scaled by {what}, which transformers does not read from GGUF files; give a "
        "folder of this model"
    )
