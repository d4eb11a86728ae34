"""The tuning arms: each a record in a file of its own, listed here."""

from mediate.tuning.arms.answer_only import ANSWER_ONLY
from mediate.tuning.arms.arm import Arm
from mediate.tuning.arms.dpo import DPO
from mediate.tuning.arms.filtered import FILTERED
from mediate.tuning.arms.lora import LORA
from mediate.tuning.arms.mix import MIX
from mediate.tuning.arms.prefix import PREFIX
from mediate.tuning.arms.sft import SFT
from mediate.tuning.arms.swapped import SWAPPED

ARMS = (SFT, LORA, ANSWER_ONLY, DPO, MIX, PREFIX, SWAPPED, FILTERED)


def arm_named(name: str) -> Arm:
    """The arm of a name.

    Raises:
        ValueError: There is none.
    """
    for arm in ARMS:
        if arm.name == name:
            return arm
    raise ValueError(f"no arm {name!r}; choose from {', '.join(map(str, ARMS))}")


def not_heeded(arm: Arm) -> tuple[str, ...]:
    """The choices that other arms heed and this one does not."""
    return tuple(name for each in ARMS for name in each.own if name not in arm.own)
