"""Every function of the package has a signature that can be checked, also one that no test calls."""

import importlib
import pkgutil

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
