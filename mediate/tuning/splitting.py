"""The held-out part: drawn by group, so that no question and no group is on both sides."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mediate.errors import InputError
from mediate.tuning.examples import Example


def units(examples: Sequence[Example]) -> Int[np.ndarray, " example"]:
    """The number of each example's unit: examples that share a group or a question, directly or through others."""
    groups = {name: place for place, name in enumerate(dict.fromkeys(each.group for each in examples))}
    words = {name: place for place, name in enumerate(dict.fromkeys(_words(each) for each in examples))}
    row = [groups[each.group] for each in examples]
    column = [len(groups) + words[_words(each)] for each in examples]
    size = len(groups) + len(words)
    graph = coo_array((np.ones(len(row)), (row, column)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1]
    return np.asarray(labels, dtype=np.int64)[row]


def split(examples: Sequence[Example], share: float, seed: int) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """The training part and the held-out part, each in the given order.

    Units are drawn until the held-out part has its share of the examples, which it therefore exceeds by less than a
    unit; one unit is always left to train on.

    Raises:
        InputError: A held-out part is wanted, and all examples are one unit.
    """
    if share == 0:
        return tuple(examples), ()
    unit = units(examples)
    order = np.random.default_rng([seed, len(examples)]).permutation(np.unique(unit))
    if len(order) < 2:
        raise InputError(
            f"{len(examples)} examples share one group or question, so none can be held out; give them other groups, "
            "or held_out=0"
        )
    sizes = np.array([(unit == each).sum() for each in order])
    count = int(np.searchsorted(sizes.cumsum(), share * len(examples))) + 1
    held = np.isin(unit, order[: min(count, len(order) - 1)])
    return (
        tuple(each for each, out in zip(examples, held, strict=True) if not out),
        tuple(each for each, out in zip(examples, held, strict=True) if out),
    )


def _words(example: Example) -> str:
    return " ".join(example.question.split())
