"""Grafts by text: the twin's chain up to a step, behind the base's own question.

Continued, the model writes on from there, as in Thought Branches (ICLR 2026), whose graft is of a hinted chain. At
once, the base's own later steps follow, all computed anew under the base's question: with the whole chain grafted, that
is the cube's Y[1, 0, 1]. `--maps graft:step` has the twin of this curve by keys and values, which are computed under
the source's question.
"""

from mediate.errors import ItemError
from mediate.traces.edits import Edit, Edited, Unedited, all_steps
from mediate.traces.step_edits import before_last


def _grafted(chain: Unedited, place: int) -> Edited:
    """The twin's steps up to and with a place; at the last one all of them, however many they are."""
    if chain.twin is None:
        raise ItemError("", "an item by itself has no twin whose chain could be grafted; give pairs", code="no_twin")
    theirs, last = chain.twin.step_spans, place == len(chain.spans) - 1
    if place >= len(theirs) and not last:
        reason = f"the twin's chain has {len(theirs)} steps, so none stands at step {place}"
        raise ItemError("", reason, code="no_such_step")
    graft = chain.twin.ids if last else chain.twin.ids[: theirs[place][1]]
    rest = chain.trace.ids[chain.spans[place][1] :]
    return Edited((*graft, *rest), all_steps(chain)[: place + 1], len(graft), towards=chain.twin_answer)


GRAFTED = Edit(
    "grafted", "the twin's steps up to and with that one, and then its own", _grafted, before_last, continues=True
)
