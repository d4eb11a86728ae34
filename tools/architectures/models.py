"""Tiny random models of the causal language models that transformers has and transformer-lens bridges, by class.

Each is made from its configuration class with a few small numbers, saved as a user's model folder is, and read from
there. Shapes are such that what an architecture does differently is in use: windows are shorter than the sequences,
some layers have no rotary embedding where the family has such layers, experts are routed to.
"""

from pathlib import Path
from typing import Any

from tools.architectures.dense import DENSE
from tools.architectures.experts import EXPERTS
from tools.architectures.recurrent import RECURRENT
from tools.architectures.shapes import SCALE, Subject

SUBJECTS: tuple[Subject, ...] = tuple(sorted([*DENSE, *EXPERTS, *RECURRENT], key=lambda each: each.name.lower()))


def made(subject: Subject, vocabulary: int, seed: int) -> Any:
    """A model in memory, in float32."""
    import torch
    import transformers as tf

    own = {"vocab_size": vocabulary, "vocab_size_per_layer_input": vocabulary}
    given = dict(subject.config)
    if "text_config" in given:
        given["text_config"] = own | given["text_config"]
    ends = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    architecture = getattr(tf, subject.architecture)
    try:
        config = architecture.config_class(**own | ends | given)
    except Exception:  # some insist on numbers; the last token is one that no text has
        config = architecture.config_class(**own | dict.fromkeys(ends, vocabulary - 1) | given)
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = architecture(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            noise = torch.randn(weight.shape, generator=generator)
            weight.copy_(noise * SCALE if weight.ndim > 1 else weight + noise * SCALE / 3)
    return model


def save(subject: Subject, vocabulary: int, folder: Path, seed: int) -> int:
    """Makes a model, saves it as `save_pretrained` does, and returns how many weights it has."""
    model = made(subject, vocabulary, seed)
    model.save_pretrained(folder)
    return sum(weight.numel() for weight in model.parameters())
