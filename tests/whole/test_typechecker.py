"""Every function of the package has a signature that can be checked, also one that no test calls."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from typing import NoReturn

import pytest
from jaxtyping import Float, TypeCheckError, jaxtyped
from torch import Tensor, zeros

import mediate
from tests import typechecker


def test_every_signature_can_be_checked() -> None:
    for module in pkgutil.walk_packages(mediate.__path__, "mediate."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert not [each for each in typechecker._waiting if each[0] == __name__]
    typechecker.make_all()
    assert typechecker.make_all() == 0
    assert {key[0].partition(".")[0] for key in typechecker._made} == {"mediate"}


def test_signatures_are_told_apart_and_share_a_check_where_they_are_one() -> None:
    def defined(shape: str) -> object:
        @jaxtyped(typechecker=typechecker.checked)
        def function(values: Float[Tensor, shape]) -> Float[Tensor, shape]:
            return values if values.shape[0] else values.int()

        return function

    rows, first = defined("2 rows"), defined("rows")
    made = len(typechecker._made)
    for function, good, bad in ((rows, zeros(2, 3), zeros(3)), (first, zeros(3), zeros(2, 3))):
        assert function(good) is good
        with pytest.raises(TypeCheckError, match="values"):
            function(bad)
    after = len(typechecker._made)
    again = defined("rows")
    assert again(zeros(4)).shape == (4,)
    assert made < after == len(typechecker._made)
    with pytest.raises(TypeCheckError, match="return value"):
        again(zeros(0))


def test_a_dimension_has_one_size_in_a_call_and_another_in_the_next() -> None:
    def dropped(values: Float[Tensor, " rows"], other: Float[Tensor, " rows"]) -> Float[Tensor, " rows"]:
        return values if len(values) == 0 else shorter(values)

    def shorter(values: Float[Tensor, " rows"]) -> Float[Tensor, " fewer"]:
        return values[1:]

    dropped, shorter = typechecker.checked(dropped), typechecker.checked(shorter)
    assert dropped(zeros(0), zeros(0)).shape == (0,)
    with pytest.raises(TypeCheckError, match=r"(?s)arguments of .*dropped.*rows=3"):
        dropped(zeros(3), other=zeros(2))
    with pytest.raises(TypeCheckError, match=r"(?s)return value of .*dropped.*rows=2"):
        dropped(zeros(2), other=zeros(2))


def test_fields_of_dataclasses_are_checked() -> None:
    @typechecker.checked
    @dataclasses.dataclass(frozen=True)
    class Measured:
        values: Float[Tensor, " item"]
        name: str = "values"

    assert Measured(zeros(2)).name == "values"
    for fields in ({"values": zeros(2, 2)}, {"values": zeros(2), "name": 1}):
        with pytest.raises(TypeCheckError, match="arguments of"):
            Measured(**fields)


def test_what_is_yielded_and_what_never_returns_have_signatures_too() -> None:
    @typechecker.checked
    def numbers(upto: int) -> Iterator[int]:
        yield from range(upto)

    @typechecker.checked
    def ended(how: "str" = "badly") -> NoReturn:
        raise SystemExit(how)

    assert list(numbers(3)) == [0, 1, 2]
    with pytest.raises(TypeCheckError, match="numbers"):
        numbers("3")
    with pytest.raises(SystemExit, match="badly"):
        ended()
    with pytest.raises(TypeCheckError, match="ended"):
        ended(1)
    with pytest.raises(TypeError, match="ended"):
        ended(where="here")
