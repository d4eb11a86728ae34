"""The choices of a tuning as the options of a call. Imports no torch."""

from collections.abc import Sequence
from typing import Literal, TypedDict

from mediate.holding.spec import HoldOptions
from mediate.models.prompts import Template


class TuneOptions(TypedDict, total=False):
    """`TuneSpec` as the options of a call; the arm is an argument of its own."""

    full: bool | None
    keep_chain: bool
    template: str | Template
    answer_cue: str
    epochs: int
    steps: int | None
    checkpoints: Sequence[int] | str
    batch_size: int
    learning_rate: float | None
    warmup: float
    weight_decay: float
    max_length: int | None
    rank: int
    alpha: float
    dropout: float
    target_modules: Sequence[str]
    merge: bool
    beta: float
    size: int | None
    prefix_tokens: int
    prefix_share: float
    instruction: str
    own_chains: bool
    temperature: float
    chains: Literal["other", "shuffled", "filler", "wrong"]
    by: Literal["rsr", "surprisal", "drop", "casl", "accepted"]
    keep: float | None
    least: float | None
    judge: str | None
    held_out: float
    ask: int
    max_new_tokens: int
    on_bad_item: Literal["error", "skip"]
    seed: int


class TuneCall(TuneOptions, HoldOptions, total=False):
    """The options of `tune`: its choices, and how its folder is held."""
