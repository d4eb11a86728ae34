"""Batches that do not fit into memory are halved, and how many items fitted is remembered for the rest of a run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")


@dataclass(slots=True)
class Fits:
    """How many items fit into memory side by side, as far as it was found out.

    Args:
        most: By the length of the items, in powers of two of tokens: how many are run together at most.
    """

    most: dict[int, int] = field(default_factory=dict)

    def together(self, tokens: int) -> int | None:
        """How many items of so many tokens are run together at most: no more than of shorter ones; None if unknown."""
        return min((most for size, most in self.most.items() if size <= tokens.bit_length()), default=None)

    def lower(self, tokens: int, most: int) -> None:
        """Notes that no more than so many items of so many tokens are to be run together."""
        self.most[tokens.bit_length()] = most


def halved(
    items: Sequence[Item],
    measure: Callable[[Sequence[Item]], list[Found] | None],
    length: Callable[[Item], int],
    fits: Fits,
) -> Iterator[list[Found] | Item]:
    """What was measured of a batch; one that does not fit is halved, and so are those after it, down to one item.

    Side by side with fewer others a number differs by rounding.

    Args:
        items: The batch, of items of like length.
        measure: Measures some of them; None where they do not fit.
        length: How many tokens one takes.
        fits: What is known of how many fit; what is found out is added.

    Yields:
        What was measured, or an item that does not fit by itself.
    """
    tokens = max(map(length, items))
    left = [items]
    while left:
        batch = left.pop()
        most = fits.together(tokens)
        if most is not None and len(batch) > most:
            left += [batch[most:], batch[:most]]
            continue
        found = measure(batch)
        if found is not None:
            yield found
        elif len(batch) == 1:
            yield batch[0]
        else:
            fits.lower(tokens, len(batch) // 2)
            left.append(batch)
