"""An adapter (LoRA, Hu et al. 2022), on chains and answers."""

from mediate.tuning.arms.arm import Arm
from mediate.tuning.arms.supervised import chain_and_answer, supervised, with_chain

LORA = Arm(
    name="lora",
    help="An adapter (LoRA), on chains and answers.",
    rates=(None, 2e-4),  # common practice
    needs=with_chain,
    tokens=chain_and_answer,
    trainer=supervised,
)
