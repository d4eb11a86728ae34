"""What each choice of a command bears on: a run's numbers, and by which way, or nothing of them. Imports no torch.

A directory is taken up again only by a run of the same numbers, and what is measured is looked up by what it depends
on. So every option stands here once: the test of this table fails on one that does not, and on one that stands wrong.
"""

from collections.abc import Mapping
from enum import StrEnum


class Bearing(StrEnum):
    """How a choice comes into a run's identity."""

    NUMBERS = "numbers"  # it stands there itself
    CONTENT = "content"  # what it names does: the items of a file, the weights of a model, a kind of device
    NOTHING = "nothing"  # not at all: where and how the same numbers are made, kept and told


def _each(bearing: Bearing, names: str) -> dict[str, Bearing]:
    return dict.fromkeys(names.split(), bearing)


# Of scoring, with the activations that it keeps, as a run that kept none is not the one that is asked for.
_SCORING = """
    template answer_cue chains outcomes maps against others control_pairs replacements keep on_bad_item answer bridge
    solved_only max_new_tokens stop temperature top_p limit seed min_te level
"""
_BEHAVIOUR = """
    edits hint rewriter rewriter_instruction readings measures resampling resamples resample_items resample_rounds
    resample_temperature resample_top_p
"""
BEARINGS: Mapping[str, Bearing] = (
    _each(Bearing.NUMBERS, f"{_SCORING} {_BEHAVIOUR} worlds writer margin draws flips allow_mixed")
    | _each(Bearing.CONTENT, "pairs runs model tuned adapter tokenizer dtype device")
    | _each(Bearing.CONTENT, "few_shot examples")
    | _each(Bearing.CONTENT, "format columns answer_pattern")
    | _each(Bearing.NOTHING, "copy out labels label cache report plan dry_run write_run log quiet verbose json profile")
    | _each(Bearing.NOTHING, "max_errors takeover partial")
    | _each(Bearing.NOTHING, "shard chains_only engine address num_workers gpus_per_worker threads_per_worker")
    | _each(Bearing.NOTHING, "worker_timeout")
)
