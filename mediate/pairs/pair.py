"""The records of this room: an item, and a pair of items in the base and the source world."""

from dataclasses import dataclass

from mediate.errors import ItemError
from mediate.pairs.answers import same_answer


@dataclass(frozen=True, slots=True)
class Item:
    """A question with its answer and, where one is given, the chain of thought between them.

    Args:
        question: The question's text.
        answer: The answer's text, without the space that sets it off.
        cot: The chain of thought; None lets the model write it.
        values: The result of each step, where the steps are known.
    """

    question: str
    answer: str
    cot: str | None = None
    values: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """One item in two worlds that differ in the question and so in the answer.

    Args:
        id: Names the pair; unique in its set.
        group: What the bootstrap resamples: the template or problem that the pair comes from.
        base: World 1.
        source: World 0.
        place: Where the pair stands, such as `pairs.jsonl:12`; empty for pairs made in memory.

    Raises:
        ItemError: An empty question, answer or CoT, answers that are one value, or an answer that begins with
            the other.
    """

    id: str
    group: str
    base: Item
    source: Item
    place: str = ""

    def __post_init__(self) -> None:
        for world, item in (("base", self.base), ("source", self.source)):
            if not item.question.strip():
                raise self._bad("empty_question", f"the {world} question is empty; write one")
            if not item.answer.strip():
                raise self._bad("empty_answer", f"the {world} answer is empty; write one")
            if item.cot is not None and not item.cot.strip():
                raise self._bad("empty_cot", f"the {world} CoT is empty; leave 'cot' out to let the model write it")
        base, source = self.base.answer.strip(), self.source.answer.strip()
        shown = _short(base), _short(source)
        change = "a pair needs a question change that changes the answer"
        if base == source:
            raise self._bad("equal_answers", f"both answers are {shown[0]}; {change}")
        if same_answer(base, source):
            raise self._bad("equal_answers", f"the answers {shown[0]} and {shown[1]} are one value; {change}")
        if base.startswith(source) or source.startswith(base):
            short, long = shown if len(base) < len(source) else shown[::-1]
            raise self._bad(
                "prefix_answer", f"answer {short} is a prefix of {long}; choose worlds whose answers part ways"
            )

    def _bad(self, code: str, reason: str) -> ItemError:
        return ItemError(self.id, reason, place=self.place, code=code)


def check_questions(pair: Pair) -> None:
    """Raises ItemError where both worlds of a pair from a file ask the same: nothing tells which answer is right.

    A pair made in memory may be so, as a control whose effects are 0.
    """
    if pair.place and pair.base.question.split() == pair.source.question.split():
        base, source = _short(pair.base.answer), _short(pair.source.answer)
        reason = f"both worlds ask the same question, and the answers are {base} and {source}; change one question"
        raise ItemError(pair.id, reason, place=pair.place, code="equal_questions")


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
