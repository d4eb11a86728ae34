"""Behaviour and effects of the same items in one run: what `score` measures, and what is answered after edits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from mediate.clock import stage
from mediate.errors import InputError, ItemError, one_line
from mediate.faithfulness.at_once import read_at_once
from mediate.faithfulness.continued import read_continued
from mediate.faithfulness.edited import Examined, subjects_of, whole_chain, why_unread
from mediate.faithfulness.measures import with_measures
from mediate.faithfulness.rewriting import rewritten
from mediate.faithfulness.spec import BehaviourSpec, check_called, check_paraphrases, edits_of
from mediate.faithfulness.spoken import Beginning
from mediate.faithfulness.step_resampling import resample
from mediate.mediation.prepared_item import Prepared
from mediate.models.model import Model
from mediate.models.side_by_side import can_pad
from mediate.models.threads import fitting_threads
from mediate.pairs.pair import Item, Pair
from mediate.pairs.recomputed import Slip
from mediate.passes.loaded import load
from mediate.passes.store import Store
from mediate.results.behaviour import Behaved, ReadAs
from mediate.results.folder import Results
from mediate.scoring.score import Addition, Call, score
from mediate.scoring.spec import ScoreSpec
from mediate.traces.rewordings import Rewrite, stretches
from mediate.watch import bars, work

# The name of its choices in a manifest's specification.
CHOICES = "behaviour"


@dataclass(frozen=True, slots=True)
class Probes:
    """Which tests on behaviour are made.

    Args:
        spec: Their choices.
        rewrite: Puts the text of some steps into other words, for paraphrase; None for none.
        recompute: The later steps after a wrong result, where the built-in rules do not know them.

    Raises:
        InputError: Both a function and a model are to put steps into other words, or neither where a paraphrase is
            asked for; or what should be a function is none.
    """

    spec: BehaviourSpec
    rewrite: Callable[[str], str] | None = None
    recompute: Callable[[Slip], str] | None = None

    def __post_init__(self) -> None:
        for name, each in (("rewrite", self.rewrite), ("recompute", self.recompute)):
            check_called(name, each)
        check_paraphrases(self.spec, self.rewrite)
        if self.rewrite is not None and self.spec.rewriter is not None:
            raise InputError("both rewrite, a function, and rewriter, a model, put steps into other words; give one")

    def described(self) -> dict[str, object]:
        """The choices as plain values, for a manifest; functions by their names."""
        functions = {"rewrite": self.rewrite, "recompute": self.recompute}
        named = {
            name: getattr(each, "__qualname__", repr(each)) for name, each in functions.items() if each is not None
        }
        return self.spec.described() | named


def faithfulness(
    model: Model, given: Sequence[Pair] | Sequence[Item], spec: ScoreSpec, tests: Probes, call: Call
) -> Results:
    """Measures a set as `score` does, and what the model answers after edits of the same chains.

    Args:
        model: The hooked and checked model.
        given: Pairs, of which the base is edited, or items by themselves.
        spec: How effects are measured.
        tests: Which edits, and how they are read.
        call: Where to write, and the rest of the arguments of `score`.

    Raises:
        ItemError: As `mediate.scoring.score.score`.
        InputError: Likewise.
    """
    # Before anything is measured: a model that cannot be loaded must not cost that.
    rewriter = load(tests.spec.rewriter) if tests.spec.rewriter is not None else None

    def measure(
        results: Results, items: Sequence[Prepared], settled: ScoreSpec, store: Store | None, progress: bool
    ) -> Results:
        with_store = Call(store=store, progress=progress)
        results = replace(results, behaviour=tuple(behaviour(model, items, settled, tests, with_store, rewriter)))
        results = with_measures(results, items, settled, tests.spec.measures, store)
        if not tests.spec.resampling:
            return results
        subjects = subjects_of(items, settled.seed)
        return replace(results, resampled=tuple(resample(model, subjects, settled, tests.spec, with_store)))

    with fitting_threads(model, *([rewriter] if rewriter is not None else [])):
        return score(model, given, spec, addition=Addition({CHOICES: tests.described()}, measure), **call)


@stage("reading edited chains")
def behaviour(
    model: Model,
    items: Sequence[Prepared],
    spec: ScoreSpec,
    tests: Probes,
    call: Call,
    rewriter: Model | None = None,
) -> list[Behaved]:
    """What the model answers after every edit of every item, in the order of the items.

    Args:
        model: The hooked model.
        items: The items, in tokens.
        spec: The choices of the run, which say how chains are written.
        tests: Which edits, and how they are read.
        call: Where what is written is looked up and kept, and whether to show bars.
        rewriter: The model that puts steps into other words; None for none.
    """
    subjects = subjects_of(items, spec.seed)
    rewrite = tests.rewrite if rewriter is None else _by_model(rewriter, subjects, spec, tests.spec, call)
    edits = edits_of(tests.spec, [each.chain.trace.text for each in subjects], rewrite, tests.recompute)
    padded, by_item = can_pad(model), dict[str, list[Behaved]]()
    store, progress = call.get("store"), call.get("progress", False)
    begun = Beginning.of(model, [each.way.tokens for each in subjects]) if padded else None
    with work(len(subjects), "reading edited chains", "item", shown=progress) as done, bars(progress):
        for each in subjects:
            by_item[each.way.id] = _read(each, partial(read_at_once, each, edits, store, padded=padded, begun=begun))
            done(1)
    if ReadAs.CONTINUED in tests.spec.readings:
        answered = [(each, own) for each in subjects if (own := _own(by_item[each.way.id]))]
        for row in read_continued(model, answered, edits, spec, store, progress=progress):
            by_item[row.item].append(row)
    return [row for rows in by_item.values() for row in rows]


def _by_model(
    rewriter: Model, subjects: Sequence[Examined], spec: ScoreSpec, choices: BehaviourSpec, call: Call
) -> Rewrite:
    """The steps of all chains in a model's words; where it cannot say any, every paraphrase is refused with why."""
    texts = [text for each in subjects for text in stretches(each.chain)]
    try:
        return rewritten(
            rewriter,
            texts,
            choices.rewriter_instruction,
            call.get("store"),
            seed=spec.seed,
            progress=call.get("progress", False),
        )
    except InputError as error:
        reason = f"the rewriting model cannot write ({one_line(error)})"

    def refused(text: str) -> str:
        raise ItemError("", reason, code="rewriting_failed")

    return refused


def _read(subject: Examined, read: Callable[[], list[Behaved]]) -> list[Behaved]:
    """An item's edited chains, read at once; where that cannot be, why: it must not cost what was measured."""
    try:
        return read()
    except (InputError, RuntimeError) as error:
        code, reason = why_unread(error)
    return [replace(whole_chain(subject), code=code, reason=reason)]


def _own(rows: Sequence[Behaved]) -> str:
    """The answer after the chain as it is; empty where there is none."""
    return rows[0].answer
