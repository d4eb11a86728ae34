"""All weights, on chains and answers."""

from mediate.tuning.arms.arm import Arm
from mediate.tuning.arms.supervised import chain_and_answer, supervised, with_chain

SFT = Arm(
    name="sft",
    help="All weights, on chains and answers.",
    rates=(2e-5, None),  # common practice
    needs=with_chain,
    tokens=chain_and_answer,
    trainer=supervised,
)
