"""What makes a stored model another one, and what is a record of it."""

import pytest

from mediate.models.identity import device_differences, model_differences, run_key, version_differences

FACTS = {
    "name": "small",
    "fingerprint": "aa",
    "tokenizer": "bb",
    "architecture": "LlamaForCausalLM",
    "dtype": "float32",
    "device": "cpu",
    "context": 64,
    "checks": [{"name": "logits as in transformers", "error": 8.1e-06, "tolerance": 1e-4, "passed": True}],
    "refused_sites": {},
}


@pytest.mark.parametrize(
    "changes",
    [
        {"checks": [{"name": "logits as in transformers", "error": 9.3e-06, "tolerance": 1e-4, "passed": True}]},
        {"checks": [], "refused_sites": {"z": "why"}},
        {"device": "cuda:0"},
        {"device": "cuda:1"},
        {"name": "the same in another folder"},
        {"new": "facts of a later version"},
    ],
)
def test_a_record_makes_no_other_model(changes: dict[str, object]) -> None:
    assert model_differences(FACTS | changes, FACTS) == []
    assert model_differences({"original": FACTS | changes, "tuned": FACTS}, {"original": FACTS, "tuned": FACTS}) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "large", "fingerprint": "cc", "tokenizer": "bb"}, ["the model is 'large' there and 'small' here"]),
        ({"fingerprint": "cc"}, ["the model 'small' has other weights there"]),
        ({"architecture": "GPT2LMHeadModel"}, ["the model 'small' has other weights there"]),
        ({"tokenizer": "cc"}, ["the model 'small' has another tokenizer there"]),
        ({"dtype": "float64"}, ["the model's dtype is 'float64' there and 'float32' here"]),
        (
            {"name": "large", "fingerprint": "cc", "dtype": "float16"},
            ["the model is 'large' there and 'small' here", "the model's dtype is 'float16' there and 'float32' here"],
        ),
    ],
)
def test_another_model_is_named(changes: dict[str, object], said: list[str]) -> None:
    assert model_differences(FACTS | changes, FACTS) == said
    two = {"original": FACTS, "tuned": FACTS}
    assert model_differences(two | {"tuned": FACTS | changes}, two) == [
        line.replace("the model", "the tuned model") for line in said
    ]


@pytest.mark.parametrize("found", [None, [], "small"])
def test_a_manifest_without_a_model_is_of_another(found: object) -> None:
    assert model_differences(found, FACTS) == ["the model is not told there"]
    assert model_differences({"original": FACTS}, {"original": FACTS, "tuned": FACTS}) == [
        "the tuned model is not told there"
    ]


def test_python_and_a_build_are_a_record_and_a_release_is_not() -> None:
    here = {"mediate": "0.1.0", "numerics": "2", "python": "3.12.1", "torch": "2.13.0+cpu"}
    assert version_differences(here | {"python": "3.11.9", "torch": "2.13.0+cu126"}, here) == []
    assert version_differences(here | {"torch": "2.12.0+cpu", "numerics": "1"}, here) == [
        "numerics is '1' there and '2' here",
        "torch is '2.12.0+cpu' there and '2.13.0+cpu' here",
    ]
    assert len(version_differences(None, here)) == 3


def test_a_run_goes_on_on_the_kind_of_device_that_began_it() -> None:
    assert device_differences(FACTS | {"device": "cuda:0"}, FACTS) == ["the device is 'cuda' there and 'cpu' here"]
    assert device_differences(FACTS | {"device": "cuda:0"}, FACTS | {"device": "cuda:1"}) == []
    assert device_differences({"tuned": FACTS | {"device": "mps"}}, {"tuned": FACTS}) == [
        "the device is 'mps' there and 'cpu' here"
    ]
    assert device_differences(None, FACTS) == device_differences({"name": "small"}, FACTS) == []


def test_the_key_is_over_what_makes_a_run_and_no_record() -> None:
    run = {"spec": {"seed": 0}, "model": FACTS, "versions": {"torch": "2.13.0+cpu", "python": "3.11"}}
    same = run | {"model": FACTS | {"device": "cuda", "files": {"a": "b"}}, "versions": {"torch": "2.13.0+cu1"}}
    assert run_key(run) == run_key(same)
    for other in ({"spec": {"seed": 1}}, {"model": FACTS | {"dtype": "float64"}}, {"versions": {"torch": "2.12.0"}}):
        assert run_key(run) != run_key(run | other)
    assert run_key({"model": {"tuned": FACTS}}) != run_key({"model": {"tuned": FACTS | {"fingerprint": "cc"}}})
    with pytest.raises(ValueError, match="not JSON compliant"):
        run_key({"spec": {"level": float("nan")}})
