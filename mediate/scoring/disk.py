"""Whether what a run will write fits on the disk: an estimate before it begins, and a refusal where it does not.

Imports no torch.
"""

import shutil
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediate.errors import InputError
from mediate.scoring.keeping import Keeper

if TYPE_CHECKING:
    from mediate.scoring.batches import Batch
    from mediate.scoring.measuring import Run

# Bytes of tables: of an item and each token of its chains, an outcome, a cell of a map; and of what else is written.
ITEM, TOKEN, OUTCOME, CELL, BESIDE = 1500, 12, 200, 16, 2**22
# Parts and the tables that are made of them stand on the disk together for a moment.
COPIES = 2


def item_bytes(run: "Run[Any, Any]", batch: "Batch[Any]") -> int:
    """About how many bytes of tables the longest item takes.

    Args:
        run: The run.
        batch: The first of its batches, which holds the longest items.
    """
    from mediate.mediation.maps import labels_of

    longest = batch.items[0]
    cells = sum(prod(map(len, labels_of(run.model, longest.tokens, each).values())) for each in longest.maps)
    return ITEM + TOKEN * run.job.procedure.length(longest) + OUTCOME * len(run.outcomes) + CELL * cells


def check_room_for(run: "Run[Any, Any]", batches: "Sequence[Batch[Any]]", keeper: Keeper) -> None:
    """Refuses batches of a run, those that are not done yet, for which there is no room; see `check_room`."""
    left = sum(len(batch.items) for batch in batches if batch.number not in keeper.done)
    if keeper.folder is not None and left:
        check_room(keeper.folder, item_bytes(run, batches[0]), left)


def check_room(folder: Path, each: int, items: int) -> None:
    """Refuses a run for which there is no room, were all items as long as the longest one.

    Args:
        folder: Its directory, which is there.
        each: How many bytes an item takes, from `item_bytes`.
        items: How many items are still to be measured.

    Raises:
        InputError: Less is free.
    """
    free, needed = shutil.disk_usage(folder).free, COPIES * items * each + BESIDE
    if items and free < needed:
        raise InputError(
            f"{folder}: {items:,} items take about {_size(needed)} on the disk, and {_size(free)} are free there; make "
            "room or give another place"
        )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
