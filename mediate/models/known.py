"""What is known of a model by its name alone: which names there are, and how a question is best put to it."""

from difflib import get_close_matches

from mediate.models.fetch import PACKAGED
from mediate.models.shipped import REFERENCES


def known_names() -> tuple[str, ...]:
    """The names that need no path: models to fetch, the hub's names of the same, and the reference reasoners."""
    return (*PACKAGED, *(packaged.hub_id for packaged in PACKAGED.values()), *REFERENCES)


def nearest_name(name: str) -> str | None:
    """The known name that is most like a given one; None where none is like it."""
    names = {each.lower(): each for each in known_names()}
    # A hub's names are long by their owner's part, which is often left out or mistyped.
    names |= {each.lower().rpartition("/")[2]: names[each.lower()] for each in known_names() if "/" not in each}
    found = get_close_matches(name.lower(), names, n=1, cutoff=0.7)
    if not found:
        found = get_close_matches(name.lower().rpartition("/")[2], names, n=1, cutoff=0.7)
    return names[found[0]] if found else None


def respelt_name(name: str) -> str | None:
    """The known name that a given one misspells; None where it is one, is like none, or may be the hub's own.

    The hub's names have an owner before a stroke; of those, only one in other capitals is a known name misspelt.
    """
    if name in known_names():
        return None
    if "/" not in name:
        return nearest_name(name)
    return next((each for each in known_names() if each.lower() == name.lower()), None)


def is_reference(name: str) -> bool:
    """Whether a name is that of a reference reasoner, with an adapter or without."""
    return name.partition("+")[0].lower() in REFERENCES


def known_template(name: str) -> str | None:
    """The template after which a model of this name is known to write chains best; None where that is not known.

    An adapter on it, as in `BASE+ADAPTER`, changes nothing.
    """
    base = name.partition("+")[0].lower()
    if is_reference(name):
        return "none"
    for packaged_name, packaged in PACKAGED.items():
        if base in (packaged_name, packaged.hub_id.lower(), packaged.hub_id.lower().rpartition("/")[2]):
            return packaged.template
    return None
