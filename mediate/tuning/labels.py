"""What a trainer of next tokens is given of a row: its tokens, and which of them are learnt."""

from collections.abc import Sequence

# The label of a token that is not learnt, as torch's cross entropy has it.
IGNORED = -100


def labelled(prompt: Sequence[int], completion: Sequence[int]) -> dict[str, list[int]]:
    """A row of `input_ids` and `labels`: there is a loss on the completion alone."""
    return {"input_ids": [*prompt, *completion], "labels": [IGNORED] * len(prompt) + [*completion]}
