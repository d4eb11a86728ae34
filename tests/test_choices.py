"""A choice's field says what it may be, in a refusal, in a docstring and in a table."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

from mediate.choices import bounds, checked_choices, described, fields_of, made, with_choices
from mediate.errors import InputError, short
from mediate.models.load_spec import LoadSpec, make_load_spec


@described
class Spec(BaseModel):
    """Choices.

    Raises:
        ValueError: Some.
    """

    model_config = {"extra": "forbid"}

    share: float = Field(default=0.5, gt=0, le=1, description="A share " + "of a long sentence " * 9 + "that ends.")
    kind: Literal["a", "b"] = Field(default="a", description="A kind.")
    unsaid: int = 1


@described
@dataclass(frozen=True)
class Record:
    """Choices of a record."""

    needed: int
    count: Annotated[int, Field(ge=2, description="A count.")] = 3
    kind: Annotated[Literal["a", "b"], Field(description="A kind.")] = "a"

    def __post_init__(self) -> None:
        checked_choices(fields_of(Record), {"count": self.count, "kind": self.kind})


def test_fields_with_a_sentence_are_choices() -> None:
    assert list(fields_of(Spec)) == ["share", "kind"]
    assert [(name, field.default) for name, field in fields_of(Record).items()] == [("count", 3), ("kind", "a")]


def test_bounds_are_told() -> None:
    assert bounds(Field(ge=2, le=6)) == "from 2 to 6"
    assert bounds(fields_of(Spec)["share"]) == "above 0 and up to 1"
    assert bounds(fields_of(Record)["count"]) == "from 2"
    assert bounds(fields_of(Spec)["kind"]) == ""
    assert bounds(FieldInfo(annotation=int, ge=0, lt=2**32)) == "from 0 and below 4294967296"


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"sahre": 1}, "no option 'sahre'; there are share, kind, unsaid"),
        ({"share": 2}, "option 'share': .*, and it is 2; give a number above 0 and up to 1"),
        ({"kind": "c"}, "option 'kind': .*'a' or 'b'"),
    ],
)
def test_a_wrong_choice_is_one_line(choices: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        made(Spec, choices)
    assert "\n" not in str(error.value)


def test_a_record_refuses_what_its_fields_cannot_be() -> None:
    assert Record(0, 2).count == 2
    with pytest.raises(InputError, match="count is 1; give a number from 2"):
        Record(0, 1)
    with pytest.raises(InputError, match="kind is 'c'; give one of a, b"):
        checked_choices(fields_of(Record), {"kind": "c"})


def test_docstrings_list_choices_before_what_is_raised() -> None:
    lines = (Spec.__doc__ or "").splitlines()
    assert lines[2] == "    Attributes:"
    assert lines[3].startswith("        share: A share of")
    assert lines[4].startswith("            ")
    assert max(map(len, lines)) <= 116
    assert "        kind: A kind." in lines
    assert lines.index("    Raises:") > lines.index("        kind: A kind.")
    assert "unsaid" not in (Spec.__doc__ or "")

    @with_choices(fields_of(Record), heading="Choices")
    def call() -> None:
        """Does."""

    assert call.__doc__ == "Does.\n\n    Choices:\n        count: A count.\n        kind: A kind.\n"


def test_long_values_are_shortened() -> None:
    assert short("abc") == "'abc'"
    assert short("x" * 99) == "'" + "x" * 36 + "..."
    assert len(short("x" * 99, 60)) == 60


def test_a_value_is_taken_as_its_kind() -> None:
    assert make_load_spec(copy="no").copy is False  # type: ignore[arg-type]
    assert make_load_spec(adapter=Path("a"), copy=0) == LoadSpec(adapter=Path("a"), copy=False)  # type: ignore[arg-type]
    assert checked_choices(fields_of(Record), {"count": "4"}) == {"count": 4, "kind": "a"}
    with pytest.raises(InputError, match="copy is 'perhaps'"):
        make_load_spec(copy="perhaps")  # type: ignore[arg-type]
