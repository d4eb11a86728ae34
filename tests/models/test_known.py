"""What is known of a model by its name alone."""

import pytest

from mediate.errors import InputError
from mediate.models.known import is_reference, known_template, nearest_name, respelt_name
from mediate.models.source import resolve


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


def test_an_adapter_changes_no_template() -> None:
    assert known_template("reference-0.1m+mine") == "none"
    assert known_template("smollm2-135m-instruct+mine") == "few-shot"
    assert known_template("SmolLM2-135M-Instruct") == "few-shot"
    assert known_template("other") is None
    assert is_reference("reference-4m-needed")
    assert not is_reference("reference")
