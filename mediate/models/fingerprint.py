"""Names for models and tokenizers that depend on what they are and never on where they stand."""

import hashlib
import json
from typing import Any

import torch
from torch import Tensor

# What a configuration says about how it was saved, not about what it computes.
_INCIDENTAL = ("_name_or_path", "transformers_version", "dtype", "torch_dtype", "architectures", "quantization_config")


def tensor_bytes(tensor: Tensor) -> memoryview:
    """The raw bytes of a tensor, in row order."""
    flat = tensor.detach().contiguous().cpu().reshape(-1).view(torch.uint8)
    return memoryview(flat.numpy().data)


def model_fingerprint(model: Any) -> str:
    """sha256 over the configuration and every weight and saved buffer of a transformers model, tied weights once.

    One changed bit in one weight changes it; the folder's name and the file's layout do not.
    """
    digest = hashlib.sha256()
    config = {key: value for key, value in model.config.to_dict().items() if key not in _INCIDENTAL}
    digest.update(json.dumps(config, sort_keys=True, default=str).encode())
    saved = model.state_dict()
    buffers = {name: tensor for name, tensor in model.named_buffers() if name in saved}
    for name, tensor in sorted([*model.named_parameters(), *buffers.items()], key=lambda entry: entry[0]):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor_bytes(tensor))
    return digest.hexdigest()


def tokenizer_fingerprint(tokenizer: Any) -> str:
    """sha256 over what a tokenizer does: its serialised rules or vocabulary, special tokens and chat template."""
    digest = hashlib.sha256()
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rules = backend.to_str() if backend is not None else json.dumps(tokenizer.get_vocab(), sort_keys=True)
    template = getattr(tokenizer, "chat_template", None)
    for part in (rules, str(sorted(tokenizer.all_special_tokens)), json.dumps(template, sort_keys=True, default=str)):
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()
