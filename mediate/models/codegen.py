"""The rotary table and the scale of CodeGen's attention, where transformer-lens looks for them.

transformers 5.24 moved the table from each attention module to the model and holds the scale the other way up;
transformer-lens 4.3 reads both as they were.
"""

from typing import Any

from torch import Tensor


def lend_tables(plain: Any) -> None:
    """Gives CodeGen's attention modules the model's table of sines and cosines, where they have none of their own.

    What transformers itself computes stays the same; the self-check compares it with what is hooked.
    """
    table = next((each for each in map(_table, plain.modules()) if each is not None), None)
    if table is None:
        return
    for module in plain.modules():
        if type(module).__name__ == "CodeGenAttention" and _table(module) is None:
            module.embed_positions = table
            module.scale_attn = module.scaling**-1


def _table(module: Any) -> Tensor | None:
    found = getattr(module, "embed_positions", None)
    return found if isinstance(found, Tensor) else None
