"""How likely a model finds the tokens of given sequences, without an array of all positions by the whole vocabulary.

The body of the network is run once; the network's own head then reads what the body says, some positions at a time, and
of each position no more than a few numbers are kept. `token_scores_plainly` holds all logits at once: its slow twin.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.float64 import in_float64
from mediate.models.model import Model
from mediate.models.numbers import not_numbers
from mediate.models.past import arguments_of
from mediate.passes.forward import forward
from mediate.passes.unhooked import leanly

# Logits that are held at a time, in bytes of float32; with what is worked out from them it is three times as much.
LOGITS_BYTES = 2**25
# The fewest positions that the head reads at a time: a narrower matrix product is slower.
FEWEST = 64


@dataclass(frozen=True, slots=True)
class ToScore:
    """A sequence and the tokens of it that are scored.

    Args:
        ids: The sequence.
        start: The first token that is scored; at least one stands before it.
    """

    ids: tuple[int, ...]
    start: int

    def __post_init__(self) -> None:
        if not 0 < self.start < len(self.ids):
            raise ValueError(f"tokens from {self.start} on of a sequence of {len(self.ids)}")


@dataclass(frozen=True, slots=True, eq=False)
class TokenScores:
    """What is known of each scored token of one sequence, in nats but for the rank.

    Args:
        surprisal: Minus its log-probability.
        rank: One more than the number of tokens with strictly larger logits.
        entropy: Of what the model expected there.
        teacher: Its surprisal under the teacher; None without one.
        divergence: `-sum p log p_teacher` over the vocabulary; None without a teacher.
    """

    surprisal: Float[np.ndarray, " token"]
    rank: Int[np.ndarray, " token"]
    entropy: Float[np.ndarray, " token"]
    teacher: Float[np.ndarray, " token"] | None = None
    divergence: Float[np.ndarray, " token"] | None = None


def token_scores(model: Model, rows: Sequence[ToScore], teacher: Model | None = None) -> list[TokenScores]:
    """Scores of the tokens of some sequences, side by side.

    Args:
        model: The hooked model.
        rows: The sequences; the shorter ones are padded behind their ends, so they should be of like length.
        teacher: A second model with the same tokens, for what it says of them. Where it has more or fewer rows of
            unembedding, which no token has, the divergence is over those that both have.

    Raises:
        InputError: A model's logits are no numbers.
    """
    models = [model] if teacher is None else [model, teacher]
    ids = _padded(model, rows)
    at = [(row, place - 1) for row, each in enumerate(rows) for place in range(each.start, len(each.ids))]
    where = torch.tensor(at, device=model.device)
    targets = ids[where[:, 0], where[:, 1] + 1]
    widest = max(each.facts.d_vocab for each in models)
    size = max(FEWEST, LOGITS_BYTES // (4 * widest))
    heads = [_head_after_body(each, ids.to(each.device), where.to(each.device)) for each in models]
    columns: list[Tensor] = []
    for start in range(0, len(targets), size):
        part = _stretch(models, [head(start, start + size) for head in heads], targets[start : start + size])
        # Results have their place from the first: what is kept between two stretches would leave gaps in the heap, into
        # which the next one's logits do not fit.
        columns = columns or [each.new_empty(len(targets)) for each in part]
        for column, each in zip(columns, part, strict=True):
            column[start : start + size] = each
    return _by_row(columns, rows)


def token_scores_plainly(model: Model, rows: Sequence[ToScore], teacher: Model | None = None) -> list[TokenScores]:
    """`token_scores` by whole passes of one sequence at a time, with all their logits at once: its slow twin."""
    models = [model] if teacher is None else [model, teacher]
    found = []
    for each in rows:
        given = [torch.tensor([each.ids], device=one.device) for one in models]
        logits = [forward(one, ids).logits[0, each.start - 1 : -1] for one, ids in zip(models, given, strict=True)]
        targets = torch.tensor(each.ids[each.start :], device=model.device)
        found += _by_row(_stretch(models, logits, targets), [each])
    return found


def _padded(model: Model, rows: Sequence[ToScore]) -> Int[Tensor, "row pos"]:
    width = max(len(each.ids) for each in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long, device=model.device)
    for row, each in enumerate(rows):
        ids[row, : len(each.ids)] = torch.tensor(each.ids, device=model.device)
    return ids


def _stretch(
    models: Sequence[Model], logits: Sequence[Float[Tensor, "token d_vocab"]], targets: Int[Tensor, " token"]
) -> list[Tensor]:
    """The scores of some tokens, from what each model expected in their places."""
    own = logits[0] if logits[0].dtype is torch.float64 else logits[0].float()
    normaliser = own.logsumexp(dim=-1)
    if not normaliser.isfinite().all():
        raise InputError(not_numbers(models[0].facts.name, models[0].facts.dtype))
    said = own.gather(1, targets[:, None])
    rank = 1 + (own > said).sum(dim=-1)
    surprisal = normaliser - said[:, 0]
    probability = own.sub(normaliser[:, None]).exp_()
    entropy = normaliser - torch.linalg.vecdot(probability, own)
    if len(logits) == 1:
        return [surprisal, rank, entropy]
    other = logits[1] if logits[1].dtype is torch.float64 else logits[1].float()
    other, targets = other.to(own.device), targets.to(own.device)
    across = other.logsumexp(dim=-1)
    if not across.isfinite().all():
        raise InputError(not_numbers(models[1].facts.name, models[1].facts.dtype))
    both = min(own.shape[1], other.shape[1])
    inside = torch.linalg.vecdot(probability[:, :both].to(other.dtype), other[:, :both])
    divergence = across * probability[:, :both].sum(dim=-1) - inside
    return [surprisal, rank, entropy, across - other.gather(1, targets[:, None])[:, 0], divergence]


def _by_row(columns: Sequence[Tensor], rows: Sequence[ToScore]) -> list[TokenScores]:
    ends = np.cumsum([len(each.ids) - each.start for each in rows])[:-1]
    parts = [np.split(column.cpu().numpy(), ends) for column in columns]
    return [TokenScores(*each) for each in zip(*parts, strict=True)]


Head = Callable[[int, int], Float[Tensor, "token d_vocab"]]
"""The logits at some of the wanted places, from one number of them to another."""


def _head_after_body(model: Model, ids: Int[Tensor, "row pos"], where: Int[Tensor, "token two"]) -> Head:
    """Runs the body, and hands out the head's logits at the wanted places; all at once where the two do not part."""
    if not _parts_at_head(model):
        with torch.no_grad(), leanly(model):
            whole = _call(model.plain, ids).logits[where[:, 0], where[:, 1]]
        return lambda start, stop: whole[start:stop]
    body = _body(model, ids)
    hidden = body.last_hidden_state[where[:, 0], where[:, 1]]
    return lambda start, stop: _head(model, body, hidden[None, start:stop])[0]


def _body(model: Model, ids: Int[Tensor, "row pos"]) -> Any:
    """What the body says, with no past."""
    with torch.no_grad(), leanly(model), in_float64(model.plain):
        return _call(model.plain.base_model, ids)


def _call(module: Any, ids: Int[Tensor, "row pos"]) -> Any:
    """A network or its body on sequences of which each begins at the first position."""
    given: dict[str, Any] = {
        "use_cache": False,
        "position_ids": torch.arange(ids.shape[1], device=ids.device).expand(ids.shape),
    }
    taken = arguments_of(type(module).forward)
    return module(input_ids=ids, **{name: value for name, value in given.items() if name in taken})


def _head(model: Model, body: Any, hidden: Float[Tensor, "row pos d_model"]) -> Float[Tensor, "row pos d_vocab"]:
    """The network's own logits where its body is taken to say this; the body is not run.

    So what stands between the two, such as a scale or a cap, is the network's own too.
    """
    said = copy(body)
    said["last_hidden_state"] = hidden
    module = model.plain.base_model
    before = vars(module).get("forward")
    object.__setattr__(module, "forward", lambda *_, **__: said)
    try:
        with torch.no_grad(), leanly(model):
            logits: Tensor = _call(model.plain, model.probe.ids[:1, :1]).logits
    finally:
        object.__delattr__(module, "forward")
        if before is not None:
            object.__setattr__(module, "forward", before)
    return logits


_PARTS: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


def _parts_at_head(model: Model) -> bool:
    """Whether a network is its body and then its head, which reads each position by itself; tried on the probe."""
    plain = model.plain
    if plain not in _PARTS:
        off = float("inf")
        if plain.base_model is not plain:
            with suppress(Exception):  # architectures that are built otherwise raise what they like
                body = _body(model, model.probe.ids)
                hidden = body.last_hidden_state
                ends = [_head(model, body, hidden[:, part]) for part in (slice(0, 3), slice(3, None))]
                off = float((torch.cat(ends, dim=1) - model.probe.logits).abs().max())
        _PARTS[plain] = off <= 64 * model.rounding * max(1.0, float(model.probe.logits.abs().max()))
    return _PARTS[plain]
