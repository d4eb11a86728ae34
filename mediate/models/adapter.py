"""LoRA adapters: merged into their base, and only into it."""

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from mediate.errors import InputError, install_hint, one_line
from mediate.models.fingerprint import model_fingerprint
from mediate.models.origin import TUNED
from mediate.models.repository import check_adapter_settings


def merge_adapter(model: Any, adapter: Path, name: str) -> Any:
    """A transformers model with a LoRA adapter merged into its weights.

    Args:
        model: The base.
        adapter: The adapter's folder.
        name: What to call the base.

    Raises:
        InputError: peft is not installed, or the adapter does not fit or was tuned on other weights.
    """
    check_adapter_settings(adapter)
    check_adapter_base(adapter, model, name)
    try:
        from peft import PeftModel, get_peft_model_state_dict
    except ImportError as error:
        raise InputError(f"{adapter}: LoRA adapters need the package peft; {install_hint('train')}") from error
    try:
        with safe_open(adapter / "adapter_model.safetensors", framework="pt") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of weights that are missing, which is an error here
            # On the meta device, since drawing initial weights would move torch's global generator.
            adapted = PeftModel.from_pretrained(model, str(adapter), low_cpu_mem_usage=True)
            unmatched = set(file.keys()) ^ set(get_peft_model_state_dict(adapted))
        if unmatched:
            raise ValueError(f"{len(unmatched)} weights have no counterpart, such as {min(unmatched)}")
        return adapted.merge_and_unload()
    except Exception as error:  # peft's errors share no base class, nor does a kind that cannot be merged
        reason = one_line(error, 240)
        raise InputError(
            f"{adapter}: the adapter does not fit this base model ({reason}); give the base of its training"
        ) from error


def check_adapter_base(adapter: Path, model: Any, name: str) -> None:
    """Raises InputError where an adapter's manifest says that it was tuned on a model of other weights.

    Tuning takes its base in float32; the same weights in another dtype have another fingerprint, and are not checked.
    """
    if next(model.parameters()).dtype != torch.float32:
        return
    try:
        base = json.loads((adapter / TUNED).read_text(encoding="utf-8"))["base"]
        wanted, called = base["fingerprint"], base["name"]
    except (OSError, ValueError, KeyError, TypeError):  # not an adapter of ours
        return
    fingerprint = model_fingerprint(model)
    if wanted != fingerprint:
        raise InputError(
            f"{adapter}: was tuned on {called!r} ({wanted[:12]}), and {name!r} has other weights ({fingerprint[:12]}); "
            "give the base of its training"
        )
