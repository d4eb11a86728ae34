"""What a model's name stands for; nothing is loaded here."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mediate.errors import InputError
from mediate.models.origin import Origin, OriginKind, has_tokenizer, resolve, tuned_template


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def folder(path: Path, *files: str, text: str = "{}") -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name in files:
        (path / name).write_text(text)
    return path


def model(path: Path) -> Path:
    return folder(path, "config.json", "model.safetensors")


def adapter(path: Path, base: str | None = None) -> Path:
    content = {"peft_type": "LORA"} | ({"base_model_name_or_path": base} if base else {})
    folder(path, "adapter_config.json", text=json.dumps(content))
    return folder(path, "adapter_model.safetensors")


def test_a_folder(tmp_path: Path) -> None:
    path = model(tmp_path / "deep" / "mine")
    wanted = Origin(OriginKind.FOLDER, str(path), "mine")
    assert resolve(path) == resolve(str(path)) == resolve(f"{path}/") == wanted


def test_a_folder_by_its_relative_name_comes_before_the_hub(tmp_path: Path) -> None:
    assert resolve("org/name").kind is OriginKind.HUB
    model(tmp_path / "org" / "name")
    assert resolve("org/name") == Origin(OriginKind.FOLDER, "org/name", "name")


def test_the_home_folder_is_spelled_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    model(tmp_path / "mine")
    assert resolve("~/mine").location == str(tmp_path / "mine")


@pytest.mark.parametrize("name", ["gpt2", "Qwen/Qwen2.5-0.5B", "a_b/c-d.e"])
def test_a_hub_id(name: str) -> None:
    assert resolve(name) == Origin(OriginKind.HUB, name, name)


def test_a_gguf_file(tmp_path: Path) -> None:
    folder(tmp_path, "tiny.Q4.gguf")
    folder(tmp_path / "smollm2", "model.gguf")
    assert resolve(tmp_path / "smollm2" / "model.gguf").name == "smollm2"
    assert resolve(tmp_path / "tiny.Q4.gguf") == Origin(OriginKind.GGUF, str(tmp_path / "tiny.Q4.gguf"), "tiny.Q4")


def test_a_fetched_model_and_one_that_is_not(cache: Path) -> None:
    name = "smollm2-135m-instruct"
    with pytest.raises(InputError, match=f"mediate models fetch {name}"):
        resolve(name)
    folder(cache / "models", f"{name}.gguf")
    assert resolve(name) == Origin(OriginKind.GGUF, str(cache / "models" / f"{name}.gguf"), name)


def test_a_base_with_an_adapter_in_both_spellings(tmp_path: Path) -> None:
    base, lora = model(tmp_path / "base"), adapter(tmp_path / "lora")
    wanted = Origin(OriginKind.FOLDER, str(base), "base+lora", lora)
    assert resolve(f"{base}+{lora}") == resolve(base, lora) == resolve(str(base), str(lora)) == wanted
    assert resolve(f"gpt2+{lora}") == Origin(OriginKind.HUB, "gpt2", "gpt2+lora", lora)


def test_a_folder_with_a_plus_in_its_name(tmp_path: Path) -> None:
    assert resolve(model(tmp_path / "base+more")) == Origin(OriginKind.FOLDER, str(tmp_path / "base+more"), "base+more")


@pytest.mark.parametrize("files", [(), ("config.json",)])
def test_an_adapter_alone_names_its_base(tmp_path: Path, files: tuple[str, ...]) -> None:
    base = model(tmp_path / "base")
    lora = folder(adapter(tmp_path / "lora", str(base)), *files)
    assert resolve(lora) == Origin(OriginKind.FOLDER, str(base), "base+lora", lora)


def bad_adapter(path: Path, text: str) -> Path:
    return folder(path, "adapter_config.json", "adapter_model.safetensors", text=text)


def model_and_adapter(path: Path) -> Path:
    return folder(adapter(path), "config.json", "model.safetensors")


NAME = "give a folder, a .gguf file"
PEFT = "give the folder that peft saved"
# By case: the model and the adapter, made below a folder; the place that the line names; the remedy.
REFUSED: dict[str, tuple[Callable[[Path], tuple[str | Path, Path | None]], str, str]] = {
    "no such path": (lambda at: (at / "nowhere", None), "nowhere", NAME),
    "no such file": (lambda at: ("gone.gguf", None), "gone.gguf", NAME),
    "a url": (lambda at: ("https://host/model", None), "https://host/model", NAME),
    "three parts": (lambda at: ("a/b/c", None), "a/b/c", NAME),
    "a file of another kind": (lambda at: (folder(at, "w.txt") / "w.txt", None), "w.txt", "give a .gguf file"),
    "no config.json": (lambda at: (folder(at / "mine", "model.safetensors"), None), "mine", "give the folder"),
    "no weights": (lambda at: (folder(at / "mine", "config.json"), None), "mine", "save_pretrained"),
    "pickled": (
        lambda at: (folder(at / "mine", "config.json", "pytorch_model.bin"), None),
        "mine",
        "safe_serialization",
    ),
    "a torch file": (lambda at: (folder(at / "mine", "config.json", "m.pt"), None), "mine", "safe_serialization=True"),
    "model and adapter in one": (lambda at: (model_and_adapter(at / "both"), None), "both", "move one"),
    "both, as a base": (lambda at: (model_and_adapter(at / "both"), adapter(at / "lora")), "both", "move one"),
    "an adapter as a base": (lambda at: (adapter(at / "lora"), adapter(at / "other")), "lora", "give the base model"),
    "its own base": (lambda at: (adapter(at / "lora", str(at / "lora")), None), "lora", "give the base model"),
    "no base named": (lambda at: (adapter(at / "lora"), None), "adapter_config.json", "give it as BASE+"),
    "no such adapter": (lambda at: (model(at / "mine"), at / "gone"), "gone", PEFT),
    "a model as adapter": (lambda at: (model(at / "mine"), at / "mine"), "mine", PEFT),
    "a pickled adapter": (
        lambda at: (model(at / "mine"), folder(at / "lora", "adapter_config.json", "adapter_model.bin")),
        "lora: holds no adapter_model.safetensors",
        "save it again",
    ),
    "half a configuration": (
        lambda at: (bad_adapter(at / "lora", "{"), None),
        "adapter_config.json",
        "save the adapter",
    ),
    "a list in its place": (
        lambda at: (bad_adapter(at / "lora", "[]"), None),
        "adapter_config.json",
        "save the adapter",
    ),
    "nobody's home": (lambda at: ("~nobody-of-this-name/m", None), "~nobody-of-this-name/m", NAME),
    "a very long name": (lambda at: ("a" * 5000, None), "aaaa", NAME),
    "a line break": (lambda at: ("two\nlines", None), "two\\nlines", NAME),
    "a NUL": (lambda at: ("a\0b", None), "a\\x00b", NAME),
    "nothing after the plus": (lambda at: (f"{model(at / 'mine')}+", None), "holds no adapter", PEFT),
}


@pytest.mark.parametrize(("made", "place", "remedy"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_model_is_refused_in_one_line(
    tmp_path: Path, made: Callable[[Path], tuple[str | Path, Path | None]], place: str, remedy: str
) -> None:
    with pytest.raises(InputError) as caught:
        resolve(*made(tmp_path))
    said = str(caught.value)
    assert place in said
    assert remedy in said
    assert "\n" not in said
    assert len(said) < 400


@pytest.mark.parametrize(("file", "found"), [("tokenizer.json", True), ("vocab.txt", True), ("config.json", False)])
def test_a_tokenizer_is_its_own_files(tmp_path: Path, file: str, found: bool) -> None:
    assert has_tokenizer(folder(tmp_path / "model", file)) == found


def test_a_tuned_folder_says_after_which_template_it_was_tuned(tmp_path: Path) -> None:
    origin = Origin(OriginKind.FOLDER, str(tmp_path), "m")
    assert tuned_template(origin) is None
    for spec, style in (
        ({"template": "none", "template_text": ""}, "none"),
        ({"template": "few-shot", "template_text": "Q: {question}"}, "completion"),
        ({"template": "mine.jinja", "template_text": "{% for m in messages %}{% endfor %}"}, "chat"),
    ):
        (tmp_path / "tuning.json").write_text(json.dumps({"spec": spec}))
        found = tuned_template(origin)
        assert found is not None
        assert (found.style, found.name) == (style, spec["template"])
    (tmp_path / "tuning.json").write_text("[]")
    assert tuned_template(origin) is None
