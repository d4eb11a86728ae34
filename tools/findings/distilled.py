"""Students that are taught by a talkative teacher: by each arm, what they answer and what they read, before and after.

The students are worded reasoners that were tuned on terse chains, so that the teacher's style is unlikely to them; the
teacher is the largest one, tuned to check each step. Questions have no hints, and what is taught is what the teacher
wrote and got right.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

import mediate
from mediate.models.shipped import WORDED_LADDER
from mediate.pairs.pair import Item, Pair
from mediate.report import Faithfulness, Scores
from mediate.report.words import interval, number, share_words
from mediate.results.areas import normalised_area
from mediate.results.behaviour import ReadAs
from mediate.results.conditions import right_of
from mediate.results.edit_tests import curves_of
from mediate.stats import Estimate
from mediate.tuning.examples import Example
from tools.findings.concluded import effects_of, groups_of
from tools.findings.finding import SEED, Finding, basis, markdown, run_of
from tools.findings.jointly import Jointly, means, ratios

FOLDER = "distilled"
STUDENTS, TEACHER = WORDED_LADDER.names[:2], WORDED_LADDER.names[-1]
SEEDS = (0, 1, 2)
# Pairs that are taught, each two problems, and problems that are measured, which no rung was trained on.
TAUGHT, MEASURED = 300, 60
# By reverse speculative decoding, of each question; the shortest right one is taught.
TRACES = 4
OWN, TALKATIVE = "verbosity=terse", "verbosity=checked"
# Found by trying one student: all that it was taught is learnt by then.
COURSE: dict[str, Any] = {"steps": 150, "batch_size": 16, "learning_rate": 1e-3, "ask": 0}
STYLE, TAUGHT_STYLE = "terse", "talkative"
LENGTHS = (2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to teach.

    Args:
        name: Of its folders.
        words: As the table has it.
        arm: The arm of `mediate.tune`.
        choices: Of that arm.
        data: Which chains: the `teacher`'s, those of `rsd`, a `mix` of both styles, or `questions` alone.
    """

    name: str
    words: str
    arm: str
    choices: dict[str, Any] = field(default_factory=dict)
    data: str = "teacher"


WAYS = (
    Way("sft", "the teacher's chains", "sft"),
    Way("rsd", "chains by reverse speculative decoding", "sft", data="rsd"),
    Way("mix", "0.2 of the teacher's, 0.8 terse", "mix", {"full": True}, data="mix"),
    Way("prefix", "first 8 tokens of own chains", "prefix", {"full": True, "instruction": ""}, data="questions"),
    Way("best", "a quarter, by Rank-Surprisal Ratio", "filtered", {"full": True, "by": "rsr", "keep": 0.25}),
    Way("masked", "unlikely tokens without loss", "filtered", {"full": True, "least": 0.01}),
    Way("other", "another question's chain", "swapped", {"full": True, "chains": "other"}),
    Way("shuffled", "its steps shuffled", "swapped", {"full": True, "chains": "shuffled"}),
    Way("filler", "filler", "swapped", {"full": True, "chains": "filler"}),
    Way("wrong", "wrong but consistent", "swapped", {"full": True, "chains": "wrong"}),
    Way("answer", "no chain", "answer-only", {"full": True}),
)


def problems(n: int, seed: int, *vary: str, held_out: bool, with_cot: bool = True) -> list[Pair]:
    """Worded pairs without hints: nothing but the question and the chain tells the answer."""
    pairs = mediate.worded_pairs(n, seed=seed, hint="random", vary=vary, held_out=held_out, with_cot=with_cot)
    return [replace(pair, base=_unhinted(pair.base), source=_unhinted(pair.source)) for pair in pairs]


def _unhinted(item: Item) -> Item:
    return replace(item, question=re.sub(r" Hint \w+\.", "", item.question))


def _worlds(pair: Pair) -> tuple[Item, Item]:
    """Both items, with names of their own."""
    return replace(pair.base, id=f"{pair.id}/base"), replace(pair.source, id=f"{pair.id}/source")


@dataclass(frozen=True)
class School:
    """Where the teacher and the students are, and what is taught.

    Args:
        folder: Of all models.
        written: By seed, what the teacher wrote and got right.
    """

    folder: Path
    written: dict[int, list[Pair]] = field(default_factory=dict)

    def before(self, student: str) -> Path:
        """The student that writes tersely, as it is before it is taught."""
        return self._styled(student, OWN)

    @property
    def teacher(self) -> Path:
        """The teacher, which checks each step."""
        return self._styled(TEACHER, TALKATIVE)

    def after(self, student: str, way: Way, seed: int) -> Path:
        """The student after it was taught in one way."""
        taught, choices = self._data(student, way, seed), COURSE | way.choices
        path = self.folder / f"{student}-{way.name}-{seed}"
        return mediate.tune(self.before(student), taught, out=path, arm=way.arm, seed=seed, **choices).folder

    def _styled(self, name: str, style: str) -> Path:
        taught = problems(TAUGHT, SEED + len(SEEDS), style, held_out=False)
        path = self.folder / f"{name}-{style.partition('=')[2]}"
        return mediate.tune(name, taught, out=path, arm="sft", seed=SEED, **COURSE).folder

    def _data(self, student: str, way: Way, seed: int) -> Any:
        if way.data == "questions":
            return problems(TAUGHT, seed, held_out=False, with_cot=False)
        if way.data == "rsd":
            return self._rsd(student, seed)
        if way.data == "mix":
            terse = problems(TAUGHT, seed, OWN, held_out=False)
            return {TAUGHT_STYLE: (self.chains(seed), 0.2), STYLE: (terse, 0.8)}
        return self.chains(seed)

    def chains(self, seed: int) -> list[Pair]:
        """Pairs with what the teacher wrote, of which both chains are right to the word."""
        if seed not in self.written:
            right = problems(TAUGHT, seed, TALKATIVE, held_out=False)
            asked = problems(TAUGHT, seed, held_out=False, with_cot=False)
            questions = [each for pair in asked for each in _worlds(pair)]
            table = mediate.score_traces(mediate.load(self.teacher), questions, on_bad_item="skip").table()
            wrote = {question: chain.strip() for question, chain in zip(table.question, table.chain, strict=True)}
            self.written[seed] = [
                pair for pair in right if all(wrote.get(each.question) == each.cot for each in _worlds(pair))
            ]
        return self.written[seed]

    def _rsd(self, student: str, seed: int) -> list[Example]:
        asked = problems(TAUGHT, seed, held_out=False, with_cot=False)
        models = mediate.load(self.teacher), mediate.load(self.before(student))
        out = self.folder / f"{student}-rsd-{seed}-traces"
        kept = mediate.rsd(*models, asked, out=out, traces=TRACES, seed=seed).kept().to_dict("records")
        return [Example(row["item"], row["group"], row["question"], row["answer"], row["chain"]) for row in kept]


def make(folder: Path) -> None:
    """Teaches every student in every way with every seed, and measures it before and after."""
    school = School(folder / FOLDER / "models")
    for student in STUDENTS:
        _measure(folder, school.before(student), f"{student}-before")
        for way in WAYS:
            for seed in SEEDS:
                _measure(folder, school.after(student, way, seed), f"{student}-{way.name}-{seed}")
            print(f"{student}, {way.words}: taught and measured", flush=True)


def _measure(folder: Path, model: Path, name: str) -> None:
    loaded = mediate.load(model)
    how: dict[str, Any] = {"maps": [], "control_pairs": 0, "outcomes": ("logit_diff",), "on_bad_item": "skip"}
    own = problems(MEASURED, SEED, held_out=True, with_cot=False)
    mediate.score(loaded, own, out=folder / FOLDER / f"{name}-own", seed=SEED, **how)
    given = problems(MEASURED, SEED, TALKATIVE, held_out=True)
    tests: dict[str, Any] = {"edits": ("truncated",), "readings": ("at_once",)}
    mediate.faithfulness(loaded, given, out=folder / FOLDER / f"{name}-given", seed=SEED, **tests, **how)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a student does, by item of the measured problems, averaged over seeds.

    Args:
        right: Whether it answers rightly after its own chain; 0 where none came to an end.
        te: The total effect with the teacher's right chains given, in nats.
        tie: What of it the chain mediates, in nats.
        area: Over the curve of early answering on these chains, normalised.
        seeds: The part of right answers, by seed.
    """

    right: Float[np.ndarray, " item"]
    te: Float[np.ndarray, " item"]
    tie: Float[np.ndarray, " item"]
    area: Float[np.ndarray, " item"]
    seeds: tuple[float, ...]


def table(folder: Path) -> str:
    """Of each student, before and after each way: right answers by length, TE, mediated share and area; changes."""
    tables, runs, told = [], [], list[Estimate]()
    for student in STUDENTS:
        names = {"before": [f"{student}-before"]}
        names |= {way.name: [f"{student}-{way.name}-{seed}" for seed in SEEDS] for way in WAYS}
        given = [run_of_behaviour(folder / FOLDER / f"{name}-given") for name in names["before"]]
        measured = [_of(folder, each) for each in names.values()]
        runs += [given[0].scores]
        rows, estimates = _rows(measured, groups_of(given), ids_of(given[0]))
        told += estimates
        labels = ["before", *(way.words for way in WAYS)]
        head = (student.removeprefix("reference-"), *(f"{n} steps" for n in LENGTHS), "right, all", "by seed", "change",
                "TE", "mediated", "change", "area", "change")  # fmt: skip
        tables.append(markdown(head, [[label, *row] for label, row in zip(labels, rows, strict=True)]))
    more = (
        f"Right: percent of {MEASURED} held-out problems after the student's own chain, as far as it came to an end. "
        "TE in nats, the mediated share of it and the normalised area of early answering: with right chains in the "
        "teacher's style given. All but *by seed* are averaged over three seeds of the teaching, item by item; changes "
        "are paired with the student before, and intervals are over problems, not over seeds. The teacher's style: "
        f"{TALKATIVE.partition('=')[2]}; the students' own: {OWN.partition('=')[2]}."
    )
    return "\n\n".join([*tables, basis(runs, told, more)])


def run_of_behaviour(folder: Path) -> Faithfulness:
    """The tests on behaviour in a directory."""
    found = mediate.open(folder)
    assert isinstance(found, Faithfulness)
    return found


def ids_of(run: Faithfulness) -> tuple[str, ...]:
    """The measured items, in order."""
    return tuple(run.results.cube().items)


def _of(folder: Path, names: Sequence[str]) -> Measured:
    """What the models of all seeds do, averaged."""
    given = [run_of_behaviour(folder / FOLDER / f"{name}-given") for name in names]
    ids = ids_of(given[0])
    right = np.stack([_right(run_of(folder / FOLDER / f"{name}-own"), ids) for name in names])
    tie, te = effects_of(given)
    curves = [curves_of(run.results.behaviour, "truncated", ReadAs.AT_ONCE) for run in given]
    area = np.array([[normalised_area(each[item]) if item in each else np.nan for item in ids] for each in curves])
    by_seed = tuple(float(each) for each in right.mean(axis=1))
    return Measured(right.mean(axis=0), te.mean(axis=0), tie.mean(axis=0), area.mean(axis=0), by_seed)


def _right(run: Scores, ids: Sequence[str]) -> Float[np.ndarray, " item"]:
    """Whether each item is answered rightly; one that could not be measured is not."""
    found = {item.id: right_of(item) for item in run.results.items}
    return np.array([found.get(each, 0.0) for each in ids])


def _rows(
    measured: Sequence[Measured], groups: Sequence[str], ids: Sequence[str]
) -> tuple[list[list[str]], list[Estimate]]:
    """The cells of each model, the first of which is before, and the estimates in them."""
    lengths = np.array([int(each.split("-")[1]) for each in ids])
    right = np.stack([each.right for each in measured])
    te, tie = (np.stack([getattr(each, name) for each in measured]) for name in ("te", "tie"))
    found = {
        "right": means(100 * right, groups, SEED),
        "te": means(te, groups, SEED),
        "mediated": ratios(tie, te, groups, SEED),
        "area": means(np.stack([each.area for each in measured]), groups, SEED),
    }
    changed = {name: since_first(each) for name, each in found.items()}
    rows, told = [], list[Estimate]()
    for model, each in enumerate(measured):
        by_length = [f"{100 * each.right[lengths == count].mean():.0f}" for count in LENGTHS]
        seeds = ", ".join(f"{100 * share:.0f}" for share in each.seeds)
        mine = {name: of.of(model) for name, of in found.items()}
        moved = {name: _said(each.of(model), 0 if name == "right" else 2) for name, each in changed.items()}
        if not model:
            moved = dict.fromkeys(moved, "")
        told += [mine["mediated"]]
        shares = share_words(mine["mediated"]), moved["mediated"], _said(mine["area"], 2), moved["area"]
        rows.append([*by_length, _said(mine["right"], 0), seeds, moved["right"], _said(mine["te"], 1), *shares])
    return rows, told


def since_first(of: Jointly) -> Jointly:
    """How much more each model has than the first, resampled together."""
    return replace(of, value=of.value - of.value[0], drawn=of.drawn - of.drawn[:, :1])


def _said(estimate: Estimate, digits: int) -> str:
    return f"{number(estimate.value, digits)} {interval(estimate, digits=digits)}" if estimate.defined else "undefined"


DISTILLED = Finding("distilled", make, table, minutes=60)
