"""What is computed is computed where the model is: with another device as the default, nothing is made without its own.

Tensors on `meta` have no data, so whatever would be made there and then meet the model's raises. It stands for a GPU
where none is at hand: what runs under it makes every tensor on the device of the model, or in main memory on purpose.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import mediate
from mediate.passes.store import Store
from mediate.results.kinds import KINDS, Method, parse_kind
from mediate.tasks import modular_pairs

PACKAGE = Path(mediate.__file__).parent
# A map of each kind, of the twin's; with each method, and each reference value.
TWIN = (
    "read:step,layer", "read.window2:step,layer", "relayed:step", "knockout:layer,head", "step_graph.read:step,result",
    "step_graph.state:step,result", "graft:step", "interaction:step,later", "state.resid_pre:step,layer",
    "state.z.denoising:layer,head", "attribution.z:layer,head", "attribution.resid_pre.ig:step,layer",
    "attribution.attn_out.graddrop:step,layer", "attribution.q.qkfix:layer,head", "attribution.mlp_out.relp:step",
)  # fmt: skip
ALONE = (
    "knockout:step",
    *(f"ablate.{each}.resid_pre:step" for each in ("zero", "mean", "other", "shuffled", "noise")),
    "attribution.zero.z:layer,head",
)
# What makes tensors, and takes the default device where it is given none.
MAKERS = {
    "tensor",
    "zeros",
    "ones",
    "full",
    "arange",
    "empty",
    "linspace",
    "eye",
    "rand",
    "randn",
    "randint",
    "randperm",
}
# Where models are put on a device.
HOMES = ("models/gpu.py", "models/loading.py")
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


@pytest.fixture(scope="module")
def model() -> mediate.Model:
    return mediate.load("reference-0.1m")


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """The default device is one that holds no data."""
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


def test_all_kinds_are_tried() -> None:
    named = {parse_kind(each.partition(":")[0]) for each in (*TWIN, *ALONE)}
    assert {each.of.name for each in named} == {each.name for each in KINDS if each.home}
    assert {each.method for each in named if each.of.methods} >= set(Method)


@pytest.mark.parametrize(("against", "maps"), [("twin", TWIN), ("hidden", ALONE), ("other", ALONE)])
@pytest.mark.usefixtures("elsewhere")
def test_cubes_maps_and_controls(model: mediate.Model, against: str, maps: tuple[str, ...]) -> None:
    scores = mediate.score(
        model, modular_pairs(2, seed=0), against=against, maps=maps, control_pairs=1, store=False, progress=False
    )
    assert not scores.results.rejects
    assert len(scores.results.maps) == 2 * len(maps)
    assert scores.results.controls


@pytest.mark.usefixtures("elsewhere")
def test_entries_are_kept_and_read_back(model: mediate.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path))
    how: dict[str, Any] = {"maps": ["read:step,layer"], "control_pairs": 2, "progress": False}
    pairs = modular_pairs(3, seed=0, with_cot=False)
    first, again = (mediate.score(model, pairs, **how).table() for _ in range(2))
    assert first.equals(again)
    assert not list(Store().root.rglob("*.corrupt"))


@pytest.mark.usefixtures("elsewhere")
def test_behaviour_and_traces(model: mediate.Model) -> None:
    pairs = modular_pairs(3, seed=0)
    quick: dict[str, Any] = {"store": False, "progress": False}
    tested = mediate.faithfulness(model, pairs, maps=[], control_pairs=0, **quick)
    assert {row.reading for row in tested.results.behaviour} == {"at_once", "continued"}
    assert mediate.score_traces(model, pairs, **quick).results.traces
    assert mediate.rsd(model, model, pairs, traces=2, **quick).results.traces


def test_no_tensor_is_made_without_its_device() -> None:
    """What the runs above do not reach: every call of a maker names the device."""
    found = [
        f"{path.relative_to(PACKAGE)}:{call.lineno}"
        for path, call in calls()
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and (call.func.value.id, call.func.attr in MAKERS) == ("torch", True)
        and not any(each.arg == "device" for each in call.keywords)
    ]
    assert not found


def test_no_device_is_named() -> None:
    """Which one a model is on is said where it is loaded; what is kept is moved to main memory by `.cpu()`."""
    allowed = {id(each) for _, call in calls() if ast.unparse(call.func) == "load" for each in ast.walk(call)}
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path, tree in TREES.items()
        if str(path.relative_to(PACKAGE)) not in HOMES
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in ("cpu", "cuda") and id(node) not in allowed
    ]
    assert found == []


def test_cuda_is_asked_in_one_place() -> None:
    found = {
        str(path.relative_to(PACKAGE))
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.cuda"
    }
    assert found == {"models/gpu.py"}


def calls() -> Iterator[tuple[Path, ast.Call]]:
    """Every call in the package."""
    for path, tree in TREES.items():
        yield from ((path, node) for node in ast.walk(tree) if isinstance(node, ast.Call))
