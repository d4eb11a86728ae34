"""Names for models and tokenizers that depend on what they are and never on where they stand."""

import hashlib
import inspect
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

# What a configuration says about how it was saved, not about what it computes.
_INCIDENTAL = ("_name_or_path", "transformers_version", "dtype", "torch_dtype", "architectures", "quantization_config")

# Under which transformers imports the code of repositories.
_OF_REPOSITORIES = "transformers_modules"


def tensor_bytes(tensor: Tensor) -> memoryview:
    """The raw bytes of a tensor, in row order."""
    flat = tensor.detach().contiguous().cpu().reshape(-1).view(torch.uint8)
    return memoryview(flat.numpy().data)


def model_fingerprint(model: Any) -> str:
    """sha256 over the configuration and every weight and saved buffer of a transformers model, tied weights once.

    One changed bit in one weight changes it; the folder's name and the file's layout do not. Of a model that runs code
    of its repository, it is over that code, too.
    """
    digest = hashlib.sha256()
    config = {key: value for key, value in model.config.to_dict().items() if key not in _INCIDENTAL}
    digest.update(json.dumps(config, sort_keys=True, default=str).encode())
    saved = model.state_dict()
    buffers = {name: tensor for name, tensor in model.named_buffers() if name in saved}
    for name, tensor in sorted([*model.named_parameters(), *buffers.items()], key=lambda entry: entry[0]):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor_bytes(tensor))
    if type(model).__module__.partition(".")[0] == _OF_REPOSITORIES:
        for source in sorted(Path(inspect.getfile(type(model))).parent.glob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()


def own_ends(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """The tokens that end what a transformers model writes, by its own settings, beside its tokenizer's."""
    found = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    ids = [] if found is None else [found] if isinstance(found, int) else list(found)
    own = getattr(tokenizer, "eos_token_id", None)
    return tuple(int(each) for each in dict.fromkeys(ids) if each != own)


def tokenizer_fingerprint(tokenizer: Any) -> str:
    """sha256 over what a tokenizer does: its serialised rules or vocabulary, control tokens and chat template."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rules = dict(tokenizer.get_vocab()) if backend is None else json.loads(backend.to_str())
    if backend is not None:
        rules |= {"truncation": None, "padding": None}  # what the last call asked for, which is no rule
    parts = rules, tokenizer.special_tokens_map, getattr(tokenizer, "chat_template", None)
    digest = hashlib.sha256()
    for part in parts:
        digest.update(json.dumps(part, sort_keys=True, default=str).encode())
        digest.update(b"\0")
    return digest.hexdigest()
