"""Prompts that begin like a longer one beside them: its keys and values are taken, and what is left is run.

Several edits of one chain, or several draws after the same words, differ in their last tokens alone. As with a shared
beginning there is no padding inside a sequence: a row that has less left than another runs as much of its beginning
again in the padding's stead.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from mediate.models.model import Model
from mediate.models.roomy import roomy_cache
from mediate.models.side_by_side import SHARED_FROM, Prefix, Rows
from mediate.models.stepping import Stepping

Prompts = Sequence[Sequence[int]]


def followed(prompts: Prompts, shared: int = 0) -> list[tuple[int, int]]:
    """For each prompt the number of the one that it begins like, and for how many tokens; its own where there is none.

    Args:
        prompts: Token ids.
        shared: How many tokens all of them begin with, which are run once in any case.
    """
    found = [(number, len(prompt)) for number, prompt in enumerate(prompts)]
    # By the next tokens: who follows another has these in common with it.
    leaders: dict[tuple[int, ...], list[int]] = {}
    for number in sorted(range(len(prompts)), key=lambda each: -len(prompts[each])):
        own = prompts[number]
        begin = tuple(own[shared : shared + SHARED_FROM])
        alike = [(_alike(own, prompts[other]), other) for other in leaders.get(begin, ())]
        kept, leader = max(alike, default=(0, number))
        # Half of it at least, for what is run of a row beside others is run twice where it could have been run once.
        if len(begin) == SHARED_FROM and 2 * (kept - shared) >= len(own) - shared:
            found[number] = leader, kept
        else:
            leaders.setdefault(begin, []).append(number)
    return found


def _alike(own: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two prompts begin with in common, one left over for the first."""
    most = min(len(own) - 1, len(other))
    return next((place for place in range(most) if own[place] != other[place]), most)


def stepping(model: Model, prompts: Prompts, prefix: Prefix) -> Stepping:
    """Prompts of unequal length side by side, each run from where it parts from one that is longer.

    Args:
        model: The hooked model; where it cannot be padded, prompts are as they are in `Stepping`.
        prompts: Token ids.
        prefix: What all of them begin with, where that was run already.
    """
    follows = followed(prompts, prefix.length)
    leaders = [number for number, (leader, _) in enumerate(follows) if leader == number]
    parts, order = [Stepping(model, [prompts[number] for number in leaders], prefix)], list(leaders)
    width = max(map(len, prompts))
    by_rest: dict[int, list[int]] = {}
    for number, (leader, kept) in enumerate(follows):
        if leader != number:
            # Rows with about as much left go together.
            by_rest.setdefault((len(prompts[number]) - kept).bit_length(), []).append(number)
    for some in by_rest.values():
        new = max(len(prompts[number]) - follows[number][1] for number in some)
        rows = Rows.of([prompts[number] for number in some], Prefix())
        ids, mask = (torch.nn.functional.pad(each, (width - each.shape[1], 0)) for each in (rows.ids, rows.mask))
        taken = [
            (leaders.index(follows[number][0]), len(prompts[follows[number][0]]), len(prompts[number]))
            for number in some
        ]
        layers = [
            (_beginnings(keys, taken, width, new), _beginnings(values, taken, width, new))
            for keys, values in parts[0].past()
        ]
        parts.append(Stepping.of(model, Rows(ids, mask, roomy_cache(layers, width - new))))
        order += some
    back = sorted(range(len(order)), key=order.__getitem__)
    return parts[0] if len(parts) == 1 else Stepping.joined(parts, torch.tensor(back, device=model.device))


def _beginnings(own: Tensor, taken: Sequence[tuple[int, int, int]], width: int, new: int) -> Tensor:
    """The keys or values of rows as far as they are those of others, `row kv_head column d`.

    Args:
        own: Those of the others, which all end at the last column.
        taken: For each row, which of the others it takes, and the lengths of that one and of its own prompt.
        width: How many columns there are.
        new: How many tokens of each row are still to be run.
    """
    rows = own.new_zeros(len(taken), own.shape[1], width - new, own.shape[3])
    for row, (other, whole, length) in enumerate(taken):
        kept = max(0, length - new)
        rows[row, :, width - length : width - length + kept] = own[other, :, width - whole : width - whole + kept]
    return rows
