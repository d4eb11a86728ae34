"""From a name or a model in memory to a hooked model; weights are read by transformers alone."""

import copy as copying
import gc
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import torch

from mediate.clock import stage
from mediate.errors import InputError, one_line
from mediate.models.adapter import merge_adapter
from mediate.models.alike import check_alike
from mediate.models.carried import check_carried, check_layers
from mediate.models.codegen import lend_tables
from mediate.models.file_sums import model_sums, snapshot
from mediate.models.fingerprint import model_fingerprint, own_ends, tokenizer_fingerprint
from mediate.models.float64 import keep_float64
from mediate.models.gguf import converted, quantised
from mediate.models.gpu import gpus_of, usual_device
from mediate.models.hub import attempted, fetched_copy, not_given
from mediate.models.load_spec import LoadOptions, make_load_spec
from mediate.models.model import Facts, Model, Probe
from mediate.models.numbers import check_logits, check_weights
from mediate.models.origin import Origin, OriginKind, adapter_folder, has_tokenizer, resolve
from mediate.models.past import pass_past_on
from mediate.models.repository import check_repository, check_weights_fit, told_reason
from mediate.models.shards import check_index
from mediate.models.silence import quiet_bars
from mediate.models.steered_folder import steered_by
from mediate.models.stored import check_stored
from mediate.models.tokenizer_files import check_tokenizer_files
from mediate.models.trial import probe_logits
from mediate.models.vocabulary import check_vocabulary

PROBE_TOKENS = 8
# What hooking leaves behind of larger models is let go of at once, in bytes of weights; the search takes half a second.
WORTH_COLLECTING = 2**28


@stage("loading models")
def load_unchecked(model: Any, **options: Unpack[LoadOptions]) -> Model:
    """Loads a causal language model and hooks it; nothing is checked yet: `mediate.passes.loaded.load` does that, too.

    Args:
        model: A hub id, a folder, a `.gguf` file, the name of a packaged model, `BASE+ADAPTER`, or a transformers or
            peft model in memory.
        **options: Those of `LoadSpec`.

    Raises:
        InputError: Unknown model or architecture, pickled, missing or unused weights or such that are not numbers, no
            tokenizer where one was named or one that is too large, an adapter that does not fit, no such device.
    """
    how = make_load_spec(**options)
    steering: Path | None = None
    files: dict[str, str] | None = None
    revision = weights = ""
    device = _checked_device(how.device or usual_device())
    if isinstance(model, str | Path):
        origin = resolve(model, how.adapter)
        # Before: what is changed while it is read must not pass for what was read.
        files = {} if origin.kind is OriginKind.HUB else model_sums(origin, how.tokenizer)
        plain, beside, origin = read_plain(origin, getattr(torch, how.dtype or "float32"))
        if origin.kind is OriginKind.HUB:  # what was downloaded is kept under its commit
            files, revision = model_sums(origin, how.tokenizer), getattr(snapshot(origin.location), "name", "")
        if origin.kind is OriginKind.GGUF:
            weights = quantised(Path(origin.location))
        name, where, steering = origin.name, origin.kind.value, origin.steering
        if origin.adapter is not None:
            plain, where = merge_adapter(plain, origin.adapter, origin.name.partition("+")[0]), f"{where}+adapter"
    else:
        merged = None if how.adapter is None else adapter_folder(how.adapter)
        plain, beside, where = _from_memory(model, how.copy, how.dtype), None, "memory"
        name = str(getattr(plain.config, "_name_or_path", "") or type(plain).__name__).rstrip("/").rsplit("/", 1)[-1]
        if merged is not None:
            plain, where = merge_adapter(plain, merged, name), f"{where}+adapter"
    tokenizer = beside if how.tokenizer is None else how.tokenizer
    if isinstance(tokenizer, str | Path):
        tokenizer = read_tokenizer(tokenizer)
    elif tokenizer is not None and not callable(getattr(tokenizer, "get_vocab", None)):
        raise InputError(
            f"cannot use a {type(tokenizer).__name__} as tokenizer; give one of transformers, or its folder"
        )
    ends = own_ends(plain, tokenizer)
    loaded = _hook(plain.to(device).eval(), tokenizer, name, where)
    told = replace(loaded.facts, ends=ends, revision=revision, files=files or {}, weights=weights)
    loaded = replace(loaded, facts=told)
    return loaded if steering is None else steered_by(loaded, steering)


def _checked_device(device: str) -> str:
    try:
        torch.zeros(1, device=device).tolist()  # the meta device makes numbers, and cannot say what they are
    except (RuntimeError, AssertionError) as error:  # torch built without a kind of device asserts
        raise InputError(f"device {device!r} cannot be used ({_reason(error)}); give cpu, or leave it out") from error
    return device


def _reason(error: Exception) -> str:
    return one_line(error, 240)


def _from_memory(model: Any, copy: bool, dtype: str | None) -> Any:
    if not hasattr(model, "config") or not callable(getattr(model, "named_parameters", None)):
        raise InputError(f"cannot load a {type(model).__name__}; give a name, a path, or a transformers model")
    if any("_original_component" in name for name, _ in model.named_parameters()):
        raise InputError("this model in memory is hooked already; load a fresh one")
    places = sorted({str(weight.device) for _, weight in model.named_parameters()})
    if len(places) > 1 or places == ["meta"]:  # keys and values of all layers are held as one tensor
        raise InputError(
            f"this model in memory lies on {', '.join(places)}, and one device must hold all of it; load it without a "
            "device_map, or in a smaller dtype"
        )
    model = copying.deepcopy(model) if copy else model
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    check_alike(model.config, type(model).__name__)
    _check_architecture([type(model).__name__], type(model).__name__)
    check_layers(model.config, type(model).__name__)
    model.config.architectures = [type(model).__name__]
    model.set_attn_implementation("eager")
    if dtype is not None:
        # Not model.to(dtype): that rounds the rotary frequencies too, which a loaded model keeps in float32.
        for weight in model.parameters():
            weight.data = weight.data.to(getattr(torch, dtype))
    return model


def read_plain(origin: Origin, dtype: torch.dtype) -> tuple[Any, str | None, Origin]:
    """The plain model, where its tokenizer stands (None where there is none), and the origin that was really used.

    Raises:
        InputError: transformers cannot read it, it is no causal language model, or weights are missing.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    location = str(converted(Path(origin.location))) if origin.kind is OriginKind.GGUF else origin.location
    try:
        check_repository(origin, location)
        with attempted(location) if origin.kind is OriginKind.HUB else nullcontext():
            config = AutoConfig.from_pretrained(location, trust_remote_code=False)
    except InputError:
        raise
    except Exception as error:  # transformers', huggingface_hub's and safetensors' own errors share no base class
        stand_in = _stand_in(origin)
        if stand_in is not None:
            return read_plain(stand_in, dtype)
        raise InputError(_why_not(origin, error)) from error
    check_alike(config, origin.name)
    _check_architecture(config.architectures or [], origin.name)
    check_layers(config, origin.name)
    check_index(origin, location)
    check_weights_fit(origin, location, config)
    try:
        with quiet_bars(), attempted(location) if origin.kind is OriginKind.HUB else nullcontext():
            model, loaded = AutoModelForCausalLM.from_pretrained(
                location,
                config=config,
                dtype=dtype,
                attn_implementation="eager",
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # transformers' own error points to a report; ours names the weight
            )
    except Exception as error:
        raise InputError(_why_not(origin, error)) from error
    _check_architecture([type(model).__name__], origin.name)
    check_stored(model, loaded, origin.location)
    return model, location if origin.kind is not OriginKind.FOLDER or has_tokenizer(Path(location)) else None, origin


def _stand_in(origin: Origin) -> Origin | None:
    """The packaged copy of a hub model, if it was fetched before and the hub does not answer."""
    found = fetched_copy(origin)
    if found is not None:
        warnings.warn(
            f"the hub does not serve {origin.location!r} here: using the fetched {found.name}, quantised to 4 bits",
            stacklevel=2,
        )
    return found


def _why_not(origin: Origin, error: Exception) -> str:
    if origin.kind is OriginKind.HUB:
        return not_given(origin.location, told_reason(error))
    return f"model {origin.location!r}: transformers cannot load it ({told_reason(error)}); mend or save it again"


def _check_architecture(architectures: Sequence[str], name: str) -> None:
    from transformer_lens.factories.architecture_adapter_factory import SUPPORTED_ARCHITECTURES
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    causal = set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values())
    if not any(each in SUPPORTED_ARCHITECTURES and each in causal for each in architectures):
        found = ", ".join(architectures) or "none named"
        raise InputError(
            f"model {name!r}: architecture {found} is not a causal language model that transformer-lens bridges; "
            "give a decoder such as Llama, Qwen3 or GPT-2"
        )


def read_tokenizer(location: str | Path) -> Any:
    """The tokenizer of a folder or hub id.

    Raises:
        InputError: None that transformers can read.
    """
    from transformers import AutoTokenizer

    check_tokenizer_files(location)
    try:
        with nullcontext() if Path(location).exists() else attempted(str(location)):
            # Left out, the choice would be put to whoever sits at the terminal.
            return AutoTokenizer.from_pretrained(str(location), trust_remote_code=False)
    except Exception as error:  # as above
        raise InputError(
            f"{location}: no tokenizer that transformers can load ({told_reason(error)}); give one with tokenizer="
        ) from error


def _hook(plain: Any, tokenizer: Any, name: str, source: str) -> Model:
    """Takes the plain model's logits on the probe, then hooks the model in place."""
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    parameters = list(plain.named_parameters())
    for _, weight in parameters:
        weight.requires_grad_(False)
    device = next(weight.device for _, weight in parameters)
    check_weights(plain, name)
    if tokenizer is not None:
        check_vocabulary(tokenizer, plain.get_input_embeddings().weight.shape[0], name)
    fingerprint, count = model_fingerprint(plain), sum(weight.numel() for _, weight in parameters)
    config = plain.config.get_text_config()
    vocabulary = int(config.vocab_size)
    ids = np.random.default_rng(0).integers(0, vocabulary, size=(2, PROBE_TOKENS))
    keep_float64(plain)
    probe = torch.from_numpy(ids).to(device)
    logits = probe_logits(plain, probe, name)
    check_logits(plain, logits, name)
    check_carried(plain, probe[:1, :2], name)
    lend_tables(plain)
    architecture = type(plain).__name__
    try:
        # Layers that are split are drawn at random before they are filled.
        with torch.random.fork_rng(devices=gpus_of(device)):
            bridge = build_bridge_from_module(
                plain,
                architecture=architecture,
                hf_config=plain.config,
                tokenizer=None,
                device=str(device),
                model_name=name,
            )
    except Exception as error:  # adapters of some 140 architectures raise what they like
        raise InputError(
            f"model {name!r} ({architecture}): transformer-lens cannot hook it ({_reason(error)}); give another model"
        ) from error
    pass_past_on(bridge)
    if sum(weight.nbytes for _, weight in parameters) > WORTH_COLLECTING:
        gc.collect()
    facts = Facts(
        name=name,
        source=source,
        fingerprint=fingerprint,
        tokenizer=tokenizer_fingerprint(tokenizer) if tokenizer is not None else "",
        architecture=architecture,
        layers=int(bridge.cfg.n_layers),
        heads=int(bridge.cfg.n_heads),
        kv_heads=int(getattr(bridge.cfg, "n_key_value_heads", None) or bridge.cfg.n_heads),
        d_model=int(bridge.cfg.d_model),
        d_head=int(bridge.cfg.d_head),
        d_vocab=vocabulary,
        context=int(getattr(config, "max_position_embeddings", 0) or getattr(config, "n_positions", 0) or 0),
        parameters=count,
        dtype=str(parameters[0][1].dtype).removeprefix("torch."),
        device=str(device),
    )
    return Model(bridge, tokenizer, facts, Probe(probe, logits), weights=dict(parameters))


def load_tokenizer_of(model: str) -> Any:
    """The tokenizer of a named model, without its weights.

    Raises:
        InputError: Unknown model, or no tokenizer.
    """
    origin = resolve(model)
    location = str(converted(Path(origin.location))) if origin.kind is OriginKind.GGUF else origin.location
    return read_tokenizer(location)
