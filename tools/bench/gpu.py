"""Cube, maps and attribution on a GPU: what share of its rate of matrix products they reach, and how exact they are.

Matrix products are counted by torch's own counter as they happen. The numbers of each precision are held against those
of float32 on the processor; of the larger shape, against those of float32 on the GPU itself, without TF32.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

import mediate
from mediate.mediation.kinds.attribution import attributions
from mediate.mediation.kinds.cube import measure_cube, run_contexts
from mediate.mediation.maps import measure_map, parse_map
from mediate.models.model import Model
from mediate.models.sites import Component
from tests import tiny
from tools.bench.bench import Bench, Setting
from tools.bench.subjects import Y, of_length
from tools.bench.timing import Record, seconds

MAPS = ("read:step,layer", "state.resid_pre:step,layer", "knockout:step,layer")
# Tokens of a chain; the side of the square matrices whose product the rate is taken from.
CHAIN, SIDE = 128, 8192


@dataclass(frozen=True, slots=True)
class Shape:
    """A decoder of random weights.

    Args:
        width: Of the residual stream.
        layers: How many.
        heads: Of queries.
        shared: Heads of keys and values.
        inner: Width inside an MLP.
        beside: Whether it is small enough to run on the processor too.
    """

    width: int
    layers: int
    heads: int
    shared: int
    inner: int
    beside: bool


SHAPES = {
    "0.5B": Shape(896, 24, 14, 2, 4864, beside=True),
    "7B": Shape(4096, 32, 32, 8, 14336, beside=False),
}
SMALL = {"tiny": Shape(32, 2, 4, 2, 64, beside=True)}
# Name, dtype of the weights, and whether products of float32 may be rounded to TF32.
PRECISIONS = (("float32", "float32", False), ("float32 with TF32", "float32", True), ("bfloat16", "bfloat16", False))


class Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operations of matrix products and attention, by torch's own formulas.

    torch's `FlopCounterMode` follows modules too, for which it hooks into the backward pass, and a gradient at an
    activation is then refused.
    """

    operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs the operation, and counts it."""
        found = func(*args, **(kwargs or {}))
        if formula := flop_registry.get(func._overloadpacket):
            self.operations += formula(*args, **(kwargs or {}), out_val=found)
        return found


def run(record: Record, setting: Setting) -> None:
    """In three precisions on the shapes of 0.5B and 7B; the short form is tiny, and runs on the processor too."""
    if not torch.cuda.is_available() and not setting.short:
        record.skip("cube, maps and attribution on a GPU (0.5B- and 7B-shaped)", "no GPU at hand")
        return
    device = "cuda" if torch.cuda.is_available() else "cpu"
    names = []
    for name, shape in (SMALL if setting.short else SHAPES).items():
        names.append(f"{name}-shaped Llama of random weights")
        record.model = f"{', '.join(names)}, on {torch.cuda.get_device_name() if device == 'cuda' else 'the processor'}"
        _of_shape(
            record, name, shape, device, length=24 if setting.short else CHAIN, side=64 if setting.short else SIDE
        )
    record.dtype = ", ".join(name for name, _, _ in PRECISIONS)


GPU = Bench("gpu", run, minutes=10)


def _of_shape(record: Record, name: str, shape: Shape, device: str, *, length: int, side: int) -> None:
    wanted: Mapping[str, np.ndarray] | None = None
    if shape.beside:
        wanted = {what: work() for what, work in _works(_model(shape, "float32", "cpu"), length).items()}
    for label, dtype, rounded in PRECISIONS:
        with _rounded(rounded):
            on, record.dtype = f"{name}, {label}", label
            rate = _rate(dtype, device, side)
            record.value("rate of matrix products", rate / 1e12, "Tflop/s", on=on)
            found = {}
            for what, work in _works(_model(shape, dtype, device), length).items():
                found[what] = work()
                with Counted() as counter:  # type: ignore[no-untyped-call]
                    work()
                times = [seconds(work) for _ in range(record.rounds)]
                record.value(f"{what}: seconds", times, "s", on=on)
                shares = [100 * counter.operations / time / rate for time in times]
                record.value(f"{what}: share of the rate", shares, "%", on=on)
        if wanted is None:
            wanted = found
            continue
        for what, values in found.items():
            error = abs(values - wanted[what]).max()
            record.value(f"{what}: largest difference from float32", float(error), "nats", on=on)
            record.value(f"{what}: largest value", float(abs(wanted[what]).max()), "nats", on=on)


def _model(shape: Shape, dtype: str, device: str) -> Model:
    """The same weights on every call, but for their rounding."""
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=32000, hidden_size=shape.width, intermediate_size=shape.inner, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, num_key_value_heads=shape.shared, max_position_embeddings=4096,
        initializer_range=0.05,
    )  # fmt: skip
    config.eos_token_id = config.bos_token_id = None
    with torch.random.fork_rng(), torch.device("cpu"):
        torch.manual_seed(0)
        plain = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32)
    plain = plain.to(device=device, dtype=getattr(torch, dtype)).eval()
    plain.config.architectures, plain.config.dtype = [type(plain).__name__], getattr(torch, dtype)
    return mediate.load(plain, tokenizer=tiny.tokenizer(), device=device, copy=False)


def _works(model: Model, length: int) -> dict[str, Callable[[], np.ndarray]]:
    """What is measured of one pair, by name; each gives its numbers, in nats."""
    pair = of_length(model, length)
    contexts = run_contexts(model, pair)

    def mapped(kind: str) -> Callable[[], np.ndarray]:
        return lambda: measure_map(model, contexts, parse_map(kind), Y, 1.0).values

    def estimated() -> np.ndarray:
        return attributions(model, pair, [Component.RESID_PRE], Y)[Component.RESID_PRE].values

    return {
        "cube": lambda: measure_cube(model, run_contexts(model, pair), [Y]),
        **{kind: mapped(kind) for kind in MAPS},
        "attribution.resid_pre": estimated,
    }


def _rate(dtype: str, device: str, side: int) -> float:
    """Operations a second of a plain product of two square matrices."""
    one = torch.randn(side, side, device=device, dtype=getattr(torch, dtype))
    one @ one
    return 2 * side**3 / min(seconds(lambda: one @ one) for _ in range(5))


@contextmanager
def _rounded(allowed: bool) -> Iterator[None]:
    """Whether products of float32 may be rounded to TF32; only GPUs do that."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
