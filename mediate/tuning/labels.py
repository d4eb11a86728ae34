"""What a trainer of next tokens is given of a row: its tokens, and which of them are learnt."""

from collections.abc import Collection, Sequence

# The label of a token that is not learnt, as torch's cross entropy has it.
IGNORED = -100


def labelled(prompt: Sequence[int], completion: Sequence[int], unlearnt: Collection[int] = ()) -> dict[str, list[int]]:
    """A row of `input_ids` and `labels`: there is a loss on the completion alone, but for some of its places."""
    learnt = [IGNORED if place in unlearnt else token for place, token in enumerate(completion)]
    return {"input_ids": [*prompt, *completion], "labels": [IGNORED] * len(prompt) + learnt}
