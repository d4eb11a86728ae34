"""Steps resampled: chains sampled from before each step and from after it, and their answers held against each other.

Every sample has a seed of its own, which with its prompt fixes it, so a row depends neither on the others nor on what
is sampled side by side. So draws of all items and steps are written together, some hundreds at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mediate.clock import stage
from mediate.errors import InputError, one_line
from mediate.faithfulness.continued import Begun, WentOn, write_on
from mediate.faithfulness.edited import Examined
from mediate.faithfulness.spec import BehaviourSpec
from mediate.models.model import Model
from mediate.pairs.answers import answer_in, says
from mediate.passes.memory import is_out_of_memory
from mediate.passes.store import Store
from mediate.results.resampled import NAN, Resampled, distance, distance_by_chance
from mediate.scoring.score import Call
from mediate.scoring.spec import ScoreSpec
from mediate.traces.step_values import step_value
from mediate.traces.trace import Trace, written_trace
from mediate.watch import bars, work

# Draws are made together until they are about so many texts; what was written is kept after each such lot.
TOGETHER = 256

Prompt = tuple[int, ...]
# An item's id, and how many steps of its chain stand.
Place = tuple[str, int]
# The number of a draw, and from where.
Drawn = tuple[int, Place]


@dataclass(frozen=True)
class Sample:
    """A chain that was sampled from a place.

    Args:
        subject: The item.
        prompt: The question, and what stood of the chain.
        went: What was written on, and answered.
    """

    subject: Examined
    prompt: Prompt
    went: WentOn

    @property
    def answer(self) -> str:
        """Its final answer, normalised; empty where none parses."""
        return answer_in(self.went.said, self.subject.answer) or ""

    @property
    def right(self) -> bool:
        """Whether that is the measured one."""
        return bool(self.answer) and says(self.went.said, self.subject.answer)

    @cached_property
    def trace(self) -> Trace:
        """What was written."""
        ids = self.went.written.ids if self.went.written is not None else ()
        return written_trace(ids, self.subject.chain.tokenizer)

    @cached_property
    def values(self) -> tuple[str, ...]:
        """What each of its steps comes to."""
        return tuple(step_value("".join(self.trace.tokens[slice(*span)])) for span in self.trace.step_spans)

    def before(self, value: str) -> Prompt | None:
        """What stands before the first of its steps of a value; None where there is none."""
        if value not in self.values:
            return None
        begin = self.trace.step_spans[self.values.index(value)][0]
        return (*self.prompt, *self.trace.ids[:begin])


@dataclass(frozen=True, slots=True)
class Sampler:
    """What samples are drawn with.

    Args:
        model: The hooked model.
        spec: The choices of the run.
        tests: How many samples, how they are drawn, and how many rounds of resilience.
        store: Where they are looked up and kept.
    """

    model: Model
    spec: ScoreSpec
    tests: BehaviourSpec
    store: Store | None

    def draw(self, asked: Mapping[Drawn, tuple[Prompt, Examined]], turn: int) -> dict[Drawn, Sample]:
        """One sample from each place in each draw, in that turn of resampling a value away."""
        usual = replace(
            self.spec.decoding(), temperature=self.tests.resample_temperature, top_p=self.tests.resample_top_p
        )
        begun = [
            Begun(subject, prompt, replace(usual, seed=self.spec.seed_of(f"resample {number} {turn}")))
            for (number, _), (prompt, subject) in asked.items()
        ]
        went = write_on(self.model, begun, self.spec, self.store, progress=False)
        each = zip(asked.items(), went, strict=True)
        return {at: Sample(subject, prompt, text) for (at, (prompt, subject)), text in each}


@dataclass(frozen=True, slots=True)
class Gone:
    """A step's value resampled away, in one draw.

    Args:
        sample: The last sample.
        times: How often the value was resampled away.
        back: Whether it came back even so.
    """

    sample: Sample
    times: int
    back: bool


def drawn(subjects: Sequence[Examined], spec: ScoreSpec, tests: BehaviourSpec) -> list[Examined]:
    """The items whose steps are resampled, in their order."""
    order = np.random.default_rng(spec.seed).permutation(len(subjects))
    return [subjects[place] for place in sorted(order[: tests.resample_items])]


@stage("resampling steps")
def resample(
    model: Model, subjects: Sequence[Examined], spec: ScoreSpec, tests: BehaviourSpec, call: Call
) -> list[Resampled]:
    """Every step of some items' chains, resampled.

    What cannot be sampled is a row with its reason: it must not cost what was measured.

    Args:
        model: The hooked model.
        subjects: The items.
        spec: The choices of the run.
        tests: How many samples of how many items, how they are drawn, and for how many rounds.
        call: Where samples are looked up and kept, and whether to show bars.
    """
    progress = call.get("progress", False)
    chosen = drawn(subjects, spec, tests)
    sampler = Sampler(model, spec, tests, call.get("store"))
    try:
        with work(tests.resamples, "resampling steps", "draw", shown=progress) as done, bars(progress):
            places, first, gone = _places(chosen), dict[Drawn, Sample](), dict[Drawn, Gone]()
            at_once = max(1, -(-TOGETHER // max(1, len(places))))
            for begin in range(0, tests.resamples, at_once):
                numbers = range(begin, min(begin + at_once, tests.resamples))
                some = sampler.draw({(number, place): places[place] for number in numbers for place in places}, 0)
                first |= some
                gone |= _until_gone(sampler, chosen, some)
                done(len(numbers))
    except InputError as error:
        return _refused(chosen, "impossible", f"its steps cannot be resampled ({one_line(error)})")
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return _refused(chosen, "out_of_memory", "what is sampled does not fit into memory; give shorter chains")
    return [
        _row(
            each,
            step,
            [
                (first[n, (each.way.id, step)], first[n, (each.way.id, step + 1)], gone[n, (each.way.id, step)])
                for n in range(tests.resamples)
            ],
            spec,
        )
        for each in chosen
        for step in range(each.steps)
    ]


def _places(chosen: Sequence[Examined]) -> dict[Place, tuple[Prompt, Examined]]:
    """Before each step of each chain, and after its last: what stands there."""
    found: dict[Place, tuple[Prompt, Examined]] = {}
    for each in chosen:
        ends = [0, *(stop for _, stop in each.chain.spans)]
        for step, end in enumerate(ends):
            found[each.way.id, step] = (*each.way.tokens.question, *each.chain.trace.ids[:end]), each
    return found


def _until_gone(sampler: Sampler, chosen: Sequence[Examined], first: Mapping[Drawn, Sample]) -> dict[Drawn, Gone]:
    """Each step's value resampled away, from wherever it comes back, until it does not or there are no rounds left."""
    values = {(each.way.id, step): value for each in chosen for step, value in enumerate(step_values(each))}
    found = {
        (number, place): Gone(sample, 1, values[place] in sample.values)
        for (number, place), sample in first.items()
        if place in values
    }
    for turn in range(1, sampler.tests.resample_rounds):
        back = {
            at: (begun, each.sample.subject)
            for at, each in found.items()
            if (begun := each.sample.before(values[at[1]])) is not None
        }
        if not back:
            break
        for at, sample in sampler.draw(back, turn).items():
            found[at] = Gone(sample, turn + 1, values[at[1]] in sample.values)
    return found


def step_values(subject: Examined) -> tuple[str, ...]:
    """What each step of an item's chain comes to."""
    return tuple(step_value("".join(subject.chain.trace.tokens[slice(*span)])) for span in subject.chain.spans)


def _row(subject: Examined, step: int, draws: Sequence[tuple[Sample, Sample, Gone]], spec: ScoreSpec) -> Resampled:
    """A step's row, from its samples: from before it, from after it, and with its value resampled away."""
    value, seed = step_values(subject)[step], spec.seed_of(subject.way.id)
    anew, kept = [one for one, _, _ in draws], [other for _, other, _ in draws]
    other = [each for each in anew if each.values[:1] != (value,)]
    absent = [gone.sample for _, _, gone in draws if not gone.back]
    right = {"kept": _right(kept), "resampled": _right(anew), "differing": _right(other), "absent": _right(absent)}
    answers, after = [each.answer for each in anew], [each.answer for each in kept]
    differing = [each.answer for each in other]
    return Resampled(
        subject.way.id,
        subject.way.tokens.group,
        step,
        subject.steps,
        value,
        len(draws),
        right_kept=right["kept"],
        right_resampled=right["resampled"],
        importance=right["kept"] - right["resampled"],
        distance=distance(answers, after),
        distance_by_chance=distance_by_chance(answers, after, seed=seed),
        differing=len(other) / len(draws),
        right_differing=right["differing"],
        counterfactual=right["kept"] - right["differing"],
        counterfactual_distance=distance(differing, after),
        counterfactual_by_chance=distance_by_chance(differing, after, seed=seed),
        resilience=float(np.mean([gone.times for _, _, gone in draws])),
        returning=float(np.mean([gone.back for _, _, gone in draws])),
        right_absent=right["absent"],
        unparsed=sum(not each.answer for each in anew),
        endless=sum(not each.went.ended for each in anew),
    )


def _right(samples: Sequence[Sample]) -> float:
    return float(np.mean([each.right for each in samples])) if samples else NAN


def _refused(chosen: Sequence[Examined], code: str, reason: str) -> list[Resampled]:
    return [
        Resampled(each.way.id, each.way.tokens.group, step, each.steps, code=code, reason=reason)
        for each in chosen
        for step in range(each.steps)
    ]
