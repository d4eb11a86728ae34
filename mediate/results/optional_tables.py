"""Tables that only some runs have: a run without such records has no such table. A new one is a line in the list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mediate.results.behaviour import behaviour_from_table, behaviour_table
from mediate.results.cmi import span_table, spans_from_table
from mediate.results.maps import effect_table, maps_from_table
from mediate.results.nldd import decay_table, decays_from_table
from mediate.results.off_distribution import off_from_table, off_table
from mediate.results.replacements import replaced_from_table, replaced_table
from mediate.results.resampled import resampled_from_table, resampled_table
from mediate.results.spread import others_from_table, others_table
from mediate.results.text_effects import text_corners_from_table, text_effect_table

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class OptionalTable:
    """A table of some of a run's records, and how it is written and read.

    Args:
        field: The field of `mediate.results.folder.Results` that has the records, each of one of the run's items.
        name: The table's name.
        write: The table of some records.
        read: The inverse.
    """

    field: str
    name: str
    write: "Callable[[Sequence[Any]], pandas.DataFrame]"
    read: "Callable[[pandas.DataFrame], tuple[Any, ...]]"


OPTIONAL = (
    OptionalTable("others", "others", others_table, others_from_table),
    OptionalTable("replaced", "contrasts", replaced_table, replaced_from_table),
    OptionalTable("behaviour", "behaviour", behaviour_table, behaviour_from_table),
    OptionalTable("text", "text_effects", text_effect_table, text_corners_from_table),
    OptionalTable("decays", "nldd", decay_table, decays_from_table),
    OptionalTable("spans", "cmi", span_table, spans_from_table),
    OptionalTable("off", "off_distribution", off_table, off_from_table),
    OptionalTable("resampled", "resampled", resampled_table, resampled_from_table),
    OptionalTable("ranked", "ranked", effect_table, maps_from_table),
)
