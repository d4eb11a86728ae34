"""Read effects: against the cube, against a slow pass with hooks, and their refusals."""

from itertools import product

import numpy as np
import pytest
import torch

from mediate.errors import InputError, ItemError
from mediate.mediation.cells import Cell
from mediate.mediation.encoding import encode_pair
from mediate.mediation.kinds.cube import Contexts, measure_cube, run_contexts
from mediate.mediation.kinds.read import read_effects, read_map
from mediate.mediation.maps import parse_map
from mediate.mediation.outcomes import USUAL, Outcome
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.sites import Component, Site
from mediate.pairs.pair import Item, Pair
from mediate.passes.forward import forward
from mediate.passes.keyvalues import KeyValues
from mediate.passes.selfcheck import SWEPT
from mediate.traces.trace import given_trace
from tests import tiny

BASE = ("Tom has 3 apples.", "Tom buys 3 apples. Tom has 3 + 9 = 12.", "12")
SOURCE = ("Tom has 2 apples.", "Tom buys 2 apples. Tom has 2 + 9 = 11.", "11")
LONGER = ("Tom has 12 apples now.", *BASE[1:])
STEP = ("step", "layer")


def contexts(architecture: str, base=BASE, source=SOURCE, dtype: str = "float32") -> Contexts:
    model = tiny.model(architecture, dtype)
    pair = Pair("a", "g", *(Item(question, answer, cot) for question, cot, answer in (base, source)))
    chains = (given_trace(each[1], tiny.tokenizer()) for each in (source, base))
    return run_contexts(model, encode_pair(model, pair, Template(Style.NONE), ANSWER_CUE, *chains))


def hooked_outcome(architecture: str, cell: Contexts, swapped: set[tuple[int, int]]) -> float:
    """The slow twin: one full-length pass of the base run in which every key and value before the readers is written.

    Keys are written before rotary embedding, so the model itself puts them at their positions. `swapped` holds the
    (layer, CoT position) that come from the source run.
    """
    model, pair = tiny.model(architecture, "float64"), cell.pair
    layers = range(tiny.LAYERS)
    sites = [Site(component, layer) for component, layer in product((Component.K, Component.V), layers)]
    cue = list(pair.readers.cue + pair.readers.base[: pair.readers.shared])
    runs = [forward(model, torch.tensor([list(pair.context(w, w)) + cue]), keep=sites) for w in (0, 1)]
    begins = [len(question) for question in pair.questions]
    ids = torch.tensor([list(pair.context(1, 1)) + cue])

    def after_base(kept: torch.Tensor, fresh: torch.Tensor, layer: int) -> torch.Tensor:
        """Keys and values up to the readers as in the base run; the readers' own are what this very pass computes."""
        value = fresh.clone()
        end = begins[1] + len(pair.traces[1].ids)
        value[:, :end] = kept[:, :end]
        return value

    def write(site: Site):
        def hook(value: torch.Tensor, hook: object) -> torch.Tensor:
            new = after_base(runs[1].kept[site], value, site.layer)
            for layer, position in swapped:
                if layer == site.layer:
                    new[:, begins[1] + position] = runs[0].kept[site][:, begins[0] + position]
            return new

        return hook

    with torch.no_grad():
        logits = model.bridge.run_with_hooks(
            ids, fwd_hooks=[(site.hook_name, write(site)) for site in sites], return_type="logits"
        )[0, -1]
    readers = pair.readers
    return float(logits[readers.base[readers.shared]] - logits[readers.source[readers.shared]])


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_fast_equals_the_hooked_pass(architecture: str) -> None:
    assert_twins(architecture, BASE)


@pytest.mark.parametrize("architecture", tiny.ROTARY)
def test_fast_equals_the_hooked_pass_with_unequal_questions(architecture: str) -> None:
    assert_twins(architecture, LONGER)


def assert_twins(architecture: str, base) -> None:
    cell = contexts(architecture, base, dtype="float64")
    found = read_map(tiny.model(architecture, "float64"), cell, STEP, Outcome.LOGIT_DIFF)
    assert found.values.shape == (2, tiny.LAYERS)
    untouched = hooked_outcome(architecture, cell, set())
    for step, (start, stop) in enumerate(cell.pair.traces[1].step_spans):
        for layer in range(tiny.LAYERS):
            slow = untouched - hooked_outcome(architecture, cell, {(layer, place) for place in range(start, stop)})
            assert found.values[step, layer] == pytest.approx(slow, abs=1e-10)
    assert abs(found.values).max() > 0.01


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("outcome", USUAL)
def test_everything_at_once_is_the_total_indirect_effect(architecture: str, outcome: Outcome) -> None:
    model, cell = tiny.model(architecture), contexts(architecture)
    whole = Cell(tuple(range(len(cell.pair.traces[1].ids))), tuple(range(tiny.LAYERS)))
    y = measure_cube(model, cell, [outcome])[0]
    assert read_effects(model, cell, [whole], outcome)[0] == pytest.approx(y[1, 1, 1] - y[1, 0, 0], abs=1e-5)


def test_same_chains_under_the_same_question_have_no_read_effect() -> None:
    same = (SOURCE[0], SOURCE[1], BASE[2])
    cell = contexts("llama", same)
    found = read_map(tiny.model("llama"), cell, STEP, Outcome.LOGIT_DIFF)
    assert (found.values == 0).all()


def test_effects_do_not_depend_on_what_is_read_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    model, cell = tiny.model("qwen3"), contexts("qwen3")
    together = read_map(model, cell, STEP, Outcome.LOGPROB_DIFF).values
    monkeypatch.setattr("mediate.mediation.kinds.read.ROW_BYTES", 1)
    one_by_one = read_map(model, cell, STEP, Outcome.LOGPROB_DIFF).values
    np.testing.assert_allclose(one_by_one, together, atol=1e-5, rtol=0)


@pytest.mark.parametrize("axes", [("step",), ("layer",)])
def test_an_axis_that_is_not_named_is_swapped_as_a_whole(axes: tuple[str, ...]) -> None:
    model, cell = tiny.model("llama"), contexts("llama")
    found = read_map(model, cell, axes, Outcome.LOGIT_DIFF)
    spans = cell.pair.traces[1].step_spans
    layers = tuple(range(tiny.LAYERS))
    swaps = (
        [Cell(tuple(range(*span)), layers) for span in spans]
        if axes == ("step",)
        else [Cell(tuple(range(spans[-1][1])), (n,)) for n in layers]
    )
    np.testing.assert_allclose(found.values, read_effects(model, cell, swaps, Outcome.LOGIT_DIFF), atol=1e-6)


@pytest.mark.parametrize(
    ("chain", "reason"),
    [
        ("Tom has 2 + 9 = 11.", "the base chain has 2 steps and the source chain 1"),
        ("Tom buys 12 apples. Tom has 2 + 9 = 11.", "step 0 has 5 tokens in the base chain and 6 in the source chain"),
    ],
)
def test_chains_that_cannot_be_laid_on_each_other_are_refused(chain: str, reason: str) -> None:
    cell = contexts("llama", source=(SOURCE[0], chain, SOURCE[2]))
    with pytest.raises(ItemError, match=reason):
        read_map(tiny.model("llama"), cell, STEP, Outcome.LOGIT_DIFF)


@pytest.mark.parametrize("cell", [Cell((998,), (0,)), Cell((0,), (3,)), Cell((0,), (0,), (2,))])
def test_cells_outside_the_chain_or_the_model_are_refused(cell: Cell) -> None:
    with pytest.raises(InputError, match=r"item 'a': (positions|layers|KV heads)"):
        read_effects(tiny.model("llama"), contexts("llama"), [cell], Outcome.LOGIT_DIFF)


@pytest.mark.parametrize(
    "parts",
    [((), (0,)), ((0,), ()), ((0,), (0,), ()), ((-1, 0), (0,)), ((1, 0), (0,)), ((0, 0), (0,)), ((0,), (0,), (-1,))],
)
def test_a_cell_checks_itself(parts: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(InputError, match=r"a cell (without|of) (positions|layers|units)"):
        Cell(*parts)


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_kv_heads_are_swapped_one_by_one(architecture: str) -> None:
    """Each head against a swap of all that is made by hand in the contexts, all but that head."""
    model, cell = tiny.model(architecture), contexts(architecture)
    found = read_map(model, cell, ("layer", "kv_head"), Outcome.LOGIT_DIFF).values
    assert found.shape == (tiny.LAYERS, model.facts.kv_heads)
    pair = cell.pair
    for layer, head in product(range(tiny.LAYERS), range(model.facts.kv_heads)):
        runs = dict(cell.runs)
        key = (pair.questions[1], pair.traces[1].ids)
        own, other = cell.of(1, 1), cell.of(0, 0)
        mixed = KeyValues(own.keys.clone(), own.values.clone(), 0)
        begin = len(pair.questions[1])
        mixed.keys[layer, head, begin:] = other.keys[layer, head, begin:]
        mixed.values[layer, head, begin:] = other.values[layer, head, begin:]
        runs[key] = mixed
        before, after = (measure_cube(model, Contexts(pair, each))[0][1, 1, 1] for each in (cell.runs, runs))
        assert found[layer, head] == pytest.approx(before - after, abs=1e-5)
    assert len(np.unique(found.round(4))) > model.facts.kv_heads


@pytest.mark.parametrize(
    "text",
    [
        "read",
        "read:",
        "read:head",
        "state:layer",
        "state.nothing:layer",
        "state.z:kv_head",
        "state.z.backwards:layer",
        "state.resid_pre:head",
        "read:step,position",
        "read:step,step",
        "read:step,",
        "",
    ],
)
def test_unknown_maps_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="no map"):
        parse_map(text)


def test_axes_come_in_their_own_order() -> None:
    assert str(parse_map("read:layer,step")) == "read:step,layer"
    assert str(parse_map("state.z.noising:head,layer")) == "state.z:layer,head"


@pytest.mark.parametrize("readers", [(0,), (1, 3), (0, 1, 2)])
def test_some_readers_against_attention_worked_out_by_hand(readers: tuple[int, ...]) -> None:
    """One pass of the base run in which the chosen readers' attention is computed anew from swapped keys and values."""
    model, cell = tiny.model("llama", "float64"), contexts("llama", dtype="float64")
    pair, where = cell.pair, Cell((2, 3, 9), (0, 2))
    cue = list(pair.readers.cue + pair.readers.base[: pair.readers.shared])
    ids = [torch.tensor([list(pair.context(world, world)) + cue]) for world in (1, 0)]
    begin, stop = len(pair.questions[1]), len(pair.context(1, 1))
    names = [f"blocks.{layer}.attn.hook_{part}" for layer in range(tiny.LAYERS) for part in ("rot_q", "rot_k", "v")]
    _, source = model.bridge.run_with_cache(ids[1], names_filter=lambda name: name in names)
    places = [begin + position for position in where.positions]
    seen: dict[str, torch.Tensor] = {}

    def note(value: torch.Tensor, hook: object, name: str) -> torch.Tensor:
        seen[name] = value
        return value

    def again(z: torch.Tensor, hook: object, layer: int) -> torch.Tensor:
        z = z.clone()
        if layer not in where.layers:
            return z
        q, k = (seen[f"blocks.{layer}.attn.hook_rot_{part}"][0] for part in "qk")  # pos head d
        v = seen[f"blocks.{layer}.attn.hook_v"][0].clone()  # pos kv_head d
        k = k.clone()
        k[places] = source[f"blocks.{layer}.attn.hook_rot_k"][0][places]
        v[places] = source[f"blocks.{layer}.attn.hook_v"][0][places]
        for reader in readers:
            for head in range(4):
                at = stop + reader
                weights = (k[: at + 1, head // 2] @ q[at, head] / 8**0.5).softmax(dim=0)
                z[0, at, head] = weights @ v[: at + 1, head // 2]
        return z

    def outcome(swapped: bool) -> float:
        hooks = [(name, lambda value, hook, name=name: note(value, hook, name)) for name in names]
        for layer in range(tiny.LAYERS) if swapped else ():
            hooks.append((f"blocks.{layer}.attn.hook_z", lambda z, hook, layer=layer: again(z, hook, layer)))
        logits = model.bridge.run_with_hooks(ids[0], fwd_hooks=hooks)[0, -1]
        at = pair.readers.shared
        return (logits[pair.readers.base[at]] - logits[pair.readers.source[at]]).item()

    found = read_effects(model, cell, [where], Outcome.LOGIT_DIFF, readers=readers)[0]
    assert found == pytest.approx(outcome(False) - outcome(True), abs=1e-10)
    assert abs(found) > 1e-3


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("outcome", USUAL)
def test_all_readers_named_is_none_named(architecture: str, outcome: Outcome) -> None:
    model, cell = tiny.model(architecture, "float64"), contexts(architecture, dtype="float64")
    cells = [Cell((2, 3), (0, 1)), Cell(tuple(range(len(cell.pair.traces[1].ids))), (0, 1, 2))]
    width = len(cell.pair.readers.cue) + (1 if outcome is Outcome.LOGPROB_DIFF else cell.pair.readers.shared)
    whole = read_effects(model, cell, cells, outcome)
    named = read_effects(model, cell, cells, outcome, readers=range(width))
    np.testing.assert_allclose(named, whole, atol=1e-10, rtol=0)
    # The last reader alone reads; then all but it: neither is the whole, and neither is nothing.
    parts = [read_effects(model, cell, cells, outcome, readers=each) for each in ([width - 1], range(width - 1))]
    assert all((abs(part) > 1e-6).all() and (abs(part - whole) > 1e-6).all() for part in parts)
    with pytest.raises(InputError, match="readers"):
        read_effects(model, cell, cells, outcome, readers=[width])
    with pytest.raises(InputError, match="readers"):
        read_effects(model, cell, cells, outcome, readers=[])


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("outcome", USUAL)
def test_shared_keys_say_what_copied_ones_say(architecture: str, outcome: Outcome) -> None:
    """The slow twin: a model that may not be swept gets keys and values of its own for every cell."""
    model, cell = tiny.model(architecture, "float64"), contexts(architecture, dtype="float64")
    slow = tiny.unswept(model)
    assert model.check(SWEPT).passed
    assert not slow.check(SWEPT).passed
    cells = [Cell(span, layers) for span in ((0, 1, 2), (5,)) for layers in ((0,), (1,), (2,), (1, 2), (0, 2))]
    fast = read_effects(model, cell, cells, outcome)
    np.testing.assert_allclose(fast, read_effects(slow, cell, cells, outcome), atol=1e-10)
    assert (np.abs(fast) > 1e-3).sum() >= 4


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_steered_model_is_read_as_it_is(architecture: str) -> None:
    """Hooks of someone else's inside attention: keys and values are then each row's own."""
    model, cell = tiny.model(architecture), contexts(architecture)
    cells = [Cell((2, 3), (0, 1)), Cell((13,), (2,))]
    plain = read_effects(model, cell, cells, Outcome.LOGIT_DIFF)

    def fade(value, hook):  # not a plain factor, which a norm would take out again
        return value * torch.linspace(0, 1, value.shape[-1])

    steer = [(Site(Component.PATTERN, layer).hook_name, fade) for layer in (0, 2)]
    with model.bridge.hooks(fwd_hooks=steer):
        steered = contexts(architecture)
        found = read_effects(model, steered, cells, Outcome.LOGIT_DIFF)
        wanted = read_effects(tiny.unswept(model), steered, cells, Outcome.LOGIT_DIFF)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert (abs(found - plain) > 1e-4).any()
