"""Where in the network: components, sites, and the only place that spells transformer-lens' hook-point names."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mediate.errors import InputError, meant
from mediate.showing import fields_cell


class Component(StrEnum):
    """The kinds of activation that can be kept and replaced, by transformer-lens' names.

    Shapes are `batch pos d_model` for the first five, `batch pos head d_head` for `q` and `z`, `batch pos kv_head
    d_head` for `k` and `v` (never expanded to the query heads), `batch head query_pos key_pos` for `pattern` (after the
    softmax) and `batch pos d_mlp` for `mlp_post` (the MLP's neurons, after the gate). `q` and `k` are taken before
    rotary embedding, and before a norm of their own where the family has one.

    Example:
        >>> md.Component.Z.value, md.Component("resid_post").name
        ('z', 'RESID_POST')
    """

    RESID_PRE = "resid_pre"
    RESID_MID = "resid_mid"
    RESID_POST = "resid_post"
    ATTN_OUT = "attn_out"
    MLP_OUT = "mlp_out"
    Q = "q"
    K = "k"
    V = "v"
    Z = "z"
    PATTERN = "pattern"
    MLP_POST = "mlp_post"


IN_ATTENTION = frozenset({Component.Q, Component.K, Component.V, Component.Z, Component.PATTERN})
BY_HEAD = frozenset({Component.Q, Component.Z, Component.PATTERN})
BY_KV_HEAD = frozenset({Component.K, Component.V})
_HOOK_NAME = re.compile(r"blocks\.(?P<layer>\d+)\.(?:attn\.|mlp\.)?hook_(?P<component>\w+)")
_MLP_POST = "mlp.hook_post"


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """One component in one layer, at all positions and heads.

    Args:
        component: The kind of activation.
        layer: The block, counted from 0.

    Example:
        >>> md.Site(md.Component.RESID_PRE, 0).hook_name
        'blocks.0.hook_resid_pre'
        >>> md.Site.from_hook_name("blocks.0.hook_resid_pre") == md.Site(md.Component.RESID_PRE, 0)
        True
    """

    component: Component
    layer: int

    _repr_html_ = fields_cell

    def __post_init__(self) -> None:
        if self.layer < 0:
            raise InputError(f"site {self.component}: layer {self.layer}; layers count from 0")

    @property
    def hook_name(self) -> str:
        """transformer-lens' name of the hook point, such as `blocks.3.attn.hook_z`."""
        if self.component is Component.MLP_POST:
            return f"blocks.{self.layer}.{_MLP_POST}"
        room = "attn." if self.component in IN_ATTENTION else ""
        return f"blocks.{self.layer}.{room}hook_{self.component}"

    @classmethod
    def from_hook_name(cls, name: str) -> "Site":
        """The inverse of `hook_name`.

        Raises:
            InputError: The name is not that of a site.
        """
        match = _HOOK_NAME.fullmatch(name)
        if match:
            found = Component.MLP_POST if name.endswith(_MLP_POST) else match["component"]
            if found in list(Component):
                site = cls(Component(found), int(match["layer"]))
                if site.hook_name == name:
                    return site
        raise InputError(f"{name!r} is not the hook point of a site; components are {', '.join(Component)}")


def scores_hook(layer: int) -> str:
    """The hook point of the attention scores, before the softmax and after the causal mask."""
    return f"blocks.{layer}.attn.hook_attn_scores"


def attention_ends(layer: int) -> tuple[str, str]:
    """The hook points at which what attention takes in, and what it says, pass by."""
    return f"blocks.{layer}.attn.hook_in", f"blocks.{layer}.attn.hook_out"


def norm_scale_hooks(names: Iterable[str]) -> list[str]:
    """Of a model's hook points, those of what its norms divide by."""
    return [name for name in names if name.endswith(".hook_scale")]


def mlp_input_hooks(layer: int) -> tuple[str, str]:
    """The hook points of what enters the activation function, and of what a gated MLP multiplies its result with."""
    return f"blocks.{layer}.mlp.hook_pre", f"blocks.{layer}.mlp.hook_pre_linear"


EMBEDDED = Site(Component.RESID_PRE, 0)


def parse_component(name: str) -> Component:
    """The component of that name.

    Raises:
        InputError: There is none.
    """
    try:
        return Component(name)
    except ValueError:
        there = f"{meant(name, Component)}there are {', '.join(Component)}"
        raise InputError(f"no component {name!r}; {there}") from None
