"""Several sets with weights: a little of long chains among short ones, or of a large teacher's among a small one's.

Mix distillation (Li et al. 2025, arXiv 2502.12143): 0.2 of the examples have the chains that are hard for a small
student, the others those that are not.
"""

from collections.abc import Mapping
from fractions import Fraction

from mediate.errors import InputError
from mediate.tuning.arms.arm import Arm, Arranged, Chosen, Side, Taught
from mediate.tuning.arms.supervised import chain_and_answer, supervised, with_chain

# Between the name of a part and the id of an example in it.
SEPARATOR = "/"
PART = "--part NAME=FILE:WEIGHT"


def part_of(name: str) -> str:
    """The part that an example comes from, by its id."""
    return name.partition(SEPARATOR)[0]


def apportioned(weights: Mapping[str, float], total: int) -> dict[str, int]:
    """How many of a total each part has, by largest remainders: exact, and the first of those that tie gets more."""
    exact = {name: Fraction(str(weight)) for name, weight in weights.items()}
    whole = sum(exact.values())
    quotas = {name: total * weight / whole for name, weight in exact.items()}
    counts = {name: int(quota) for name, quota in quotas.items()}
    rest = sorted(quotas, key=lambda name: counts[name] - quotas[name])  # stable
    return counts | {name: counts[name] + 1 for name in rest[: total - sum(counts.values())]}


def largest(weights: Mapping[str, float], there: Mapping[str, int]) -> int:
    """The largest total of which no part has more than there are of it."""
    whole = sum(weights.values())
    total = int(min((there[name] + 1) * whole / weight for name, weight in weights.items())) + 1
    while any(count > there[name] for name, count in apportioned(weights, total).items()):
        total -= 1
    return total


def _arrange(side: Side, chosen: Chosen) -> Arranged:
    import numpy as np

    by_part: dict[str, list[Taught]] = {name: [] for name in side.parts}
    for each in side.taught:
        by_part[part_of(each.example.id)].append(each)
    there = {name: len(found) for name, found in by_part.items()}
    counts = _counts(side.parts, there, chosen.size)
    taught: list[Taught] = []
    for number, (name, found) in enumerate(by_part.items()):
        places = np.random.default_rng([chosen.seed, 2, number]).permutation(there[name])[: counts[name]]
        about = {"part": name}
        taught += [Taught(found[at].example, found[at].said, found[at].row, about) for at in sorted(places.tolist())]
    words = [" ".join(each.example.question.split()) for each in taught]
    told = {
        name: {"weight": weight, "there": there[name], "examples": counts[name]} for name, weight in side.parts.items()
    }
    return Arranged(taught, {"parts": told, "questions": len(set(words))})


def _counts(weights: Mapping[str, float], there: Mapping[str, int], size: int | None) -> dict[str, int]:
    """How many examples of each part are taken, with every part in it and large enough."""
    for name, count in there.items():
        if not count:
            raise InputError(f"part {name!r}: has no example to train on; give it some, or leave it out")
    counts = apportioned(weights, largest(weights, there) if size is None else size)
    for name, count in counts.items():
        if not count:
            reason = f"part {name!r}: gets none of {sum(counts.values())} examples at weight {weights[name]:g}"
            raise InputError(
                f"{reason}; give it more weight, or {'more examples' if size is None else 'a larger size'}"
            )
        if count > there[name]:
            raise InputError(
                f"part {name!r}: has {there[name]} examples to train on, and {count} are its share of {size}; give it "
                f"more, or a size up to {largest(weights, there)}"
            )
    return counts


MIX = Arm(
    name="mix",
    help="Several sets with weights, on chains and answers; an adapter unless --full.",
    rates=(1e-5, 2e-4),  # Li et al.'s, and that of lora
    needs=with_chain,
    tokens=chain_and_answer,
    trainer=supervised,
    own=("size",),
    arrange=_arrange,
    in_parts=True,
)
