"""The record of a built-in task: what makes its pairs, and what a command has to know of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mediate.pairs.pair import Pair

# Problems for tuning are drawn under seeds that a task is not given elsewhere, so that a model is not scored on the
# very problems that it was tuned on because both were made under seed 0.
SEED_OFFSET = 2**20
# A choice that several tasks have.
Steps = Annotated[int | None, Field(ge=2, le=6, description="Steps of a built-in problem; any by default.")]


class TrainingOptions(BaseModel):
    """What a command that tunes on made examples leaves to its user, beside their task and number."""

    problem_steps: Steps = None


class NoOptions(BaseModel):
    """The choices of a task that has none of its own."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Task:
    """Where made pairs come from; `mediate.tasks.TASKS` lists them.

    Args:
        name: What `--task` calls it.
        help: What its pairs are, in a few words.
        pairs: Makes pairs: `pairs(n, seed=, with_cot=)`, and by name those of its options that are given.
        options: Its own choices, each with default, bounds and a sentence; a choice that several tasks have, such as
            `steps`, is offered once. None leaves a choice to `pairs`.
        training: Makes pairs to tune on, other draws than those of `pairs` under the same seed: `training(n, seed=)`,
            and `steps` where that is one of its options. None for a task that is not tuned on.
        model: A model that suits it, for the command that goes on with its pairs; empty where none is known.
        models: The same by wording, of a task that can be told in several.
        only: What the names begin with of models that were trained on this task and read no other; empty: of none.
        keeps_length: Whether `pairs` takes `length`, a measure of texts that both worlds of a pair keep.
    """

    name: str
    help: str
    pairs: Callable[..., tuple[Pair, ...]]
    options: type[BaseModel] = NoOptions
    training: Callable[..., tuple[Pair, ...]] | None = None
    model: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    only: str = ""
    keeps_length: bool = False
