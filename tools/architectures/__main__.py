"""Writes `docs/architectures.md`; `make architectures`. The exit code is 1 if a number is wrong or a row crashed.

`python -m tools.architectures [NAME ...]` prints the rows of the classes that contain one of the names, and writes
nothing.
"""

import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

SEED = 0
PAGE = Path(__file__).resolve().parents[2] / "docs" / "architectures.md"
LIBRARIES = ("transformers", "transformer-lens", "torch")
# Models of this size are quickest on one thread.
SETTINGS = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}


def main(names: Sequence[str]) -> int:
    """Runs the rows, says how each went, and writes the page where all were asked for."""
    os.environ |= SETTINGS
    from transformers.utils import logging as told

    import mediate
    from tools.architectures.models import SUBJECTS
    from tools.architectures.rows import row
    from tools.architectures.table import page

    told.set_verbosity_error()
    logging.disable(logging.WARNING)
    rows = []
    for subject in SUBJECTS:
        if names and not any(name in subject.name for name in names):
            continue
        rows.append(row(subject, SEED))
        print(rows[-1].told, flush=True)
    if not names:
        versions = {"mediate": mediate.__version__} | {name: version(name) for name in LIBRARIES}
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(rows, versions, SEED), encoding="utf-8")
        print(f"written: {PAGE.relative_to(PAGE.parents[1])}")
    return int(any(each.wrong or each.crashed for each in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
