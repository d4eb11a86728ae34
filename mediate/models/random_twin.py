"""A model's twin with random weights: what an effect looks like that nothing was learnt for.

The twin is the model itself. Its weights are drawn anew in place, as transformers draws them, and afterwards its own
are put back: from the file that they came from where that holds the very same numbers, else from a temporary one. So no
second copy is in memory, and what the load-time check found of the architecture still stands.
"""

import copy
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mediate.clock import stage
from mediate.errors import InputError
from mediate.models.cache import cache_folder
from mediate.models.fingerprint import tensor_bytes
from mediate.models.gpu import gpus_of, seed_gpus
from mediate.models.model import Model

Weights = Mapping[str, Tensor]
# The stage of drawing weights and of putting those back that were there: once, however many items are measured.
DRAWING = "random weights, drawn and put back"


@contextmanager
def random_twin(model: Model, seed: int = 0) -> Iterator[Model]:
    """While open, the model's weights are random ones; afterwards they are its own again, and that is verified.

    Nothing else may use the model in the meantime.

    Args:
        model: The hooked model.
        seed: Of the weights. The global generators stay untouched.

    Raises:
        InputError: transformers cannot build the model from its configuration alone, transformer-lens keeps copies of
            weights that are not known here, or there is no room for the temporary file: nothing has been changed then.
            Or, at the end, the model's own weights could not be put back: it must be loaded again.
    """
    with ExitStack() as files:
        with stage(DRAWING):
            skeleton = _skeleton(model)
            _check_copies(model)
            held = {name: weight.detach() for name, weight in nn.Module.named_parameters(model.bridge)}
            before = _digest(held)
            try:
                put_back = _kept(model, files)
            except OSError as error:
                raise _none(model, f"no room for its own weights: {error}") from error
        try:
            with stage(DRAWING):
                _draw(model, skeleton, seed)
            yield replace(model, facts=replace(model.facts, fingerprint=f"random weights, seed {seed}"))
        finally:
            with stage(DRAWING):
                put_back()
                _split_again(model)
                same = _digest(held) == before
            if not same:
                raise InputError(
                    f"model {model.facts.name!r}: its own weights could not be put back after the control with random "
                    "ones, so nothing more may be measured on it; load it again"
                )


def _none(model: Model, why: str) -> InputError:
    return InputError(f"model {model.facts.name!r}: no twin with random weights ({' '.join(why.split())[:200]})")


def _skeleton(model: Model) -> Any:
    """The model as transformers builds it, holding the very weights of the hooked one under transformers' names."""
    try:
        with torch.device("meta"):
            skeleton = type(model.plain)(copy.deepcopy(model.plain.config))
        placed: dict[int, nn.Parameter] = {}
        for name, empty in skeleton.named_parameters():
            # A parameter of its own on the same memory: transformers marks those that it loaded, and skips them.
            placed[id(empty)] = nn.Parameter(model.weights[name].detach(), requires_grad=False)
    except Exception as error:  # classes that are not transformers' own raise what they like
        raise _none(model, str(error) or type(error).__name__) from error
    for module in skeleton.modules():
        module._is_hf_initialized = False
        for name, empty in module._parameters.items():
            if empty is not None:
                module._parameters[name] = placed[id(empty)]
    return skeleton


def _draw(model: Model, skeleton: Any, seed: int) -> None:
    gpus = gpus_of(model.device)
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        seed_gpus(gpus, seed)
        skeleton.initialize_weights()
    _split_again(model)


def _digest(weights: Weights) -> str:
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(tensor_bytes(weights[name]))
    return digest.hexdigest()


def _kept(model: Model, files: ExitStack) -> Callable[[], None]:
    """Sees to it that the weights are in files, and returns what puts them back from there."""
    stored = _stored(model, files)
    rest = [weight for name, weight in model.weights.items() if name not in stored]
    spare: Any = None
    if rest:
        spare = _spare()
        files.enter_context(spare)
        for weight in rest:
            spare.write(tensor_bytes(weight))
        spare.flush()

    def put_back() -> None:
        with torch.no_grad():
            for name, file in stored.items():
                model.weights[name].copy_(file.get_tensor(name))
            if spare is not None:
                spare.seek(0)
            for weight in rest:
                content = bytearray(spare.read(weight.numel() * weight.element_size()))
                weight.copy_(torch.frombuffer(content, dtype=weight.dtype).reshape(weight.shape))

    return put_back


def _spare() -> Any:
    """A file that nobody else sees: in the cache, where there is room for weights, or where the system has its own."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)
    except OSError:
        return tempfile.TemporaryFile()


def _stored(model: Model, files: ExitStack) -> dict[str, Any]:
    """By name, the open file that holds a weight's very numbers; those that no file holds are not named."""
    from safetensors import safe_open

    found: dict[str, Any] = {}
    for path in _weight_files(str(getattr(model.plain, "name_or_path", "") or "")):
        try:
            file = files.enter_context(safe_open(path, "pt"))
            for name in sorted(set(file.keys()) & set(model.weights)):
                weight, there = model.weights[name], file.get_tensor(name)
                if there.shape == weight.shape and torch.equal(there.to(weight), weight):
                    found[name] = file
        except Exception:  # a file that cannot be read is one that does not hold them
            continue
    return found


def _weight_files(origin: str) -> list[Path]:
    """The files of weights of a folder, or of a hub model that was downloaded."""
    from huggingface_hub import try_to_load_from_cache

    folder = Path(origin)
    if origin and not folder.is_dir():
        try:
            known = try_to_load_from_cache(origin, "config.json")
        except Exception:  # no name that a hub could have
            return []
        folder = Path(known).parent if isinstance(known, str) else folder
    return sorted(folder.glob("*.safetensors")) if origin and folder.is_dir() else []


def _splits(model: Model) -> Iterator[tuple[Callable[[], tuple[nn.Module, ...]], tuple[Any, ...]]]:
    """Where transformer-lens splits a joint matrix into several: how it does so, and the parts that it keeps."""
    for module in model.bridge.modules():
        whole = getattr(module, "original_component", None)
        if whole is not None and hasattr(module, "split_qkv_matrix"):
            yield partial(module.split_qkv_matrix, whole), (module.q, module.k, module.v)
        elif whole is not None and hasattr(module, "split_gate_up_matrix"):
            yield partial(module.split_gate_up_matrix, whole), (module.gate, getattr(module, "in"))


def _split_again(model: Model) -> None:
    """Brings the parts of split matrices up to date with the whole."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):  # the parts are drawn at random before they are filled
        for split, parts in _splits(model):
            for new, part in zip(split(), parts, strict=True):
                for name, weight in part.original_component.named_parameters():
                    weight.copy_(new.get_parameter(name))


def _check_copies(model: Model) -> None:
    """Refuses where the bridge computes with weights that are neither transformers' own nor a split of them."""
    known = {weight.untyped_storage().data_ptr() for weight in model.weights.values()}
    parts = [part for _, parts in _splits(model) for part in parts]
    known |= {weight.untyped_storage().data_ptr() for part in parts for weight in part.parameters()}
    for name, weight in nn.Module.named_parameters(model.bridge):  # the bridge's own method names only some
        if weight.untyped_storage().data_ptr() not in known:
            raise _none(model, f"transformer-lens keeps a copy of weights at {name}")
