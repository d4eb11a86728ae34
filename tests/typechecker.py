"""The type checker that the tests run the package under: beartype, once a signature, and when it is first needed.

The import hook of jaxtyping has every function checked as it is defined, one inside another each time that the outer
one runs. What it hands over holds nothing but the signature, so that functions of one signature share one check.
`tests/whole/test_typechecker.py` makes all that are still to be made, as an import would.
"""

from collections.abc import Callable, Hashable
from types import FunctionType
from typing import Any, Literal, get_args, get_origin

from beartype import beartype
from jaxtyping import AbstractArray

_made: dict[Hashable, Callable[..., Any]] = {}
_waiting: dict[Hashable, FunctionType] = {}


def checked(function: FunctionType) -> Callable[..., Any]:
    """The function with its arguments and what it returns checked, from its first call on."""
    code = function.__code__
    kinds = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, code.co_varnames)
    hints = tuple((name, _as_written(hint)) for name, hint in function.__annotations__.items())
    key = (function.__module__, function.__qualname__, kinds, hints)
    try:
        if key in _made:
            return _made[key]
    except TypeError:  # an annotation without a hash
        return beartype(function)
    _waiting[key] = function
    check = None

    def ask(*args: Any, **options: Any) -> Any:
        nonlocal check
        if check is None:
            check = _made.get(key) or _make(key)
        return check(*args, **options)

    return ask


def make_all() -> int:
    """Makes the checks that nothing has needed yet; how many there were. A signature that cannot be checked raises."""
    keys = list(_waiting)
    for key in keys:
        _make(key)
    return len(keys)


def _make(key: Hashable) -> Callable[..., Any]:
    _made[key] = beartype(_waiting[key])
    del _waiting[key]
    return _made[key]


def _as_written(hint: Any) -> Any:
    """An annotation such that two that say the same are equal: each `Float[Tensor, "..."]` is a class of its own."""
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return hint.dtype, hint.array_type, hint.dim_str
    if isinstance(hint, list):  # the arguments of a Callable
        return tuple(map(_as_written, hint))
    if get_origin(hint) is Literal:  # whose 1 is not its True
        return hint
    return (get_origin(hint), *map(_as_written, get_args(hint))) if get_args(hint) else hint
