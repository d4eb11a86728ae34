"""What the tests run the package under: every function with its arguments and its result checked, shapes among them.

jaxtyping's import hook decorates functions and dataclasses, and beartype checks. jaxtyping's own decorator binds all
arguments by name in each call and checks them twice, which was a quarter of the time of the tests; `checked` stands in
its place. It checks the arguments, calls, and checks what is returned, all three in one of jaxtyping's contexts, where
a dimension has one size. A check holds nothing but a signature: it is made when it is first needed, and functions of
one signature share it, as those do that are defined anew each time that an outer one runs.
`tests/whole/test_typechecker.py` makes all that are still to be made, as an import would.
"""

import contextlib
import dataclasses
import functools
import inspect
import io
from collections.abc import Callable, Hashable, Iterator
from types import FunctionType
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import jaxtyping
from beartype import beartype
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import AbstractArray, TypeCheckError, print_bindings

in_context = functools.partial(jaxtyping.jaxtyped, "context")
EMPTY = inspect.Parameter.empty


class Check(NamedTuple):
    """A signature as functions that do nothing but check."""

    arguments: Callable[..., Any]
    result: Callable[[Any], Any] | None
    shaped: bool


_made: dict[Hashable, Check] = {}
_waiting: dict[Hashable, FunctionType] = {}


def install() -> None:
    """Has jaxtyping's import hook decorate with the type checker that it is given, and with nothing around it."""
    jaxtyping.jaxtyped = lambda *, typechecker: typechecker


def checked(function: Any) -> Any:
    """The function, or the making of a dataclass, with its arguments and what it returns checked."""
    if isinstance(function, type):
        if dataclasses.is_dataclass(function) and not hasattr(function.__init__, "__wrapped__"):
            function.__init__ = checked(function.__init__)
        return function
    key = _key(function)
    if key not in _made:
        _waiting[key] = function
    check: Check | None = None

    @functools.wraps(function)
    def called(*args: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        nonlocal check
        if check is None:
            check = _made.get(key) or _make(key)
        if check.shaped:
            with in_context():
                return _within(check, function, args, options)
        return _within(check, function, args, options)

    return called


def make_all() -> int:
    """Makes the checks that nothing has needed yet; how many there were. A signature that cannot be checked raises."""
    keys = list(_waiting)
    for key in keys:
        _make(key)
    return len(keys)


def _within(check: Check, function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    __tracebackhide__ = True
    try:
        check.arguments(*args, **options)
    except BeartypeCallHintViolation as violation:
        raise _told("arguments", function, violation) from None
    value = function(*args, **options)
    if check.result is not None:
        try:
            check.result(value)
        except BeartypeCallHintViolation as violation:
            raise _told("return value", function, violation) from None
    return value


def _told(what: str, function: Callable[..., Any], violation: Exception) -> TypeCheckError:
    with contextlib.redirect_stdout(io.StringIO()) as sizes:
        print_bindings()
    return TypeCheckError(f"{what} of {function.__module__}.{function.__qualname__}: {violation}\n{sizes.getvalue()}")


def _make(key: Hashable) -> Check:
    function = _waiting.pop(key)
    hints = {name: _resolved(hint, function) for name, hint in function.__annotations__.items()}
    shaped = any(_has_shape(hint) for hint in hints.values())
    _made[key] = Check(_of_arguments(function, hints), _of_result(function, hints), shaped)
    return _made[key]


def _of_arguments(function: FunctionType, hints: dict[str, Any]) -> Callable[..., Any]:
    signature = inspect.signature(function)
    # By what str() writes: defaults are there or not, and what they are is put in below.
    bare = [
        each.replace(annotation=EMPTY, default=EMPTY if each.default is EMPTY else ...)
        for each in signature.parameters.values()
    ]
    scope: dict[str, Any] = {}
    exec(f"def check{signature.replace(parameters=bare, return_annotation=EMPTY)}: pass", scope)
    check = _named_as(function, scope["check"])
    check.__defaults__, check.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    check.__annotations__ = {name: hint for name, hint in hints.items() if name != "return"}
    return beartype(check)


def _of_result(function: FunctionType, hints: dict[str, Any]) -> Callable[[Any], Any] | None:
    def check(value: Any) -> Any:
        return value

    if hints.get("return", Any) is Any:
        return None
    check.__annotations__ = {"return": hints["return"]}
    return beartype(_named_as(function, check))


def _named_as(function: FunctionType, check: Any) -> Any:
    check.__module__, check.__name__, check.__qualname__ = function.__module__, function.__name__, function.__qualname__
    return check


def _resolved(hint: Any, function: FunctionType) -> Any:
    """The hint without names in quotes; anything goes where they are of modules that are not imported."""
    holder = FunctionType((lambda: None).__code__, function.__globals__)
    holder.__annotations__ = {"hint": hint}
    try:
        return get_type_hints(holder, include_extras=True)["hint"]
    except NameError:
        return Any


def _parts(hint: Any) -> Iterator[Any]:
    yield hint
    for part in hint if isinstance(hint, list) else get_args(hint):
        yield from _parts(part)


def _has_shape(hint: Any) -> bool:
    return any(isinstance(part, type) and issubclass(part, AbstractArray) for part in _parts(hint))


def _key(function: FunctionType) -> Hashable:
    code = function.__code__
    kinds = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, code.co_varnames)
    hints = tuple((name, _as_written(hint)) for name, hint in function.__annotations__.items())
    key = (function.__module__, function.__qualname__, kinds, hints)
    try:
        hash(key)
    except TypeError:  # an annotation without a hash
        return (function.__module__, function.__qualname__, id(function))
    return key


def _as_written(hint: Any) -> Any:
    """An annotation such that two that say the same are equal: each `Float[Tensor, "..."]` is a class of its own."""
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return hint.dtype, hint.array_type, hint.dim_str
    if isinstance(hint, list):  # the arguments of a Callable
        return tuple(map(_as_written, hint))
    if get_origin(hint) is Literal:  # whose 1 is not its True
        return hint
    return (get_origin(hint), *map(_as_written, get_args(hint))) if get_args(hint) else hint
