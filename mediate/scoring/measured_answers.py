"""Which answer of an item is measured, what stands before it, and how a run tells how often it was which.

Without torch: it is decided by what the item says and by what the model said when it was asked.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from mediate.pairs.answers import same_answer, says
from mediate.pairs.item import Item
from mediate.pairs.response import as_option, bridge_states_answer
from mediate.results.told import BRIDGE, Reject
from mediate.scoring.spec import ScoreSpec


class Lead(StrEnum):
    """What stands between an item's chain and its answer."""

    CUE = "cue"  # there is no bridge
    KEPT = "kept"
    KEPT_STATING = "kept_stating"  # the bridge states the answer, and was asked for
    STATING = "stating"  # the cue, in place of a bridge that states the answer
    REPLACED = "replaced"  # the cue, as it was asked for


def lead_of(item: Item, spec: ScoreSpec) -> Lead:
    """What stands before an item's answer; a bridge is told from the chain by the tag that closes that."""
    if not (item.closed and item.bridge):
        return Lead.CUE
    if spec.bridge == "cue":
        return Lead.REPLACED
    if not bridge_states_answer(item):
        return Lead.KEPT
    return Lead.KEPT_STATING if spec.bridge == "keep" else Lead.STATING


def keeps_bridge(item: Item, spec: ScoreSpec) -> bool:
    """Whether an item's answer is read after the response's own words."""
    return lead_of(item, spec) in (Lead.KEPT, Lead.KEPT_STATING)


def bridge_rejects(items: Iterable[Item], spec: ScoreSpec) -> tuple[Reject, ...]:
    """The bridges that are left out because they state the answer, by the id of their items."""
    reason = "the text before the answer already states it, so the answer cue stands in its place; --bridge keep has it"
    return tuple(
        Reject(item.id, "bridge_states_answer", reason, item.place, part=BRIDGE)
        for item in items
        if lead_of(item, spec) is Lead.STATING
    )


def is_own(item: Item, spec: ScoreSpec) -> bool:
    """Whether an item's measured answer is the model's own."""
    return spec.answer == "own" or not item.answer


def must_ask(item: Item, spec: ScoreSpec) -> bool:
    """Whether the model's own answer is measured and no response states it, so that the model must be asked."""
    return is_own(item, spec) and not item.stated


def measured_answer(item: Item, said: str | None, spec: ScoreSpec) -> str:
    """The answer that is measured; empty where there is none.

    Args:
        item: The item.
        said: What the model says after the chain, where it was asked.
        spec: The choices of the run.
    """
    return (item.stated or said or "") if is_own(item, spec) else item.answer


def other_options(item: Item, answer: str) -> tuple[str, ...]:
    """The options that a measured answer is not, also where it is the model's own, in its words."""
    if answer == item.answer:
        return tuple(each for each in item.options if not same_answer(each, answer))
    chosen = as_option(answer, item.options)
    return tuple(each for each in item.options if each != chosen and not says(answer, each))


def response_counts(measured: Sequence[tuple[Item, str]], rejects: Sequence[Reject], spec: ScoreSpec) -> dict[str, Any]:
    """What a manifest says of the responses of a run of items.

    `answers`: how many measured answers are given ones, and in how many of these the response states another; how many
    are the model's own, and how many of these are right or wrong by a given one. `bridges`: by `Lead`. `unfinished`
    responses were cut off by a length limit, and in others no answer was found; both are among what was left out.

    Args:
        measured: The measured items, each with its measured answer.
        rejects: What was left out.
        spec: The choices of the run.
    """
    left_out = Counter(each.code for each in rejects if each.part == "item")
    own = [(item, answer) for item, answer in measured if is_own(item, spec)]
    given = [(item, answer) for item, answer in measured if not is_own(item, spec)]
    right = [says(answer, item.answer) for item, answer in own if item.answer]
    leads = Counter(lead_of(item, spec) for item, _ in measured)
    return {
        "answers": {
            "given": len(given),
            "stated_otherwise": sum(bool(item.stated) and not says(item.stated, answer) for item, answer in given),
            "own": len(own),
            "own_right": sum(right),
            "own_wrong": len(right) - sum(right),
        },
        "bridges": {str(each): leads[each] for each in Lead if each is not Lead.CUE},
        "unfinished": left_out["unfinished"],
        "no_stated_answer": left_out["no_stated_answer"],
    }
