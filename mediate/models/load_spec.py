"""How a model is loaded: the choices of `mediate.load`. Imports no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, Unpack

from pydantic import Field

from mediate.choices import checked_choices, described, fields_of
from mediate.errors import InputError

if TYPE_CHECKING:
    from mediate.models.model import Model

DType = Literal["float32", "bfloat16", "float16", "float64"]


@described
@dataclass(frozen=True, slots=True)
class LoadSpec:
    """The choices of loading a model."""

    adapter: Annotated[
        str | Path | None, Field(description="The folder of a LoRA adapter, which is merged into the weights.")
    ] = None
    tokenizer: Annotated[Any, Field(description="The folder of a tokenizer; by default the model's own.")] = None
    dtype: Annotated[
        DType | None, Field(description="Of the weights; by default float32, or a model in memory's own.")
    ] = None
    device: Annotated[
        str | None, Field(description="Such as `cpu` or `cuda`; by default a GPU where there is one.")
    ] = None
    copy: Annotated[
        bool,
        Field(
            description="Whether a model in memory is copied first. Hooking changes it in place: without the copy it "
            "can no longer be saved or trained."
        ),
    ] = True


class LoadOptions(TypedDict, total=False):
    """`LoadSpec` as the options of a call."""

    adapter: str | Path | None
    tokenizer: Any
    dtype: str | None
    device: str | None
    copy: bool


def make_load_spec(**options: Unpack[LoadOptions]) -> LoadSpec:
    """The choices of loading a model, from the options of a call.

    Raises:
        InputError: An unknown choice, or a value that it cannot have.
    """
    there = fields_of(LoadSpec)
    for name in options:
        if name == "trust_remote_code":
            raise InputError(
                f"option {name!r}: code of a model's own is never run; leave it out, transformers' own is used"
            )
        if name not in there:
            raise InputError(f"no option {name!r}; there are {', '.join(there)}")
    return LoadSpec(**checked_choices(there, options))


def check_loaded(call: str, model: object) -> "Model":
    """A loaded model; raises InputError where a call is given something else, such as its name."""
    from mediate.models.model import Model

    if not isinstance(model, Model):
        raise InputError(f"{call}: the model is a {type(model).__name__}; load it first: model = mediate.load(...)")
    return model
