"""Model and adapter folders as transformers and peft save them, and ways to spoil them."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch

from tests import tiny

IDS = torch.randint(0, 40, (2, 9), generator=torch.Generator().manual_seed(0))


def saved(path: Path, architecture: str = "llama", *, tokenizer: bool = True, **options: Any) -> Path:
    """The tiny model as a folder."""
    tiny.plain_model(architecture).save_pretrained(path, **options)
    if tokenizer:
        tiny.tokenizer().save_pretrained(path)
    return path


def copied(path: Path, to: Path) -> Path:
    shutil.copytree(path, to)
    return to


def edit(file: Path, **changes: Any) -> None:
    """Sets keys of a JSON file; None removes one."""
    content = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def adapted(layers: int = tiny.LAYERS, architecture: str = "llama", **options: Any) -> Any:
    """A peft model whose adapter changes the logits."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj", "down_proj"], **options)
    with torch.random.fork_rng():
        model = get_peft_model(tiny.plain_model(architecture, layers=layers), config).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.3)
    return model


def saved_adapter(path: Path, base: Path | None = None, layers: int = tiny.LAYERS) -> Path:
    """The adapter alone as a folder; its configuration names the base."""
    adapted(layers).save_pretrained(path)
    edit(path / "adapter_config.json", base_model_name_or_path=str(base) if base else None)
    return path


def logits(model: Any, ids: torch.Tensor = IDS) -> torch.Tensor:
    """What a transformers or peft model says."""
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=ids).logits
    return found
