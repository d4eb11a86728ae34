"""The calls around what a student is taught: its own tuning, and the chains that it may be tuned on.

As in `mediate.api` the choices of a call are its options, and their sentences those of the specifications' fields:
`TuneSpec`, `TraceSpec`, `JoinSpec`, `RsdSpec` and `SteerSpec`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from mediate.choices import fields_of, made, with_choices
from mediate.distill.join_spec import JoinCall, join_fields, make_join_specs
from mediate.distill.rsd_spec import RsdCall, RsdSpec
from mediate.distill.spec import TraceCall, make_trace_specs, trace_fields
from mediate.distill.steering_spec import SteerOptions, make_steer_specs, steer_fields
from mediate.holding.spec import HoldSpec, hold_of
from mediate.models.load_spec import check_loaded
from mediate.pairs.pair import Item, Pair
from mediate.pairs.reading import given_or_read
from mediate.report import RsdTraces, TokenJoin, TraceScores, Tuning
from mediate.traces.thoughts import KindOf
from mediate.tuning import Arm
from mediate.tuning.call import TuneCall
from mediate.tuning.spec import TuneSpec

if TYPE_CHECKING:
    from mediate.models.model import Model
    from mediate.models.steering_vector import SteeringVector
    from mediate.tuning.data import Data


@with_choices(trace_fields() | fields_of(HoldSpec))
def score_traces(
    student: "Model",
    traces: Sequence[Pair] | Sequence[Item] | str | Path,
    *,
    teacher: "Model | None" = None,
    out: str | Path | None = None,
    store: bool = True,
    progress: bool = True,
    **options: Unpack[TraceCall],
) -> TraceScores:
    """How likely a student finds the chains that it may be taught, by token and by trace; trains nothing.

    Formulas and their sources are in `mediate.results.trace_scores`.

    Args:
        student: From `mediate.load`.
        traces: Items, or pairs, of which the base is scored; or the path of a file of either. Chains that are missing
            the student writes.
        teacher: A second model with the same tokenizer, for its surprisal and the divergence from it.
        out: A run directory to write; one that holds this very run is read back.
        store: Whether what is written is looked up and kept in the cache.
        progress: Whether to show bars, where the output is a terminal or notebook.
        **options: Choices, as below.

    Returns:
        The traces: surprisal and entropy in nats, ranks, and rates of what is accepted, each with means over the set.

    Raises:
        InputError: A choice or the traces are wrong, or the teacher has another tokenizer; one line says what to do.

    Example:
        >>> found = md.score_traces(model, pairs)
        >>> len(found.table())  # a row a chain: of a pair the base's
        4
    """
    from mediate.distill.score_traces import score_traces as measure
    from mediate.passes.store import Store
    from mediate.scoring.rundir import holding
    from mediate.scoring.score import Call

    takeover, choices = hold_of(options)
    specs = make_trace_specs(choices)
    given, unread = given_or_read(traces)
    check_loaded("score_traces", student)
    if teacher is not None:
        check_loaded("score_traces", teacher)
    folder = None if out is None else Path(out)
    call = Call(unread=unread, out=folder, store=Store() if store else None, progress=progress)
    with holding(folder, takeover=takeover):
        return TraceScores(measure(student, given, specs, teacher, call), folder)


@with_choices(join_fields() | fields_of(HoldSpec))
def join_tokens(
    student: "Model",
    traces: Sequence[Pair] | Sequence[Item] | str | Path,
    *,
    teacher: "Model | None" = None,
    out: str | Path | None = None,
    store: bool = True,
    progress: bool = True,
    **options: Unpack[JoinCall],
) -> TokenJoin:
    """What the tokens of chains carry, beside how likely a student finds them: do rejected tokens carry the answer?

    Each token's effect on the student's answer: hidden from it, and, of pairs whose chains are aligned, replaced by its
    twin; and what sets of tokens carry, hidden all at once. Both are held against the scores of `score_traces`, within
    chains. What is counted how is in `mediate.results.tokens_agreed`.

    Args:
        student: From `mediate.load`.
        traces: Items with answers, or pairs, of which the base is measured; or the path of a file of either. Chains
            that are missing the student writes.
        teacher: A second model with the same tokenizer, for its surprisal and the divergence from it.
        out: A run directory to write; one that holds this very run is read back.
        store: Whether chains and effects are looked up and kept in the cache.
        progress: Whether to show bars, where the output is a terminal or notebook.
        **options: Choices, as below.

    Returns:
        The tokens: what each carries in nats, beside its surprisal in nats.

    Raises:
        InputError: A choice or the traces are wrong, or the teacher has another tokenizer; one line says what to do.

    Example:
        >>> md.join_tokens(model, pairs).by_kind()  # doctest: +SKIP
    """
    from mediate.distill.join import join_tokens as measure
    from mediate.passes.store import Store
    from mediate.scoring.rundir import holding
    from mediate.scoring.score import Call

    takeover, choices = hold_of(options)
    specs = make_join_specs(choices)
    given, unread = given_or_read(traces)
    check_loaded("join_tokens", student)
    if teacher is not None:
        check_loaded("join_tokens", teacher)
    folder = None if out is None else Path(out)
    call = Call(unread=unread, out=folder, store=Store() if store else None, progress=progress)
    with holding(folder, takeover=takeover):
        return TokenJoin(measure(student, given, specs, teacher, call), folder)


@with_choices(fields_of(RsdSpec) | fields_of(HoldSpec))
def rsd(
    teacher: "Model",
    student: "Model",
    questions: Sequence[Pair] | Sequence[Item] | str | Path,
    *,
    out: str | Path | None = None,
    store: bool = True,
    progress: bool = True,
    **options: Unpack[RsdCall],
) -> RsdTraces:
    """Reverse speculative decoding: a teacher proposes each token of a chain, and the student accepts it or draws one.

    Of each question's traces the shortest right one is kept, if the student drew no more than half of it itself
    (arXiv 2509.22230). What is left is data for `mediate.tune`.

    Args:
        teacher: From `mediate.load`.
        student: From `mediate.load`; less than half of the teacher's tokens in common are refused.
        questions: Items with answers, or pairs, of which the base is asked; or the path of a file of either.
        out: A run directory to write; one that holds this very run is read back.
        store: Whether what is written is looked up and kept in the cache.
        progress: Whether to show bars, where the output is a terminal or notebook.
        **options: Choices, as below.

    Returns:
        The traces, with what was accepted of each and why others were dropped.

    Raises:
        InputError: A choice, the questions or the models are wrong; one line says what to do.

    Example:
        >>> md.rsd(teacher, student, "pairs.jsonl", traces=4).items()  # doctest: +SKIP
    """
    from mediate.distill.rsd_run import rsd as write
    from mediate.passes.store import Store
    from mediate.scoring.rundir import holding
    from mediate.scoring.score import Call

    takeover, choices = hold_of(options)
    given, unread = given_or_read(questions)
    for model in (teacher, student):
        check_loaded("rsd", model)
    folder = None if out is None else Path(out)
    call = Call(unread=unread, out=folder, store=Store() if store else None, progress=progress)
    with holding(folder, takeover=takeover):
        return RsdTraces(write((teacher, student), given, made(RsdSpec, choices), call), folder)


@with_choices({name: field for name, field in fields_of(TuneSpec).items() if name != "arm"} | fields_of(HoldSpec))
def tune(
    model: Any,
    data: "Data",
    *,
    out: str | Path,
    arm: "str | Arm" = "lora",
    device: str | None = None,
    progress: bool = True,
    **options: Unpack[TuneCall],
) -> Tuning:
    """Tunes a model and writes it, with its held-out accuracy before and after, the loss curve and a manifest.

    Args:
        model: A hub id, a folder, a `.gguf` file, the name of a fetched model, or `BASE+ADAPTER`.
        data: Examples or pairs, or the path of a file of them; see `mediate.tuning.examples.scan_examples`. For the
            arm `mix` several of these by name, each with its weight: `{"long": (long, 0.2), "short": (short, 0.8)}`.
        out: The folder to write. One that holds this very tuning is read back, or taken up where it stopped.
        arm: The name of one of `mediate.tuning.ARMS`, such as `lora`, or an arm of your own.
        device: `cpu` or `cuda`; by default a GPU where there is one.
        progress: Whether to show bars, where the output is a terminal or notebook.
        **options: Choices, as below; an arm refuses those that it would not heed.

    Returns:
        The tuned model's folder with its accuracy before and after, as shares, and its losses, in nats a token.

    Raises:
        InputError: A choice, the model or the data are wrong, the folder holds something else, or the training
            diverged; one line says where and what to do.

    Example:
        >>> tuned = md.tune("reference-0.1m", "pairs.jsonl", out="runs/after", arm="lora")  # doctest: +SKIP
    """
    from mediate.tuning.tune import tune as tune_model

    return Tuning(tune_model(model, data, out=out, arm=arm, device=device, progress=progress, **options))


@with_choices(steer_fields())
def fit_steering(
    model: "Model",
    chains: Sequence[Pair] | Sequence[Item] | str | Path,
    *,
    layer: int,
    kind: KindOf | None = None,
    store: bool = True,
    progress: bool = True,
    **options: Unpack[SteerOptions],
) -> "SteeringVector":
    """The direction in which a chain's state differs where it goes on from where it looks back or changes course.

    `mean(execution) - mean(reflection and transition)` of the residual stream, as it leaves one block, at the tokens
    that open a thought (SEAL, arXiv 2504.07986). `save` of what is returned writes it to a file.

    Args:
        model: From `mediate.load`.
        chains: Items, or pairs, of which the base is taken; or the path of a file of either. Chains that are missing
            the model writes.
        layer: The block, counted from 0.
        kind: The kind of a thought by its text, `execution`, `reflection` or `transition`; by words without.
        store: Whether what is written is looked up and kept in the cache.
        progress: Whether to show bars, where the output is a terminal or notebook.
        **options: Choices, as below.

    Returns:
        The vector, `d_model` numbers long, in units of the residual stream, with how it was found.

    Raises:
        InputError: A choice or the chains are wrong, no such layer, or fewer than 8 thoughts on a side.

    Example:
        >>> vector = md.fit_steering(model, "chains.jsonl", layer=20)  # doctest: +SKIP
    """
    from mediate.distill.steering_fit import fit_steering as fit
    from mediate.passes.store import Store
    from mediate.scoring.score import Call

    specs = make_steer_specs(dict(options))
    given, unread = given_or_read(chains)
    check_loaded("fit_steering", model)
    call = Call(unread=unread, store=Store() if store else None, progress=progress)
    return fit(model, given, layer, specs, call, kind)


def steered(model: "Model", vector: "SteeringVector | str | Path", alpha: float = 1.0) -> "Model":
    """The model with `alpha` times a vector added at every token that opens a thought, in every pass.

    It is a model of its own, with the weights of the one that it is made of: every call takes it, and its fingerprint
    holds vector, layer and alpha. The model that is given stays as it is. With an alpha of 0 both say the same.

    Args:
        model: From `mediate.load`.
        vector: From `fit_steering`, or the path of its file; its control is `vector.random(seed)`.
        alpha: How often the vector is added: positive away from reflection and transition.

    Returns:
        A model of the same weights, steered in every pass.

    Raises:
        InputError: The vector is another model's, the model is steered already, or alpha is no number.

    Example:
        >>> md.score(md.steered(model, "vector.safetensors", alpha=1.0), pairs)  # doctest: +SKIP
    """
    from mediate.passes.loaded import steered as steer

    check_loaded("steered", model)
    return steer(model, vector, alpha)
