"""Execution: numbers do not depend on how they are computed (I53 to I65).

What other tests show already is named in this folder's docstring and not repeated.
"""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from mediate.mediation.branching import branched_outcomes, branching_point
from mediate.mediation.cells import cells_of
from mediate.mediation.kinds import cube
from mediate.mediation.kinds import read as reads
from mediate.mediation.kinds.ablation import ablation_effects
from mediate.mediation.kinds.cube import measure_cube, run_contexts
from mediate.mediation.kinds.knockout import knockout_effects
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.kinds.reference_value import Material
from mediate.mediation.kinds.state import placed, state_effects
from mediate.mediation.kinds.step_shapley import shapley_values
from mediate.mediation.outcomes import USUAL, answer_logprob, read_off
from mediate.mediation.sequences import outcomes_under, sequences
from mediate.models.generation import Decoding, generate
from mediate.models.sites import Component, Site
from mediate.pairs.pair import Item, Pair
from mediate.passes.activations import cot_activations
from mediate.passes.forward import forward
from mediate.passes.interventions import Patch, Reference
from mediate.passes.keyvalues import KeyValues, prefill, stacked
from mediate.passes.one_pass import one_pass
from mediate.passes.readers import read
from mediate.passes.store import Store
from mediate.passes.sweeps import engine
from mediate.results.cube import Cube, set_shares
from mediate.scoring.score import score
from mediate.scoring.spec import make_spec
from tests import tiny
from tests.identities import draws
from tests.identities.draws import LAYERS, MODELS, kept_values, model_of, tolerance

pytestmark = draws.CHECKED
BOTH = USUAL


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_a_row_does_not_know_its_neighbours(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I53 (F): each row with its own patches and knockouts, alone, in any company and in any order."""
    model, ids = model_of(architecture, dtype), data.draw(draws.rows(4))
    length = ids.shape[1]
    patches = [draws.apart(data.draw(st.lists(draws.patches(architecture, length), max_size=2))) for _ in range(3)]
    cuts = [data.draw(st.lists(draws.knockouts(length), max_size=1)) for _ in range(3)]
    sites = [patch.site for row in patches for patch in row]
    values = kept_values(architecture, dtype, ids[3:], sites) if sites else {}

    def together(order: tuple[int, ...]) -> torch.Tensor:
        return forward(
            model,
            ids[list(order)],
            interventions=[(*patches[row], *cuts[row]) for row in order],
            values=values,
        ).logits

    everything = together((0, 1, 2))
    close = tolerance(architecture, dtype, everything)
    order = tuple(data.draw(st.permutations((0, 1, 2))))
    torch.testing.assert_close(together(order), everything[list(order)], atol=close, rtol=0)
    for row in range(3):
        torch.testing.assert_close(together((row,))[0], everything[row], atol=close, rtol=0)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_padding_is_nothing(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I54, I55 (F): the package pads at the end of readers' rows alone, where answers differ in length. Rows of their
    own lengths say the same, and so do pads of any id, of any number, and of any activations."""
    shape = replace(data.draw(draws.shapes()), answers=(2, 4), shared=0)
    model, pair = model_of(architecture, dtype), draws.pair_from(shape, data.draw(draws.seeds))
    run = sequences(model, pair, 1, BOTH)
    close = tolerance(architecture, dtype, 8.0)
    y = outcomes_under(model, run, BOTH, [()], {})[:, 0]
    logps = []
    for answer in (pair.readers.base, pair.readers.source):
        ids = torch.tensor([[*pair.context(1, 1), *pair.readers.cue, *answer[:-1]]])
        logps.append(float(answer_logprob(forward(model, ids, last=len(answer)).logits[0], answer)))
    assert y[1] == pytest.approx(logps[0] - logps[1], abs=close)
    source_row, end = 1, run.stop + len(pair.readers.cue) + 1
    assert (run.ids[source_row, end:] == 0).all(), "the source answer is two tokens shorter, and its row is padded"
    other = run.ids.clone()
    other[source_row, end:] = draws.tokens(data.draw(draws.seeds), 2)
    np.testing.assert_array_equal(outcomes_under(model, replace(run, ids=other), BOTH, [()], {})[:, 0], y)
    garbage = data.draw(draws.patches(architecture, run.ids.shape[1], first=end))
    values = kept_values(architecture, dtype, other[source_row:], [garbage.site])
    values = {key: 1e4 * value for key, value in values.items()}
    logits = forward(model, run.ids, interventions=[[], [garbage]], values=values).logits
    assert torch.isfinite(logits[:, :end]).all()
    found = read_off(run.readout, logits[:, -run.readout.last :], BOTH[1])
    assert found == pytest.approx(y[1], abs=close)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@draws.examples(3)
@given(data=st.data())
def test_what_is_written_does_not_depend_on_the_batch(architecture: str, data: st.DataObject) -> None:
    """I54, I53: prompts of different lengths are padded on their left, and each is continued as it is alone, sampled
    or greedy, in batches of any size."""
    model, seed = model_of(architecture), data.draw(draws.seeds)
    lengths = data.draw(st.lists(st.integers(1, 9), min_size=2, max_size=4))
    prompts = [draws.tokens(seed + number, length).tolist() for number, length in enumerate(lengths)]
    decoding = Decoding(max_new_tokens=5, temperature=data.draw(st.sampled_from((0.0, 1.0))), batch_size=4)
    alone = [generate(model, [prompt], decoding)[0] for prompt in prompts]
    assert generate(model, prompts, decoding) == alone
    assert generate(model, prompts[::-1], replace(decoding, batch_size=2)) == alone[::-1]


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(2)
@given(data=st.data())
def test_sweeps_of_any_size_and_order_say_the_same(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I56 (F): cells in passes of one, of some and of all, and in any order."""
    model, pair = model_of(architecture, dtype), data.draw(draws.pairs(most_steps=2))
    contexts = run_contexts(model, pair)
    cells = cells_of(model, pair, ["step", "layer"])[0]
    order = data.draw(st.permutations(range(len(cells))))
    component = data.draw(st.sampled_from(draws.offered(architecture)))

    def sweep(chosen: list[Any]) -> np.ndarray:
        return np.stack(
            [
                *state_effects(model, pair, [component], chosen, BOTH),
                *knockout_effects(model, pair, chosen, BOTH),
                read_effects(model, contexts, chosen, BOTH[1]),
            ]
        )

    whole, y = sweep(cells), measure_cube(model, contexts, BOTH)
    close = tolerance(architecture, dtype, max(1.0, abs(whole).max(), abs(y).max()))
    np.testing.assert_allclose(sweep([cells[place] for place in order]), whole[:, order], atol=close, rtol=0)
    for tokens, size in ((1, 1), (data.draw(st.integers(20, 200)), data.draw(st.integers(2**10, 2**16)))):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "CPU_TOKENS", tokens)
            patch.setattr(reads, "ROW_BYTES", size)
            patch.setattr(cube, "ROW_BYTES", size)
            np.testing.assert_allclose(sweep(cells), whole, atol=close, rtol=0)
            np.testing.assert_allclose(measure_cube(model, contexts, BOTH), y, atol=close, rtol=0)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_a_cache_is_only_a_short_cut(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I57 (F): what later tokens say from keys and values is what they say in the full pass, at any cut, down to one
    token; the prefix in one piece or two; and with keys and values of a patched prefix."""
    model, ids = model_of(architecture, dtype), data.draw(draws.rows(2, least=4))
    length = ids.shape[1]
    cut = data.draw(st.integers(1, length - 1))
    first = data.draw(st.integers(0, cut - 1))
    whole = forward(model, ids).logits
    close = tolerance(architecture, dtype, whole)
    parts = prefill(model, ids[:, :cut])
    found = read(model, ids[:, cut:], stacked([[part] for part in parts]), last=length - cut)
    torch.testing.assert_close(found, whole[:, cut:], atol=close, rtol=0)
    if first:
        begun = prefill(model, ids[:1, :first])[0]
        continued = prefill(model, ids[:1, first:cut], past=begun)[0]
        torch.testing.assert_close(continued.keys, parts[0].keys, atol=close, rtol=0)
        torch.testing.assert_close(continued.values, parts[0].values, atol=close, rtol=0)
    # In the last layer no later position of the prefix reads what is swapped, so a patch and a swap are one.
    layer, places = LAYERS[-1], data.draw(draws.some(cut))
    mixed = KeyValues(parts[0].keys.clone(), parts[0].values.clone(), 0)
    mixed.keys[layer][:, list(places)] = parts[1].keys[layer][:, list(places)]
    mixed.values[layer][:, list(places)] = parts[1].values[layer][:, list(places)]
    sites = [Site(component, layer) for component in (Component.K, Component.V)]
    values = kept_values(architecture, dtype, ids[1:], sites)
    patched = forward(model, ids[:1], interventions=[[Patch(site, places) for site in sites]], values=values).logits
    found = read(model, ids[:1, cut:], stacked([[mixed]]), last=length - cut)
    torch.testing.assert_close(found, patched[:, cut:], atol=close, rtol=0)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_resumed_is_run_through(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I57's sister for layers (B, F in other rows): entering a block with what entered it is the whole pass, also with
    another sequence's."""
    model, ids = model_of(architecture, dtype), data.draw(draws.rows(2))
    site = Site(Component.RESID_PRE, data.draw(st.sampled_from(LAYERS)))
    run = forward(model, ids, keep=[site])
    assert torch.equal(one_pass(model, run.kept[site], first=site.layer), run.logits)
    other, close = one_pass(model, run.kept[site].flip(0), first=site.layer), tolerance(architecture, dtype, run.logits)
    torch.testing.assert_close(other, run.logits.flip(0), atol=close, rtol=0)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(ids=draws.rows(2))
def test_eager_is_what_runs_and_says_what_sdpa_says(architecture: str, dtype: str, ids: torch.Tensor) -> None:
    """I58 (F): a model is always loaded with eager attention, and agrees with the other kernel."""
    model, plain = model_of(architecture, dtype), tiny.plain_model(architecture, dtype)
    assert model.plain.config._attn_implementation == "eager"
    plain.set_attn_implementation("sdpa")
    with torch.no_grad():
        wanted = plain(ids).logits
    found = forward(model, ids).logits
    torch.testing.assert_close(found, wanted, atol=tolerance(architecture, dtype, wanted), rtol=0)


@pytest.mark.parametrize(
    ("architecture", "dtype"),
    [("gemma3", "bfloat16"), ("gpt2", "float16")],
)
def test_half_precision_errs_by_its_own_rounding(architecture: str, dtype: str) -> None:
    """I59 (C): logits are off by some units of the dtype (up to 27 on these weights, which are larger than trained
    ones), and not by none; a map's cells keep their order."""
    ids, unit = draws.tokens(5, 4, 12), torch.finfo(getattr(torch, dtype)).eps
    wanted, found = (forward(model_of(architecture, each), ids).logits.float() for each in ("float32", dtype))
    scale = float(wanted.abs().max())
    error = float((found - wanted).abs().max())
    assert 0.1 * unit * scale < error < 40 * unit * scale
    pair = draws.pair_from(draws.Shape((3, 3), (3, 3), 2, (1, 1), 0), 4)
    cells = cells_of(model_of(architecture), pair, ["position", "layer"])[0]
    maps = [
        state_effects(model_of(architecture, each), pair, [Component.RESID_PRE], cells, BOTH[:1])[0]
        for each in ("float32", dtype)
    ]
    assert spearmanr(*maps).statistic >= 0.95


DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


@draws.examples(30)
@given(data=st.data())
def test_what_is_stored_comes_back_bit_by_bit(data: st.DataObject) -> None:
    """I60 (B): any shape, dtype and slice, and numbers that no decimal would keep."""
    dtype, seed = data.draw(st.sampled_from(DTYPES)), data.draw(draws.seeds)
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    whole = torch.randn(*shape, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)
    part = whole.transpose(0, -1)[data.draw(st.integers(0, 5)) :]
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.put("acts", {"seed": seed}, {"whole": whole, "part": part})
        found = store.get("acts", {"seed": seed})
        assert store.get("acts", {"seed": seed + 1}) is None
    assert found is not None
    for name, value in (("whole", whole), ("part", part)):
        assert found[name].dtype == dtype
        assert torch.equal(found[name], value)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(3)
@given(data=st.data())
def test_from_the_store_as_from_the_run(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I61 (B): patching activations that were kept on disk is patching those of a run just made."""
    model, pair = model_of(architecture, dtype), data.draw(draws.pairs())
    component = data.draw(st.sampled_from([each for each in draws.offered(architecture) if each != Component.PATTERN]))
    cells = [draws.whole(pair), data.draw(draws.cells(pair))]
    online = state_effects(model, pair, [component], cells, BOTH)
    run, start = sequences(model, pair, 1, BOTH), len(pair.questions[0])
    with TemporaryDirectory() as folder:
        ids, span = pair.context(0, 0), (start, len(pair.context(0, 0)))
        cot_activations(model, ids, span, [component], Store(Path(folder)))
        again = Store(Path(folder))
        kept = cot_activations(model, ids, span, [component], again)[component]
        assert again.counts.hits == 1
    values = placed({Site(component, layer): kept[layer] for layer in LAYERS}, run, Reference.SOURCE)
    branches = [cell.patches([component], run.start, Reference.SOURCE) for cell in cells]
    here, y = branched_outcomes(model, run, BOTH, branches, values, branching_point(model, run, BOTH))
    np.testing.assert_array_equal(here[:, None] - y, online)


@draws.examples(20)
@given(seed=st.integers(0, 1000), players=st.integers(2, 6), items=st.integers(6, 10))
def test_a_seed_fixes_what_is_drawn(seed: int, players: int, items: int) -> None:
    """I64 (B): permutations of steps and resamples of groups are the seed's, whatever was drawn before."""
    weights = np.random.default_rng(seed).normal(size=2**players)

    def game(subsets: Any) -> np.ndarray:
        return np.array([weights[sum(2**player for player in subset)] for subset in subsets])

    sampled = [
        shapley_values(game, players, most=16, most_exact=0, seed=each).values for each in (seed, seed, seed + 1)
    ]
    np.testing.assert_array_equal(sampled[0], sampled[1])
    y = np.random.default_rng(seed).normal(size=(items, 2, 2, 2)) + np.arange(8).reshape(2, 2, 2)
    names = tuple(f"i{row}" for row in range(items))
    intervals = [
        [(each.low, each.high) for each in set_shares(Cube(y, names, names, "y"), seed=each).values()]
        for each in (seed, seed, seed + 1)
    ]
    assert intervals[0] == intervals[1]
    assert intervals[0] != intervals[2]
    if players > 3:
        assert (sampled[0] != sampled[2]).any()


@draws.examples(6)
@given(pair=draws.pairs(), seed=draws.seeds)
def test_noise_is_the_seeds(pair: Any, seed: int) -> None:
    """I64 (B): noise that is put in place depends on its seed alone."""
    model, cells = model_of("llama"), [draws.whole(pair, (1,))]
    once, again, other = (
        ablation_effects(model, pair, [Component.MLP_OUT], cells, BOTH, Reference.NOISE, Material(seed=each)).effects
        for each in (seed, seed, seed + 1)
    )
    np.testing.assert_array_equal(once, again)
    assert (once != other).all()


def problem(number: int, name: str) -> Pair:
    def item(apples: int) -> Item:
        chain = f"Tom buys {apples} apples. Tom has {apples} + {number} = {apples + number}."
        return Item(f"Tom has {apples} apples.", str(apples + number), chain)

    return Pair(name, f"g{number % 2}", item(3), item(2))


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
@draws.examples(3)
@given(data=st.data())
def test_an_item_does_not_know_the_others(architecture: str, data: st.DataObject) -> None:
    """I65, I62 (F): scored alone, among others, in another order and by another name, an item has the same numbers."""
    model, spec = model_of(architecture), make_spec(maps=["read:step,layer"], control_pairs=0)
    names = [f"p{number}" for number in range(1, 6)]
    chosen = data.draw(st.lists(st.sampled_from(range(1, 6)), min_size=2, max_size=4, unique=True))
    renamed = {number: f"x{number}" for number in chosen}
    one = score(model, [problem(chosen[0], names[chosen[0] - 1])], spec)
    many = score(model, [problem(number, renamed[number]) for number in data.draw(st.permutations(chosen))], spec)
    for alone, among in zip(one.cubes, many.cubes, strict=True):
        row = among.items.index(renamed[chosen[0]])
        np.testing.assert_allclose(among.y[row], alone.y[0], atol=1e-5, rtol=0)
    (found,) = [each for each in many.maps if each.item == renamed[chosen[0]]]
    np.testing.assert_allclose(found.values, one.maps[0].values, atol=1e-5, rtol=0)
