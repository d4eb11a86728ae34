"""A model that changed under the same name is another one, and what changed is named; on copies of one small folder."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from mediate.models.file_sums import model_sums
from mediate.models.identity import model_differences, version_differences
from mediate.models.loading import load_unchecked
from mediate.models.origin import resolve
from tests.models.folders import copied, edit, saved, saved_adapter

NAME = "m"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("before") / NAME)


def one_weight(folder: Path) -> None:
    file = folder / "model.safetensors"
    weights = load_file(file)
    first = sorted(weights)[0]
    weights[first].view(-1)[0] += 1e-3
    save_file(weights, file, metadata={"format": "pt"})


def configuration(folder: Path) -> None:
    edit(folder / "config.json", rms_norm_eps=1e-3)


def vocabulary(folder: Path) -> None:
    rules = json.loads((folder / "tokenizer.json").read_text())
    words = rules["model"]["vocab"]
    one, other = sorted(words, key=lambda word: words[word])[10:12]
    words[one], words[other] = words[other], words[one]
    (folder / "tokenizer.json").write_text(json.dumps(rules))


def chat_template(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}")


def ends(folder: Path) -> None:
    edit(folder / "generation_config.json", eos_token_id=[7])


CHANGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "one weight": (
        one_weight,
        "the model 'm' has other weights there (changed: model.safetensors)",
    ),
    "configuration": (
        configuration,
        "the model 'm' has another configuration there (changed: config.json)",
    ),
    "tokenizer": (vocabulary, "the model 'm' has another tokenizer there (changed: tokenizer.json)"),
    "chat template": (
        chat_template,
        "the model 'm' has another tokenizer there (changed: chat_template.jinja)",
    ),
    "end of a text": (ends, "the model's end of a text, in tokens, is [] there and [7] here"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_in_a_folder_is_named(before: Path, tmp_path: Path, change: str) -> None:
    there = load_unchecked(before).describe()
    after = copied(before, tmp_path / NAME)
    assert model_differences(there, load_unchecked(after).describe()) == []
    mend, said = CHANGES[change]
    mend(after)
    here = load_unchecked(after).describe()
    found = model_differences(json.loads(json.dumps(there)), here)
    assert [line.replace(str(here["ends"]), "[7]") for line in found] == [said]
    assert model_sums(resolve(before)) == there["files"] != here["files"] == model_sums(resolve(after))


def test_another_adapter_of_the_same_name_is_another_model(before: Path, tmp_path: Path) -> None:
    adapter = saved_adapter(tmp_path / "one" / "lora", before)
    there = load_unchecked(before, adapter=adapter).describe()
    other = copied(adapter, tmp_path / "other" / "lora")
    file = other / "adapter_model.safetensors"
    weights = load_file(file)
    weights[sorted(weights)[0]].view(-1)[0] += 0.5
    save_file(weights, file)
    here = load_unchecked(before, adapter=other).describe()
    assert model_differences(there, here) == [
        f"the model 'm+lora' has other weights there (changed: adapter/{file.name})"
    ]


def test_another_dtype_is_named(before: Path) -> None:
    there, here = load_unchecked(before).describe(), load_unchecked(before, dtype="float64").describe()
    assert "the model's dtype is 'float32' there and 'float64' here" in model_differences(there, here)


def test_another_revision_is_named_with_its_weights() -> None:
    there = {"name": "a/b", "fingerprint": "1", "revision": "c0ffee"}
    here = there | {"fingerprint": "2", "revision": "decade"}
    assert model_differences(there, here) == [
        "the model 'a/b' has other weights there (revision 'c0ffee' there and 'decade' here)"
    ]
    assert model_differences(there, there | {"revision": "decade"}) == []


def test_another_attention_is_named_and_runs_of_before_said_none() -> None:
    there = {"name": "a", "attention": "sdpa"}
    assert model_differences(there, {"name": "a", "attention": "eager"}) == [
        "the model's attention is 'sdpa' there and 'eager' here"
    ]
    assert model_differences({"name": "a"}, {"name": "a", "attention": "eager", "ends": [3]}) == []


@pytest.mark.parametrize("name", ["numerics", "torch", "transformers", "transformer-lens", "mediate"])
def test_another_version_is_named(name: str) -> None:
    from mediate.scoring.rundir import versions

    here = versions()
    assert version_differences(here | {name: "0"}, here) == [f"{name} is '0' there and {here[name]!r} here"]
