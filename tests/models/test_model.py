"""The record of a loaded model: what it has, what it refuses, and what goes into a manifest."""

import dataclasses
import json
import math

import pytest
import torch

from mediate.errors import InputError
from mediate.models.model import Check, Model
from mediate.models.sites import Component
from tests import tiny


def with_refusals() -> Model:
    checks = (
        Check("logits as in transformers", None, 1e-7, 1e-5),
        Check("full swap", Component.Z, math.nan, 1e-5, "off by nan"),
        Check("full swap", Component.K, math.inf, 1e-5, "does not run"),
        Check("re-rotated keys", Component.Q, 0.0, 0.0),
    )
    refused = {Component.Z: "at load, 'full swap' was off", Component.K: "no such hook point"}
    return dataclasses.replace(tiny.model("llama"), checks=checks, refused=refused)


@pytest.mark.parametrize(
    ("error", "tolerance", "passed"),
    [(0.0, 0.0, True), (1e-6, 1e-5, True), (1e-4, 1e-5, False), (math.nan, 1.0, False), (math.inf, 1.0, False)],
)
def test_a_check_passes_within_its_tolerance(error: float, tolerance: float, passed: bool) -> None:
    assert Check("any", None, error, tolerance).passed == passed


def test_a_refused_component_says_why_and_what_there_is() -> None:
    model = with_refusals()
    assert model.need(Component.V) is Component.V
    with pytest.raises(InputError, match="does not offer z: at load, 'full swap' was off; it offers") as caught:
        model.need(Component.Z)
    offered = str(caught.value).split("it offers ")[1].split(", ")
    assert offered == [component for component in Component if component not in (Component.Z, Component.K)]


def test_a_check_of_the_model_is_found_by_name() -> None:
    model = with_refusals()
    assert model.check("logits as in transformers").error == 1e-7
    with pytest.raises(StopIteration):
        model.check("full swap")  # of a component, not of the model


def test_its_description_is_json_without_nan() -> None:
    said = with_refusals().describe()
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert [check["error"] for check in said["checks"]] == [1e-7, None, None, 0.0]
    assert [check["passed"] for check in said["checks"]] == [True, False, False, True]
    assert [check["site"] for check in said["checks"]] == ["model", "z", "k", "q"]
    assert said["refused_sites"] == {"z": "at load, 'full swap' was off", "k": "no such hook point"}
    assert said["fingerprint"] == tiny.model("llama").facts.fingerprint


def test_where_and_what_it_is() -> None:
    model = tiny.model("llama")
    assert (model.device, model.dtype) == (torch.device("cpu"), torch.float32)
    assert repr(model) == "Model('LlamaForCausalLM', LlamaForCausalLM, 3 layers, 28,832 parameters, float32, cpu)"
    assert model.plain is model.bridge.original_model
    assert model.need_tokenizer() is model.tokenizer
