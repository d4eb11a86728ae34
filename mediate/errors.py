"""The two errors that a user can mend: a wrong input, and one bad item among good ones; and what to install."""

# The name under which the package is installed; `mediate` on the index is another project's.
DISTRIBUTION = "cot-mediate"


class InputError(ValueError):
    """Something the caller gave is wrong; the message is one line that names the place and the remedy."""


class ItemError(InputError):
    """One item cannot be measured.

    Args:
        item: The item's id, or `""` where the item could not be read far enough to have one.
        reason: What is wrong and what to do, without the place.
        place: Where the item stands, such as `pairs.jsonl:12`; empty for items made in memory.
        code: A short word for counting, such as `empty_cot`.
        written: Whether a model wrote what is wrong, so that whoever gave the item cannot mend it.
    """

    def __init__(
        self, item: str, reason: str, *, place: str = "", code: str = "invalid", written: bool = False
    ) -> None:
        self.item, self.reason, self.place, self.code, self.written = item, reason, place, code, written
        named = f"item {item!r}: " if item else ""
        super().__init__(f"{place + ': ' if place else ''}{named}{reason}")


def install_hint(extra: str) -> str:
    """The command that adds what an extra needs, for an installed package and for a clone."""
    return f'pip install "{DISTRIBUTION}[{extra}]" (in a clone: pip install -e ".[{extra}]")'
