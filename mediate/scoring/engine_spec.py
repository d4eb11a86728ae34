"""Where a run is computed: in this process, as one shard of several, or by workers on Ray. Changes no number.

Imports no torch.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict, Unpack

from pydantic import Field

from mediate.choices import checked_choices, described, fields_of
from mediate.errors import InputError


@described
@dataclass(frozen=True, slots=True)
class EngineSpec:
    """The choices of where a run is computed."""

    engine: Annotated[
        Literal["local", "ray"],
        Field(description="`local`: in this process; `ray`: by workers, each with the model, that Ray starts."),
    ] = "local"
    shard: Annotated[
        str | None,
        Field(
            description="Measures one part of several, such as `3/16`, for any scheduler; `auto` takes the part from "
            "Slurm's array or from RANK and WORLD_SIZE. `mediate merge` puts the parts together."
        ),
    ] = None
    chains_only: Annotated[
        bool, Field(description="Of a shard: only writes its part of what the model must write first.")
    ] = False
    address: Annotated[
        str | None,
        Field(description="Of a Ray cluster that is there, as HOST:PORT or `auto`; by default one is started here."),
    ] = None
    num_workers: Annotated[
        int | None,
        Field(
            ge=1,
            description="Workers on Ray, by default as many as the cluster has room for; of `local`, processes that "
            "measure beside each other on the processor (Linux), by default 1, of models of up to ten million weights "
            "one a thread of torch, up to 4.",
        ),
    ] = None
    gpus_per_worker: Annotated[
        float | None,
        Field(ge=0, le=1, description="GPUs of a worker on Ray, or a part of one; 1 by default where there are any."),
    ] = None
    threads_per_worker: Annotated[int, Field(ge=1, description="Threads, and cores, of a worker on Ray.")] = 1
    worker_timeout: Annotated[
        float | None,
        Field(
            gt=0,
            description="Seconds after which a worker on Ray that does not answer is given up, and what it had is "
            "handed to another; by default 20 times the longest that any took so far, and at least an hour.",
        ),
    ] = None

    @property
    def is_apart(self) -> bool:
        """Whether anything else than this process, in one go, computes the run."""
        return self.engine != "local" or self.shard is not None


class EngineOptions(TypedDict, total=False):
    """`EngineSpec` as the options of a call."""

    engine: Literal["local", "ray"]
    shard: str | None
    chains_only: bool
    address: str | None
    num_workers: int | None
    gpus_per_worker: float | None
    threads_per_worker: int
    worker_timeout: float | None


# Choices that only workers on Ray have.
_OF_RAY = ("address", "gpus_per_worker", "threads_per_worker", "worker_timeout")


def make_engine_spec(**options: Unpack[EngineOptions]) -> EngineSpec:
    """The choices of where a run is computed, from the options of a call.

    Raises:
        InputError: An unknown choice, a value that it cannot have, or choices that do not go together.
    """
    there = fields_of(EngineSpec)
    unknown = next((name for name in options if name not in there), None)
    if unknown is not None:
        raise InputError(f"no option {unknown!r}; there are {', '.join(there)}")
    gpus: Any = options.get("gpus_per_worker")
    if isinstance(gpus, int | float) and gpus > 1:
        raise InputError(
            f"gpus_per_worker is {gpus:g}: keys and values of all layers are held as one tensor, so a model must fit "
            "on one device (no device_map); give 1, or a smaller dtype"
        )
    spec = EngineSpec(**checked_choices(there, options))
    usual = EngineSpec()
    of_ray = next((name for name in _OF_RAY if getattr(spec, name) != getattr(usual, name)), None)
    if spec.engine != "ray" and of_ray is not None:
        raise InputError(f"option {of_ray!r} is of workers on Ray; add engine='ray', or leave it out")
    if spec.engine == "ray" and spec.shard is not None:
        raise InputError("a shard is measured in one process; give engine='ray' or a shard, not both")
    if spec.num_workers is not None and spec.shard is not None:
        raise InputError("option 'num_workers' is of a run without shards; leave it out, or give more shards")
    if spec.chains_only and spec.shard is None:
        raise InputError(
            "chains_only is of a shard, such as shard='3/16'; a run without shards writes its chains first"
        )
    return spec
