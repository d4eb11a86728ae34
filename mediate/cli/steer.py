"""`mediate steer`: a direction between thoughts, fitted, and added to a model's stream where thoughts open."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediate.cli.ending import put
from mediate.cli.from_spec import Choices, FromSpec, from_spec
from mediate.cli.options import (
    AnswerPatternOption,
    CacheOption,
    ColumnsOption,
    FormatOption,
    ModelOption,
    ProfileOption,
    QuietOption,
    VerboseOption,
    check_model,
    loading_choices,
    quiet_libraries,
    scanned,
    tell_time,
)
from mediate.errors import InputError, plural
from mediate.files import check_place
from mediate.watch import tell

if TYPE_CHECKING:
    from mediate.models.model import Model

steer_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Steering of the chain: a direction between thoughts, added where a thought opens.",
)


def _fit_fields() -> dict[str, Any]:
    from mediate.distill.steering_spec import steer_fields

    return {"choices": steer_fields(), "loading": loading_choices()}


@from_spec(_fit_fields)
def fit(
    chains: Annotated[Path, typer.Argument(help="Items with chains, or pairs: own ones, a data set, or a log.")],
    model: ModelOption,
    layer: Annotated[int, typer.Option("--layer", min=0, help="The block that is read, and later steered; from 0.")],
    out: Annotated[Path, typer.Option("--out", help="The .safetensors file to write.")],
    choices: Choices,
    loading: Choices,
    format: FormatOption = None,
    columns: ColumnsOption = None,
    answer_pattern: AnswerPatternOption = None,
    cache: CacheOption = True,
    force: Annotated[bool, typer.Option("--force", help="Write over a file of other content.")] = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    profile: ProfileOption = False,
) -> None:
    """Fits the direction: mean state where execution opens, less that where reflection and transition do (SEAL)."""
    from mediate.distill.steering_spec import make_steer_specs
    from mediate.scoring.given import check_device

    quiet_libraries(quiet)
    specs = make_steer_specs(choices)
    file = scanned(chains, specs[1], format, columns, answer_pattern)
    check_model(model, loading.get("adapter"))
    check_device(loading.get("device"))
    check_place(out)
    if out.exists() and (not out.is_file() or not force):
        raise InputError(f"{out}: is there already; name another file, or write over one with --force")
    from mediate.api import load
    from mediate.distill.steering_fit import fit_steering
    from mediate.passes.store import Store
    from mediate.scoring.score import Call

    call = Call(unread=file.errors, store=Store() if cache else None, progress=True)
    loaded = load(model, **loading)
    found = fit_steering(loaded, file.given, layer, specs, call)
    found.save(out)
    _tell_last(layer, loaded)
    facts = found.facts
    counts = ", ".join(f"{count} of {kind}" for kind, count in facts["counts"].items())
    cosine = facts["halves"]["cosine"]
    put(f"{plural(sum(facts['counts'].values()), 'thought')} of {plural(facts['chains']['read'], 'chain')}: {counts}")
    put(
        f"length {found.norm:.3g}, where the stream's is {facts['norms']['stream']:.3g}; cosine of two halves "
        f"{'undefined' if cosine is None else f'{cosine:.3f}'}"
    )
    put(f"vector: {out}")
    tell_time()
    tell(f"next: mediate steer apply {quote(str(out))} --model {quote(model)} --alpha 1 --out DIR")


def _tell_last(layer: int, model: "Model") -> None:
    """Says where steering changes nothing of chains that are given."""
    if layer == model.facts.layers - 1:
        tell(f"layer {layer} is the last: chains that are given are read as before, and only what is written changes")


def _apply_fields() -> dict[str, Any]:
    return {"loading": loading_choices("tokenizer")}


@from_spec(_apply_fields)
def apply(
    vector: Annotated[Path, typer.Argument(help="A file of 'mediate steer fit'.")],
    model: ModelOption,
    out: Annotated[Path, typer.Option("--out", help="The folder to write; every command takes it as a model.")],
    loading: Choices,
    alpha: Annotated[
        float, typer.Option("--alpha", help="How often the vector is added; below 0 towards looking back.")
    ] = 1.0,
    random: Annotated[
        int | None,
        typer.Option("--random", min=0, help="Add a random vector of the same length, drawn with this seed."),
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    profile: ProfileOption = False,
) -> None:
    """Writes a steered model: its base's name, alpha and the vector, after trying that it runs."""
    quiet_libraries(quiet)
    adapter = loading.get("adapter")
    check_model(model, adapter)
    check_place(out)
    from mediate.api import load
    from mediate.models.steered_folder import write_steered
    from mediate.models.steering_vector import SteeringVector
    from mediate.passes.loaded import steered

    found = SteeringVector.read(vector)
    found = found if random is None else found.random(random)
    base = model if adapter is None else f"{model}+{adapter}"
    made = steered(load(model, **loading), found, alpha)
    write_steered(out, base, made)
    put(f"{alpha:g} times {'the' if random is None else 'a random'} vector after layer {found.layer}: {out}")
    _tell_last(found.layer, made)
    tell_time()
    tell(f"next: mediate score PAIRS --model {quote(str(out))} --out DIR")


steer_app.command("fit", cls=FromSpec)(fit)
steer_app.command("apply", cls=FromSpec)(apply)
