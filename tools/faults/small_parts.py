"""The command with parts that are closed early, so that a small run has many: `python -m tools.faults.small_parts`."""

from mediate.cli import main
from mediate.scoring import keeping

SECONDS, ITEMS = 0.2, 20


if __name__ == "__main__":
    keeping.SECONDS, keeping.ITEMS = SECONDS, ITEMS
    main()
