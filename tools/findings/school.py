"""Worded reasoners that are taught by another one: the teacher, the students, and the ways to teach.

The students are tuned on terse chains first, so that the teacher's style is unlikely to them; the teacher is the
largest one, tuned to check each step. Questions have no hints, and what is taught is what the teacher wrote and got
right.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mediate
from mediate.models.shipped import WORDED_LADDER
from mediate.pairs.pair import Item, Pair
from mediate.tuning.examples import Example
from tools.findings.finding import SEED

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
