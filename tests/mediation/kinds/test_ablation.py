"""Ablation maps of items against one plain pass of transformers a cell, in float64; and what must be exactly 0."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

import mediate as md
from mediate.errors import InputError, ItemError
from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.encoding import Readers
from mediate.mediation.item import EncodedItem
from mediate.mediation.kinds.ablation import ablation_effects
from mediate.mediation.kinds.cube import run_contexts
from mediate.mediation.kinds.kind import kind_of
from mediate.mediation.kinds.reference_value import Material, ReferenceValue
from mediate.mediation.kinds.references import REFERENCES
from mediate.mediation.kinds.state import STATE_PASSES
from mediate.mediation.maps import check_map, check_offered, measure_item_map, measure_map, parse_map
from mediate.mediation.names import LOGIT, Outcome
from mediate.models.sites import Component
from mediate.results.kind_words import called, of_a_step
from mediate.results.kinds import parse_kind
from mediate.results.reference_words import MEAN, OTHER, REFERENCE_WORDS
from mediate.traces.trace import Trace
from tests import tiny
from tests.mediation.kinds.test_state import pair_of
from tests.plainly import kept

HEADS = {"z": 4, "v": 2, "k": 2}
CLOSE = 1e-9


def item_of(name: str, seed: int, steps: tuple[int, ...] = (3, 2)) -> EncodedItem:
    ids = np.random.default_rng(seed).integers(1, len(tiny.words()), 5 + sum(steps) + 5).tolist()
    numbers = tuple(number for number, length in enumerate(steps) for _ in range(length))
    chain = tuple(ids[5 : 5 + len(numbers)])
    trace = Trace("x" * len(chain), chain, ("x",) * len(chain), numbers)
    return EncodedItem(name, name, tuple(ids[:5]), (1, 4), trace, Readers(tuple(ids[-5:-3]), tuple(ids[-3:-1])))


ITEM, OTHERS = item_of("one", 1), [item_of("two", 2, (4,)), item_of("three", 3, (2, 5))]
MATERIAL = Material(OTHERS, seed=5, nearest=OTHERS[0])


@cache
def wide() -> Any:
    return tiny.model("llama", "float64")


@cache
def plain() -> Any:
    return tiny.plain_model("llama", "float64")


def places(component: str, layer: int) -> tuple[Any, bool]:
    """The module of a llama at which a component passes by, and whether it is what goes in."""
    block = plain().model.layers[layer]
    return {
        "resid_pre": (block, True),
        "resid_post": (block, False),
        "mlp_out": (block.mlp, False),
        "z": (block.self_attn.o_proj, True),
        "v": (block.self_attn.v_proj, False),
        "k": (block.self_attn.k_proj, False),
    }[component]


def passed(ids: list[int], component: str, layer: int, change: Callable[[torch.Tensor], None]) -> torch.Tensor:
    """The logits of one plain pass in which a component, `pos channel`, is changed as it passes by."""
    module, entering = places(component, layer)

    def seen(value: Any) -> Any:
        value = value[0] if isinstance(value, tuple) else value
        change(value[0])

    if entering:
        handle = module.register_forward_pre_hook(lambda _, args: seen(args))
    else:
        handle = module.register_forward_hook(lambda _, args, output: seen(output))
    with handle, torch.no_grad(), kept(plain()):
        logits: torch.Tensor = plain()(torch.tensor([ids])).logits[0]
    return logits


def own(item: EncodedItem, component: str, layer: int) -> torch.Tensor:
    """What a component is at the chain's positions."""
    found: list[torch.Tensor] = []
    passed(list(item.whole), component, layer, lambda value: found.append(value[len(item.question) :].clone()))
    return found[0]


def reference(by: str, component: str, layer: int) -> torch.Tensor:
    here = own(ITEM, component, layer)
    if by == "zero":
        return torch.zeros_like(here)
    if by == MEAN:
        return torch.cat([own(each, component, layer) for each in OTHERS]).mean(dim=0).expand_as(here)
    chain = own(OTHERS[0], component, layer)
    return torch.stack([chain[place % len(chain)] for place in range(len(here))])


def logit_of(logits: torch.Tensor) -> float:
    at = logits[len(ITEM.whole) + len(ITEM.readers.cue) - 1]
    return float(at[ITEM.readers.base[0]] - at.mean())


def by_hand(by: str, component: str, axes: tuple[str, ...]) -> np.ndarray:
    """Y less Y with a cell replaced, a pass a cell."""
    ids, start = [*ITEM.whole, *ITEM.readers.cue], len(ITEM.question)
    y = logit_of(passed(ids, component, 0, lambda value: None))
    spans = [range(*span) for span in ITEM.trace.step_spans]
    if "position" in axes:
        spans = [range(place, place + 1) for place in range(len(ITEM.trace.ids))]
    if not {"position", "step"} & set(axes):
        spans = [range(len(ITEM.trace.ids))]
    count = HEADS[component] if {"head", "kv_head"} & set(axes) else 1
    found = []
    for span, layer, head in product(spans, range(tiny.LAYERS), range(count)):
        new = reference(by, component, layer)

        def put(value: torch.Tensor, new: torch.Tensor = new, span: range = span, head: int = head) -> None:
            width = value.shape[-1] // count
            part = slice(head * width, (head + 1) * width)
            value[start + span.start : start + span.stop, part] = new[span.start : span.stop, part]

        found.append(y - logit_of(passed(ids, component, layer, put)))
    return np.array(found)


@pytest.mark.parametrize(
    "name",
    [
        "ablate.zero.z:layer,head",
        "ablate.mean.resid_post:position,layer",
        "ablate.mean.v:layer,kv_head",
        "ablate.other.v:step,layer,kv_head",
        "ablate.other.resid_pre:step,layer",
        "ablate.zero.mlp_out:step,layer",
        "ablate.mean.k:step,layer",
    ],
)
def test_a_map_is_one_plain_pass_a_cell(name: str) -> None:
    spec = parse_map(name)
    check_offered(wide(), spec)
    found = measure_item_map(wide(), ITEM, spec, LOGIT, 1.0, MATERIAL)
    assert (found.kind, found.dims, found.outcome, found.te) == (spec.kind, spec.axes, "logit", 1.0)
    wanted = by_hand(spec.name.by, spec.component, spec.axes)
    np.testing.assert_allclose(found.values.ravel(), wanted, rtol=0, atol=CLOSE)
    assert abs(wanted).max() > 1e-3
    assert found.agreement is None


@pytest.mark.parametrize("component", ["resid_post", "z", "v", "pattern"])
def test_what_is_replaced_by_itself_is_exactly_nothing(component: str, monkeypatch: pytest.MonkeyPatch) -> None:
    same = ReferenceValue("zero", lambda model, item, own, material: own, of_patterns=True)
    monkeypatch.setattr("mediate.mediation.kinds.references.REFERENCES", (same,))
    found = measure_item_map(wide(), ITEM, parse_map(f"ablate.zero.{component}:step,layer"), LOGIT, 1.0)
    assert (found.values == 0).all()


def test_what_no_reader_hears_is_exactly_nothing() -> None:
    spec = parse_map("ablate.zero.resid_post:step,layer")
    found = measure_item_map(wide(), ITEM, spec, LOGIT, 1.0)
    assert (found.values[:, -1] == 0).all()
    assert abs(found.values[:, :-1]).min() > 0


def test_a_mean_is_summed_once_for_items_that_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    spec, runs, sums = parse_map("ablate.mean.v:layer"), [], Material().sums
    from mediate.mediation.kinds import references

    whole = references._base_chain
    monkeypatch.setattr(references, "_base_chain", lambda *given: runs.append(given) or whole(*given))
    maps = [measure_item_map(wide(), ITEM, spec, LOGIT, 1.0, Material(OTHERS, sums=sums)) for _ in range(2)]
    assert len(runs) == len(OTHERS)
    np.testing.assert_array_equal(maps[0].values, maps[1].values)


def test_a_pair_has_those_that_take_no_other_items() -> None:
    model, pair = tiny.model("llama"), pair_of("llama")
    spec = parse_map("ablate.noise.resid_post:step,layer")
    check_map(pair, spec)
    found = measure_map(model, run_contexts(model, pair), spec, Outcome.LOGIT_DIFF, 1.0, Material(seed=3))
    assert abs(found.values).max() > 1e-3
    for by in (MEAN, OTHER):
        with pytest.raises(ItemError, match=f"{by} takes other items, and a pair has its twin"):
            check_map(pair, parse_map(f"ablate.{by}.v:layer"))


def test_names_are_taken_apart_and_put_together() -> None:
    name = parse_kind("ablate.mean.v.window3")
    assert (name.by, name.part, name.window, str(name)) == ("mean", "v", 3, "ablate.mean.v.window3")
    assert called("ablate.zero.z") == "ablate.zero.z effect"
    assert of_a_step("ablate.zero.z").startswith(
        "the effect of replacing z at that step by zeros, with all that follows"
    )
    assert set(REFERENCE_WORDS) <= {each.name for each in REFERENCES}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ablate.z:layer", "no map 'ablate.z:layer'; a map is KIND:AXES"),
        ("ablate.median.z:layer", "did you mean 'ablate.mean.z'"),
        ("ablate.mean:layer", "did you mean 'ablate.mean.z'"),
        ("ablate.zero.z.denoising:layer", "no map"),
        ("ablate.zero.resid_post:layer,head", "the axes of ablate.zero.resid_post are step, position, layer"),
        ("ablate.zero.v:layer,head", "step, position, layer, kv_head"),
    ],
)
def test_other_names_are_refused(name: str, why: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_map(name)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pattern_is_zeroed_and_nothing_else() -> None:
    check_offered(wide(), parse_map("ablate.zero.pattern:layer,head"))
    with pytest.raises(InputError, match="a row must sum to 1"):
        check_offered(wide(), parse_map("ablate.mean.pattern:layer,head"))


def test_a_component_that_the_model_lacks_is_refused() -> None:
    with pytest.raises(InputError, match="does not offer resid_mid"):
        check_offered(tiny.model("neox"), parse_map("ablate.zero.resid_mid:layer"))


def test_the_ratio_of_norms_is_that_of_the_heads_that_are_ablated() -> None:
    """Over a cell's positions, the mean norm of what is put in place over the norm of what was there."""
    cells = [Cell((0, 3), (1,), (head,)) for head in range(HEADS["v"])] + [Cell((2,), (0,))]
    found = ablation_effects(wide(), ITEM, [Component.V], cells, [LOGIT], OTHER, MATERIAL).norm_ratio
    wanted = []
    for cell in cells:
        (layer,) = cell.layers
        new, old = (
            each[list(cell.positions)].reshape(len(cell.positions), HEADS["v"], -1)[:, list(cell.units or (0, 1))]
            for each in (reference(OTHER, "v", layer), own(ITEM, "v", layer))
        )
        wanted.append(float((new.flatten(1).norm(dim=1) / old.flatten(1).norm(dim=1)).mean()))
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    assert len({round(each, 3) for each in wanted}) == len(wanted)


def test_the_work_is_runs_that_branch_off_at_the_cells() -> None:
    """What reads a cell's keys and values alone is a read map's; an ablated cell is run on from where it stands."""
    spec = parse_map("ablate.mean.v:step,layer,kv_head")
    work = kind_of(spec.name.of).work(wide(), ITEM, spec)
    assert (work.cells, work.passes) == (2 * tiny.LAYERS * HEADS["v"], STATE_PASSES)
    *cells, together = work.branches
    assert (cells, list(work.read)) == (cells_of(wide(), ITEM, spec.axes, component=Component.V)[0], [])
    assert together == Cell(tuple(range(len(ITEM.trace.ids))), tuple(range(tiny.LAYERS)))


def test_a_random_direction_is_the_seeds() -> None:
    spec = parse_map("ablate.noise.v:layer")
    one, again, other = (measure_item_map(wide(), ITEM, spec, LOGIT, 1.0, Material(seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.values, again.values)
    assert abs(one.values - other.values).max() > 1e-3


def test_without_others_it_is_said_what_to_give() -> None:
    for by in (MEAN, OTHER):
        with pytest.raises(InputError, match=r"item 'one': .*; give others="):
            measure_item_map(wide(), ITEM, parse_map(f"ablate.{by}.v:layer"), LOGIT, 1.0)


MAPS = ["ablate.mean.v:layer,kv_head", "ablate.other.z:layer,head", "ablate.zero.resid_post:step,layer"]


def given(count: int) -> list[md.Item]:
    pairs = md.modular_pairs(count, steps=(3, 4))
    return [replace(pair.base, id=pair.id, group=pair.group) for pair in pairs]


@pytest.fixture(scope="module")
def reasoner() -> Any:
    return md.load("reference-0.1m")


def test_a_run_keeps_them_and_reads_them_back(reasoner: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    items = given(4)
    scores = md.score(reasoner, items, maps=MAPS, out=tmp_path / "run", control_pairs=0, progress=False)
    assert [each.kind for each in scores.results.maps[:3]] == [name.partition(":")[0] for name in MAPS]
    assert len(scores.results.maps) == 12
    opened = md.open(tmp_path / "run").results  # type: ignore[union-attr]
    for one, other in zip(scores.results.maps, opened.maps, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
    # What is stored is of these others; with one of them gone it is measured anew.
    again = md.score(reasoner, items, maps=MAPS, control_pairs=0, progress=False).results.maps
    np.testing.assert_array_equal(again[0].values, scores.results.maps[0].values)
    fewer = md.score(reasoner, items[:3], maps=MAPS, control_pairs=0, progress=False).results.maps
    assert abs(fewer[0].values - again[0].values).max() > 1e-6
    prepared = [md.prepare(reasoner, each, store=False) for each in items]
    mean = prepared[0].map(MAPS[0], others=prepared[1:])
    np.testing.assert_allclose(mean.values, again[0].values, rtol=0, atol=1e-4)


def test_a_set_of_one_is_refused_before_anything_is_measured(reasoner: Any) -> None:
    for name, also in ((MAPS[0], ""), (MAPS[1], " with another answer")):
        why = f"map '{name}' takes other items of another group{also}, and there is none; give more items"
        with pytest.raises(InputError, match=why):
            md.score(reasoner, given(1), maps=[name], control_pairs=0, store=False, progress=False)
