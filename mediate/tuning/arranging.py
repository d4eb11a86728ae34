"""The training part as an arm arranges it, with everything checked that an example must hold to."""

from mediate.errors import InputError, ItemError
from mediate.tuning.arms.arm import Arranged, Side
from mediate.tuning.spec import TuneSpec
from mediate.tuning.tokens import check_length


def arrange(side: Side, spec: TuneSpec) -> Arranged:
    """What is trained on, and what is left out of it.

    Raises:
        ItemError: Unless bad examples are skipped, the first that the arm cannot train on.
        InputError: The arm can make nothing of the training part.
    """
    if spec.arm.arrange is None:
        return Arranged(side.taught)
    found = spec.arm.arrange(side, spec)
    errors = list(found.left_out)
    taught = []
    for each in found.taught:
        try:
            check_length(each.row, each.example, spec, side.student.context)
            taught.append(each)
        except ItemError as error:
            errors.append(error)
    if errors and spec.on_bad_item == "error":
        raise errors[0]
    if not taught:
        raise InputError(f"none of {len(errors)} examples can be tuned on: {errors[0]}")
    return Arranged(taught, found.counts, errors)
