"""The answer alone: right after the question, or after a chain that is read and not learnt."""

from mediate.tuning.arms.arm import Arm, Chosen, Encoded, Said
from mediate.tuning.arms.supervised import supervised


def _needs(chosen: Chosen) -> tuple[str, ...]:
    return ("chain",) if chosen.keep_chain else ()


def _tokens(said: Said, chosen: Chosen) -> Encoded:
    return Encoded(said.id, said.question + (said.chain if chosen.keep_chain else ()), said.ending)


ANSWER_ONLY = Arm(
    name="answer-only",
    help="The answer right after the question, with no chain; an adapter unless --full.",
    rates=(2e-5, 2e-4),
    needs=_needs,
    tokens=_tokens,
    trainer=supervised,
    own=("keep_chain",),
)
