"""What is known of a model by its name alone."""

import pytest
from typer.testing import CliRunner

from mediate.cli import app
from mediate.cli.options import check_model
from mediate.errors import InputError
from mediate.models import hub
from mediate.models.known import is_reference, known_template, nearest_name, respelt_name
from mediate.models.loading import load_tokenizer_of
from mediate.models.loading import load_unchecked as load
from mediate.models.origin import resolve

runner = CliRunner()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("smollm2-135m", "smollm2-135m-instruct"),
        ("HuggingFaceTB/SmolLM2-135M-Instuct", "HuggingFaceTB/SmolLM2-135M-Instruct"),
        ("reference-0.1", "reference-0.1m"),
        ("reference-4m-decorativ", "reference-4m-decorative"),
        ("nope", None),
        ("gpt2", None),
    ],
)
def test_the_nearest_name_is_offered_where_one_is_near(name: str, nearest: str | None) -> None:
    assert nearest_name(name) == nearest


def test_another_spelling_in_capitals_is_refused_without_asking_the_hub() -> None:
    assert respelt_name("Reference-0.1M") == "reference-0.1m"
    assert respelt_name("reference-0.1m") is None
    with pytest.raises(InputError, match=r"no model named 'Reference-0\.1M'; did you mean 'reference-0\.1m'\?"):
        resolve("Reference-0.1M")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("refrence-0.1m", "reference-0.1m"),
        ("reference-0.1m-needd", "reference-0.1m-needed"),
        ("REFERENCE_4M", "reference-4m"),
        ("smollm2-135m", "smollm2-135m-instruct"),
        ("huggingfacetb/smollm2-135m-instruct", "HuggingFaceTB/SmolLM2-135M-Instruct"),
    ],
)
def test_a_misspelt_name_is_refused_at_once_in_every_command(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "answers", lambda _: pytest.fail("the hub was asked"))
    said = rf"^no model named '{name}'; did you mean '{meant}'\?$"
    for refused in (resolve, check_model, load, load_tokenizer_of, lambda given: resolve(f"{given}+adapter")):
        with pytest.raises(InputError, match=said):
            refused(name)
    assert isinstance(runner.invoke(app, ["check", "--model", name]).exception, InputError)


@pytest.mark.parametrize("name", ["gpt2", "distilgpt2", "someone/reference-0.1", "HuggingFaceTB/SmolLM2-135M"])
def test_a_name_that_may_be_the_hubs_is_left_to_it(name: str) -> None:
    assert respelt_name(name) is None
    assert resolve(name).location == name


def test_an_adapter_changes_no_template() -> None:
    assert known_template("reference-0.1m+mine") == "none"
    assert known_template("smollm2-135m-instruct+mine") == "few-shot"
    assert known_template("SmolLM2-135M-Instruct") == "few-shot"
    assert known_template("other") is None
    assert is_reference("reference-4m-needed")
    assert not is_reference("reference")
