"""Two checkpoints crossed: against plain transformers, against slow twins, and where a planted change shows."""

import copy
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from transformers import DynamicCache

import mediate
from mediate.errors import InputError
from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.crossing import Crossed, check_crossable, crossed_cube, facing, run_crossed
from mediate.mediation.crossing_maps import crossed_map, crossed_reads, crossed_states, parse_crossed_map
from mediate.mediation.encoding import EncodedPair, encode_pair
from mediate.mediation.outcomes import USUAL, Outcome, read_off
from mediate.mediation.sequences import sequences
from mediate.models.loading import load_unchecked
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.sites import Component, Site
from mediate.pairs.pair import Item, Pair
from mediate.passes.forward import forward
from mediate.traces.trace import given_trace
from tests import tiny
from tests.mediation.kinds.test_read import BASE, SOURCE
from tests.plainly import kept, with_past

BOTH = USUAL
LAYERS = tuple(range(tiny.LAYERS))
KV = (Component.K, Component.V)
CLOSE = 1e-9


@cache
def plain_pair(architecture: str, dtype: str = "float32", norms: bool = True):
    """The original and the tuned model in plain transformers: the second is the first with every weight moved a bit."""
    original = tiny.plain_model(architecture, dtype)
    tuned = copy.deepcopy(original)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in tuned.parameters():
            if norms or weight.ndim > 1:
                noise = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
                weight.add_(0.1 * noise.to(weight.dtype))
    return original, tuned


def hooked(plain):
    return mediate.load(plain, tokenizer=tiny.tokenizer(), device="cpu")


@cache
def models(architecture: str, dtype: str = "float32", norms: bool = True):
    return tiny.model(architecture, dtype), hooked(plain_pair(architecture, dtype, norms)[1])


def encoded(model, base=BASE, source=SOURCE) -> EncodedPair:
    pair = Pair("a", "g", *(Item(question, answer, cot) for question, cot, answer in (base, source)))
    chains = (given_trace(each[1], tiny.tokenizer()) for each in (source, base))
    return encode_pair(model, pair, Template(Style.NONE), ANSWER_CUE, *chains)


def crossed(architecture: str, dtype: str = "float32", norms: bool = True) -> Crossed:
    both = models(architecture, dtype, norms)
    return run_crossed(*both, encoded(both[0]))


def edited(architecture: str, edit, dtype: str = "float32") -> Crossed:
    """The original beside a copy in which `edit` has changed one thing."""
    tuned = tiny.plain_model(architecture, dtype)
    with torch.no_grad():
        edit(tuned)
    original = tiny.model(architecture, dtype)
    return run_crossed(original, hooked(tuned), encoded(original))


def whole(pair: EncodedPair, layers=LAYERS) -> Cell:
    return Cell(tuple(range(len(pair.traces[1].ids))), layers)


def blocks(plain):
    body = next(getattr(plain, name) for name in ("model", "transformer", "gpt_neox") if hasattr(plain, name))
    return body.h if hasattr(body, "h") else body.layers


# The oracle: plain transformers and hand-made caches; it shares no code with mediate.


def past_of(plain, ids: list[int]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    cache = DynamicCache()
    with torch.no_grad(), kept(plain):
        plain(torch.tensor([ids]), **with_past(plain, cache))
    return [(layer.keys, layer.values) for layer in cache.layers]


def plain_outcomes(plain, past, start: int, cue: list[int], answers: tuple[list[int], list[int]]) -> list[float]:
    """Both outcomes; `answers` are the source's and the base's."""
    first = next(n for n in range(min(map(len, answers))) if answers[0][n] != answers[1][n])
    logps, diff = [], 0.0
    for world in (0, 1):
        tokens = cue + answers[world]
        cache = DynamicCache([(keys.clone(), values.clone()) for keys, values in past])
        with torch.no_grad(), kept(plain):
            position = torch.arange(start, start + len(tokens))[None]
            logits = plain(torch.tensor([tokens]), position_ids=position, **with_past(plain, cache)).logits[0].double()
        rows = logits[len(cue) - 1 : len(cue) - 1 + len(answers[world])]
        logps.append(float(rows.log_softmax(-1)[range(len(answers[world])), answers[world]].sum()))
        diff = float(rows[first, answers[1][first]] - rows[first, answers[0][first]])
    return [diff, logps[1] - logps[0]]


def oracle_cube(plains, question: list[int], chain: list[int], cue: list[int], answers) -> np.ndarray:
    pasts = [past_of(plain, question + chain) for plain in plains]
    n, y = len(question), np.zeros((2, 2, 2, 2))
    for q, c, r in product((0, 1), repeat=3):
        laid = [
            tuple(torch.cat([one[part][:, :, :n], other[part][:, :, n:]], dim=2) for part in (0, 1))
            for one, other in zip(pasts[q], pasts[c], strict=True)
        ]
        y[:, q, c, r] = plain_outcomes(plains[r], laid, n + len(chain), cue, answers)
    return y


def tokens_of(pair: EncodedPair):
    readers = pair.readers
    return (
        list(pair.questions[1]),
        list(pair.traces[1].ids),
        list(readers.cue),
        (list(readers.source), list(readers.base)),
    )


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_the_cube_is_that_of_plain_transformers(architecture: str) -> None:
    cell = crossed(architecture, "float64")
    wanted = oracle_cube(plain_pair(architecture, "float64"), *tokens_of(cell.pair))
    found = crossed_cube(cell, BOTH)
    np.testing.assert_allclose(found, wanted, atol=CLOSE, rtol=0)
    # Every factor matters, or the comparison would be vacuous.
    for axis in (1, 2, 3):
        assert abs(np.diff(wanted, axis=axis)).min() > 1e-3


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_corners_are_the_two_models_as_they_are(architecture: str) -> None:
    """Y[0,0,0] and Y[1,1,1] against one whole pass of each model."""
    cell = crossed(architecture, "float64")
    y = crossed_cube(cell, BOTH)
    for place, model in enumerate(cell.models):
        run = sequences(model, cell.pair, 1, BOTH)
        logits = forward(model, run.ids, last=run.readout.last).logits
        plain = [read_off(run.readout, logits, outcome) for outcome in BOTH]
        np.testing.assert_allclose(y[:, place, place, place], plain, atol=CLOSE, rtol=0)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_the_same_checkpoint_changes_nothing_at_all(architecture: str) -> None:
    """Loaded twice; bit for bit."""
    one, other = tiny.model(architecture), hooked(tiny.plain_model(architecture))
    cell = run_crossed(one, other, encoded(one))
    y = crossed_cube(cell, BOTH)
    assert (y == y[:, :1, :1, :1]).all()
    for text in ("read:step,layer", "state.resid_pre:step,layer", "state.z:layer,head", "state.mlp_post:layer"):
        for found in crossed_map(cell, parse_crossed_map(text), Outcome.LOGPROB_DIFF, 0.0):
            assert (found.values == 0).all()


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_all_keys_and_values_at_once_are_the_states_effects(architecture: str) -> None:
    cell = crossed(architecture, "float64")
    for place, outcome in enumerate(BOTH):
        y = crossed_cube(cell, BOTH)[place]
        wanted = [y[0, 1, 0] - y[0, 0, 0], y[1, 1, 1] - y[1, 0, 1]]
        found = crossed_reads(cell, [whole(cell.pair)], outcome)[:, 0]
        np.testing.assert_allclose(found, wanted, atol=CLOSE, rtol=0)
        assert abs(found).min() > 1e-3


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_written_keys_and_values_are_those_that_are_read(architecture: str) -> None:
    """Written by hooks at all CoT positions in all layers; a key norm, which comes after the hook, is equal in both."""
    cell = crossed(architecture, norms=architecture not in ("qwen3", "gemma3"))
    found = crossed_states(cell, KV, [whole(cell.pair)], Outcome.LOGIT_DIFF)
    reads = crossed_reads(cell, [whole(cell.pair)], Outcome.LOGIT_DIFF)
    np.testing.assert_allclose(found, reads, atol=2e-5, rtol=0)
    assert abs(found).min() > 1e-3


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_all_sites_at_once_are_the_tuned_run_bit_for_bit(architecture: str) -> None:
    """Every residual stream at every position, question, chain and readers, and the tuned model's own readout of it.

    Written into the original model, the tuned streams alone leave it with its own last norm and unembedding; with the
    tuned model's, the logits are the tuned run's.
    """
    cell = crossed(architecture)
    original, tuned = cell.models
    ids = sequences(tuned, cell.pair, 1, [Outcome.LOGIT_DIFF]).ids
    last = Site(Component.RESID_POST, LAYERS[-1])
    sites = [*(Site(Component.RESID_PRE, layer) for layer in LAYERS), last]
    theirs = forward(tuned, ids, keep=sites)
    run = forward(original, ids, writes=theirs.kept, keep=[last])
    assert torch.equal(run.kept[last], theirs.kept[last])
    assert torch.equal(forward(tuned, ids, writes={last: run.kept[last]}).logits, theirs.logits)
    assert not torch.allclose(run.logits, theirs.logits, atol=1e-2)
    # Streams up to a block's entrance and then that model's own blocks: each is its run, so every write is heard.
    for layer in LAYERS:
        site = Site(Component.RESID_PRE, layer)
        assert torch.equal(forward(tuned, ids, writes={site: theirs.kept[site]}).logits, theirs.logits)
        ours = forward(original, ids, writes={site: theirs.kept[site]}).logits
        assert not torch.allclose(ours, forward(original, ids).logits, atol=1e-3)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("outcome", BOTH)
def test_slow_twins_agree(architecture: str, outcome: Outcome) -> None:
    """Sweeps against models that may not be swept: caches of their own for reads, plain hooked passes for states."""
    cell = crossed(architecture, "float64")
    slow = replace(cell, models=tuple(tiny.unswept(each) for each in cell.models))
    for text in ("read:step,layer", "read:layer,kv_head", "state.resid_pre:position,layer", "state.z:layer,head"):
        spec = parse_crossed_map(text)
        fast, other = (crossed_map(each, spec, outcome, 0.0) for each in (cell, slow))
        for one, two in zip(fast, other, strict=True):
            np.testing.assert_allclose(one.values, two.values, atol=CLOSE, rtol=0)
        assert abs(fast[0].values).max() > 1e-3


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "neox"])
def test_a_read_is_one_hooked_pass_over_the_whole_sequence(architecture: str) -> None:
    """Keys and values before the readers held at the receiver's own, but for the cell; key norms aside (see `k`)."""
    cell = crossed(architecture, "float64")
    begin = len(cell.pair.questions[1])
    stop = begin + len(cell.pair.traces[1].ids)
    sites = [Site(component, layer) for component in KV for layer in LAYERS]
    cells, _ = cells_of(cell.models[0], cell.pair, ("step", "layer"))
    found = crossed_reads(cell, cells, Outcome.LOGIT_DIFF)

    def outcome(receiver: int, swapped: Cell | None) -> float:
        model = cell.models[receiver]
        run = sequences(model, cell.pair, 1, [Outcome.LOGIT_DIFF])
        runs = [forward(each, run.ids, keep=sites).kept for each in cell.models]

        def write(site: Site):
            def hook(value: torch.Tensor, hook: object) -> torch.Tensor:
                new = value.clone()
                new[:, :stop] = runs[receiver][site][:, :stop]
                if swapped is not None and site.layer in swapped.layers:
                    places = [begin + position for position in swapped.positions]
                    new[:, places] = runs[1 - receiver][site][:, places]
                return new

            return hook

        with torch.no_grad():
            hooks = [(site.hook_name, write(site)) for site in sites]
            logits = model.bridge.run_with_hooks(run.ids, fwd_hooks=hooks, return_type="logits")
        return read_off(run.readout, logits[:, -run.readout.last :], Outcome.LOGIT_DIFF)

    for place, each in enumerate(cells):
        wanted = [outcome(0, each) - outcome(0, None), outcome(1, None) - outcome(1, each)]
        np.testing.assert_allclose(found[:, place], wanted, atol=CLOSE, rtol=0)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_state_is_what_plain_transformers_say(architecture: str) -> None:
    """A block's input at the positions of one step, written by torch's own hooks on two plain models."""
    plains, cell = plain_pair(architecture, "float64"), crossed(architecture, "float64")
    question, chain, cue, answers = tokens_of(cell.pair)
    shared = cell.pair.readers.shared
    ids = torch.tensor([question + chain + cue + answers[1][:shared]])
    start, stop = (len(question) + end for end in cell.pair.traces[1].step_spans[1])

    def outcome(plain, layer: int | None = None, value: torch.Tensor | None = None) -> float:
        def write(module, args, kwargs):
            hidden = (args[0] if args else kwargs["hidden_states"]).clone()
            hidden[:, start:stop] = value[:, start:stop]
            return ((hidden, *args[1:]), kwargs) if args else (args, kwargs | {"hidden_states": hidden})

        handles = [blocks(plain)[layer].register_forward_pre_hook(write, with_kwargs=True)] if layer is not None else []
        with torch.no_grad(), kept(plain):
            logits = plain(ids, use_cache=False).logits[0, -1]
        for handle in handles:
            handle.remove()
        return float(logits[answers[1][shared]] - logits[answers[0][shared]])

    streams = []
    for plain in plains:
        with torch.no_grad(), kept(plain):
            streams.append(plain(ids, output_hidden_states=True, use_cache=False).hidden_states)
    cells, _ = cells_of(cell.models[0], cell.pair, ("step", "layer"))
    found = crossed_states(cell, [Component.RESID_PRE], cells, Outcome.LOGIT_DIFF).reshape(2, -1, tiny.LAYERS)
    for layer in LAYERS:
        into_original = outcome(plains[0], layer, streams[1][layer]) - outcome(plains[0])
        into_tuned = outcome(plains[1]) - outcome(plains[1], layer, streams[0][layer])
        assert found[0, 1, layer] == pytest.approx(into_original, abs=CLOSE)
        assert found[1, 1, layer] == pytest.approx(into_tuned, abs=CLOSE)
    assert abs(found).max() > 1e-3


def mapped(cell: Crossed, text: str) -> np.ndarray:
    """Both directions of a map."""
    return np.stack([each.values for each in crossed_map(cell, parse_crossed_map(text), Outcome.LOGIT_DIFF, 0.0)[:2]])


@pytest.mark.parametrize(("architecture", "layer"), [("llama", 0), ("qwen3", 1), ("llama", 2)])
def test_a_planted_value_head_lights_up_there_and_downstream(architecture: str, layer: int) -> None:
    """One KV head's value projection is another in one layer; heads 2 and 3 read KV head 1."""

    def edit(plain):
        width = blocks(plain)[layer].self_attn.v_proj.weight.shape[0] // 2
        blocks(plain)[layer].self_attn.v_proj.weight[width:] *= -2

    cell = edited(architecture, edit)
    for text, chosen in (("read:layer,kv_head", [1]), ("state.v:layer,kv_head", [1]), ("state.z:layer,head", [2, 3])):
        found = mapped(cell, text)
        lit = np.zeros(found.shape[1:], dtype=bool)
        lit[layer, chosen] = True
        lit[layer + 1 :] = True
        if text.startswith("state.z"):
            lit[-1] = False  # the chain's own heads in the last layer are read by nobody
        assert (found[:, ~lit] == 0).all(), text
        assert (abs(found[:, lit]) > 1e-6).all(), text
    (keys,) = [mapped(cell, "state.k:layer")]
    assert (keys[:, : layer + 1] == 0).all()
    assert (abs(keys[:, layer + 1 :]) > 1e-6).all()


@pytest.mark.parametrize(("architecture", "layer"), [("gpt2", 0), ("llama", 1), ("gemma3", 1), ("gpt2", 2)])
def test_a_planted_mlp_lights_up_there_and_downstream(architecture: str, layer: int) -> None:
    def edit(plain):
        mlp = blocks(plain)[layer].mlp
        (mlp.c_proj if hasattr(mlp, "c_proj") else mlp.down_proj).weight.mul_(-2)

    cell = edited(architecture, edit)
    first = {
        "mlp_out": layer,
        "attn_out": layer + 1,
        "resid_pre": layer + 1,
        "resid_post": layer,
        "mlp_post": layer + 1,
    }
    for component, begin in first.items():
        found = mapped(cell, f"state.{component}:layer")
        # What leaves the last block at the chain's positions is read by nobody.
        end = tiny.LAYERS - (component != "resid_pre")
        assert (found[:, :begin] == 0).all(), component
        assert (found[:, end:] == 0).all(), component
        assert (abs(found[:, begin:end]) > 1e-6).all(), component
    reads = mapped(cell, "read:step,layer")
    assert (reads[..., : layer + 1] == 0).all()
    assert (abs(reads[..., layer + 1 :]).max(axis=1) > 1e-6).all()
    y = crossed_cube(cell, BOTH)
    if layer == LAYERS[-1]:  # the answer's own last block has changed, and nothing that it reads
        assert (y == y[:, :1, :1]).all()
        assert abs(y[:, 0, 0, 1] - y[:, 0, 0, 0]).min() > 1e-3


def test_directions_views_and_exchanged_checkpoints() -> None:
    """Exchanged, the original becomes the tuned model: effects change sign and direction, bit for bit."""
    cell = crossed("llama")
    back = run_crossed(*cell.models[::-1], cell.pair)
    for text in ("read:step,layer", "state.attn_out:layer"):
        into, out, mean, interaction = (
            each.values for each in crossed_map(cell, parse_crossed_map(text), BOTH[0], 1.0)
        )
        np.testing.assert_array_equal(mapped(back, text), -np.stack([out, into]))
        np.testing.assert_array_equal(mean, (into + out) / 2)
        np.testing.assert_array_equal(interaction, out - into)
        assert abs(interaction).max() > 1e-3
    kinds = [each.kind for each in crossed_map(cell, parse_crossed_map("state.z:layer"), BOTH[0], 1.0)]
    assert kinds == [f"cross.state.z.{view}" for view in ("into_original", "into_tuned", "mean", "interaction")]


def test_the_source_world_faces_its_own_answer() -> None:
    both = models("llama")
    pair = encoded(both[0])
    turned = facing(pair, 0)
    assert facing(pair, 1) is pair
    assert facing(turned, 0) == pair
    y = crossed_cube(run_crossed(*both, turned), BOTH)
    for place, model in enumerate(both):
        run = sequences(model, pair, 0, BOTH)
        logits = forward(model, run.ids, last=run.readout.last).logits
        plain = [-read_off(run.readout, logits, outcome) for outcome in BOTH]
        np.testing.assert_allclose(y[:, place, place, place], plain, atol=1e-5)


def other_shape(**changes):
    """A tiny Llama whose configuration differs from `tests.tiny`'s in some fields."""
    import transformers as tf

    config = tiny.plain_model("llama").config.to_dict() | changes
    with torch.random.fork_rng():
        model = tf.LlamaForCausalLM(tf.LlamaConfig(**config)).eval()
    model.config.architectures = ["LlamaForCausalLM"]
    return model


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_hidden_layers": 2}, "numbers of layers are 3 and 2"),
        ({"num_attention_heads": 2, "head_dim": 8}, "numbers of heads are 4 and 2"),
        ({"num_key_value_heads": 4}, "numbers of KV heads are 2 and 4"),
        ({"hidden_size": 64, "head_dim": 8}, "widths of the residual stream are 32 and 64"),
        ({"head_dim": 16}, "widths of a head are 8 and 16"),
        ({"vocab_size": 99}, "vocabulary sizes are"),
        ({"intermediate_size": 64}, "settings intermediate_size are 48 and 64"),
        ({"hidden_act": "relu"}, "settings hidden_act"),
        ({"rope_parameters": {"rope_theta": 500.0, "rope_type": "default"}}, "settings rope_parameters"),
    ],
)
def test_models_of_another_shape_are_refused_by_name(changes: dict, message: str) -> None:
    original, tuned = (
        tiny.model("llama"),
        load_unchecked(other_shape(**changes), tokenizer=tiny.tokenizer(), device="cpu"),
    )
    with pytest.raises(InputError, match=rf"cannot be crossed: their {message}.*; give two checkpoints"):
        run_crossed(original, tuned, encoded(original))


def test_other_models_tokenizers_and_dtypes_are_refused_by_name() -> None:
    original = tiny.model("llama")
    plain = tiny.plain_model("llama")
    chatting = copy.deepcopy(tiny.tokenizer())
    chatting.chat_template = "{{ messages[0]['content'] }}"
    for other, message in (
        (tiny.model("qwen3"), "architectures are LlamaForCausalLM and Qwen3ForCausalLM"),
        (tiny.model("llama", "float64"), "dtypes are float32 and float64; load both with one dtype"),
        (replace(original, facts=replace(original.facts, device="cuda:0")), "devices are cpu and cuda:0"),
        (load_unchecked(plain, tokenizer=chatting, device="cpu"), "tokenizers .* with the tokenizer"),
        (load_unchecked(plain, device="cpu"), "tokenizers .* and none"),
    ):
        with pytest.raises(InputError, match=message):
            check_crossable(original, other)
    check_crossable(original, load_unchecked(plain, tokenizer=tiny.tokenizer(), device="cpu"))


def test_rotary_frequencies_that_the_configuration_does_not_show_are_compared() -> None:
    original = tiny.model("llama")
    tuned = load_unchecked(tiny.plain_model("llama"), tokenizer=tiny.tokenizer(), device="cpu")
    rotary = next(each for each in tuned.plain.modules() if hasattr(each, "inv_freq"))
    rotary.inv_freq = rotary.inv_freq * 2
    with pytest.raises(InputError, match="rotary frequencies differ"):
        check_crossable(original, tuned)


@pytest.mark.parametrize("text", ["knockout:step", "state.z.denoising:layer", "attribution.z:layer", "relayed:step"])
def test_maps_of_worlds_alone_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="between checkpoints there are"):
        parse_crossed_map(text)


def test_cells_outside_are_refused() -> None:
    cell = crossed("llama")
    for each in (Cell((998,), (0,)), Cell((0,), (3,)), Cell((0,), (0,), (2,))):
        with pytest.raises(InputError, match=r"item 'a': (positions|layers|KV heads)"):
            crossed_reads(cell, [each], BOTH[0])
    with pytest.raises(InputError, match="units \\(4,\\) of z; there are 0 to 3"):
        crossed_states(cell, [Component.Z], [Cell((0,), (0,), (4,))], BOTH[0])
