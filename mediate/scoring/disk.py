"""Whether what a run will write fits on the disk: an estimate before it begins, and a refusal where it does not."""

import shutil
from math import prod
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.mediation.maps import labels_of
from mediate.scoring.batches import Batch
from mediate.scoring.measuring import Run

# Bytes of tables: of an item and each token of its chains, an outcome, a cell of a map; and of what else is written.
ITEM, TOKEN, OUTCOME, CELL, BESIDE = 1500, 12, 200, 16, 2**22
# Parts and the tables that are made of them stand on the disk together for a moment.
COPIES = 2


def needed_bytes(run: Run[Any, Any], batch: Batch[Any], items: int) -> int:
    """About how many bytes so many items take on the disk, were all as long as the longest one.

    Args:
        run: The run.
        batch: The first of its batches, which holds the longest items.
        items: How many are still to be measured.
    """
    longest = batch.items[0]
    cells = sum(prod(map(len, labels_of(run.model, longest.tokens, each).values())) for each in longest.maps)
    each = ITEM + TOKEN * run.job.procedure.length(longest) + OUTCOME * len(run.outcomes) + CELL * cells
    return COPIES * items * each + BESIDE


def check_room(folder: Path, needed: int, items: int) -> None:
    """Refuses a run for which there is no room.

    Args:
        folder: Its directory, which is there.
        needed: From `needed_bytes`.
        items: How many items are still to be measured.

    Raises:
        InputError: Less is free.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{folder}: {items:,} items take about {_size(needed)} on the disk, and {_size(free)} are free there; make "
            "room or give another place"
        )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
