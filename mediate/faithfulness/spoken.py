"""What a model answers after edited chains of one item, read at once: each chain stands, the cue follows, it speaks.

Question and chain are run once; every edited chain goes on from where it parts from the chain, and all of them speak
side by side. The measured answer stands after the cue of each, which gives its log-probability and, up to where the
model would have said something else, what it says: where they part, it is gone on from there, token by token.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError
from mediate.mediation.item import Encoded
from mediate.models.generation import eos_ids
from mediate.models.model import Model
from mediate.models.numbers import not_numbers
from mediate.models.side_by_side import SHARED_FROM
from mediate.passes.beginnings import GoingOn, SideBySide, grouped_rows, run_beside, run_on_beside
from mediate.passes.forward import forward
from mediate.passes.keyvalues import KeyValues, prefill
from mediate.traces.pieces import decode_after
from mediate.traces.trace import shared_beginning

# Tokens that an answer may have beyond those of the measured one.
MORE = 4

Chain = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a model says after a chain and the cue.

    Args:
        ids: The tokens, greedily, up to the end of text or line; at most `MORE` beyond the measured answer's.
        logprob: The log-probability of the measured answer there, in nats.
    """

    ids: tuple[int, ...]
    logprob: float


@dataclass(frozen=True)
class Beginning:
    """What the questions of several items begin with, such as worked examples; run once, when it is first needed.

    Args:
        model: The hooked model.
        ids: Its tokens.
    """

    model: Model
    ids: tuple[int, ...]

    @classmethod
    def of(cls, model: Model, items: Sequence[Encoded]) -> "Beginning | None":
        """The beginning that the items share; None where it is too short to pay."""
        shared = shared_beginning([each.question for each in items])
        return cls(model, shared) if len(shared) >= SHARED_FROM else None

    @cached_property
    def past(self) -> KeyValues:
        """Its keys and values."""
        return prefill(self.model, torch.tensor([self.ids], device=self.model.device))[0]


def speak(
    model: Model, item: Encoded, chains: Iterable[Chain], *, padded: bool, begun: Beginning | None = None
) -> dict[Chain, Spoken]:
    """What a model says after each of some chains in the place of an item's own.

    Args:
        model: The hooked model.
        item: The item in tokens; of a pair its base.
        chains: The chains.
        padded: Whether rows of unequal length may stand side by side: `mediate.models.side_by_side.can_pad`.
        begun: What the item's question begins with, run once for several items.

    Raises:
        InputError: The model's logits are no numbers.
    """
    wanted = list(dict.fromkeys(chains))
    answer, after = item.readers.base, (*item.readers.cue, *item.readers.base)
    rows = [going_on(item, chain, after) for chain in wanted]
    own = _run_whole(model, item.whole, begun)
    found: dict[Chain, Spoken] = {}
    for group in grouped_rows(model, own, rows, padded=padded):
        ran = run_beside(model, item.whole, own, [rows[each] for each in group], last=len(answer) + 1)
        said = _read(model, ran, answer)
        _go_on(model, ran, said, answer, padded=padded)
        logprobs = _logprobs(ran.logits[:, :-1], answer)
        for number, ids, logprob in zip(group, said, logprobs, strict=True):
            found[wanted[number]] = Spoken(tuple(_ended(model, ids)), logprob)
    return {chain: found[chain] for chain in wanted}


def _run_whole(model: Model, ids: Sequence[int], begun: Beginning | None) -> KeyValues:
    """The keys and values of a question and its chain."""
    rest = ids if begun is None else ids[len(begun.ids) :]
    past = None if begun is None else begun.past
    return prefill(model, torch.tensor([rest], device=model.device), past=past)[0]


def speak_plainly(model: Model, item: Encoded, chains: Iterable[Chain]) -> dict[Chain, Spoken]:
    """`speak` by plain passes over whole sequences, one for each token that is said: its slow twin."""
    found: dict[Chain, Spoken] = {}
    for chain in dict.fromkeys(chains):
        context, answer = [*item.question, *chain, *item.readers.cue], item.readers.base
        forced = torch.tensor([[*context, *answer]], device=model.device)
        logprob = _logprobs(forward(model, forced, last=len(answer) + 1).logits[:, :-1], answer)[0]
        said: list[int] = []
        while not _is_over(model, said, len(answer)):
            ids = torch.tensor([[*context, *said]], device=model.device)
            said.append(int(forward(model, ids, last=1).logits[0, -1].argmax()))
        found[chain] = Spoken(tuple(_ended(model, said)), logprob)
    return found


def going_on(item: Encoded, chain: Chain, after: tuple[int, ...]) -> GoingOn:
    """The row of a chain, from where it parts from the item's own."""
    own = item.trace.ids
    pairs = enumerate(zip(own, chain, strict=False))
    alike = next((place for place, (one, other) in pairs if one != other), min(len(own), len(chain)))
    return GoingOn(len(item.question) + alike, (*chain[alike:], *after))


def _read(model: Model, ran: SideBySide, answer: Sequence[int]) -> list[list[int]]:
    """What each row says as far as it is the measured answer, and the first token in which it is not."""
    if not ran.logits.amax(dim=-1).isfinite().all():
        raise InputError(not_numbers(model.facts.name, model.facts.dtype))
    greedy = ran.logits.argmax(dim=-1).tolist()
    alike = [next((place for place, token in enumerate(answer) if row[place] != token), len(answer)) for row in greedy]
    return [row[: place + 1] for row, place in zip(greedy, alike, strict=True)]


def _go_on(model: Model, ran: SideBySide, said: list[list[int]], answer: Sequence[int], *, padded: bool) -> None:
    """Appends to what each row says until it is over.

    Rows part from the answer at different places; all go on side by side, where rows of unequal length may.
    """
    going = [row for row, ids in enumerate(said) if not _is_over(model, ids, len(answer))]
    places = [None] if padded else sorted({len(said[row]) for row in going})
    for place in places:
        left = [row for row in going if place in (None, len(said[row]))]
        rows, among, drop = ran, left, [len(answer) + 1 - len(said[row]) for row in left]
        while left:
            rows = run_on_beside(model, rows, among, [said[row][-1] for row in left], drop=drop)
            for row, token in zip(left, rows.logits[:, -1].argmax(dim=-1).tolist(), strict=True):
                said[row].append(token)
            among = [at for at, row in enumerate(left) if not _is_over(model, said[row], len(answer))]
            left = [left[at] for at in among]
            drop = [0] * len(left)


def _is_over(model: Model, ids: Sequence[int], answer: int) -> bool:
    """Whether a text is at its end: it has come to its last token or line's end, or is as long as it may be."""
    if not ids:
        return False
    tokenizer = model.need_tokenizer()
    return len(ids) >= answer + MORE or ids[-1] in eos_ids(model) or "\n" in decode_after(tokenizer, ids).lstrip()


def _ended(model: Model, ids: Sequence[int]) -> list[int]:
    """A text without the token that ends it."""
    return [token for token in ids if token not in eos_ids(model)]


def _logprobs(logits: Float[Tensor, "row answer d_vocab"], answer: Sequence[int]) -> list[float]:
    """The log-probability of an answer in each row."""
    told = torch.tensor(answer, device=logits.device)[None, :, None].expand(len(logits), -1, 1)
    found: list[float] = logits.double().log_softmax(dim=-1).gather(2, told).sum(dim=(1, 2)).tolist()
    return found
