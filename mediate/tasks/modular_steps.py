"""What follows from a wrong result in a chain of arithmetic modulo 10: each step goes on from the one before it."""

import re
from itertools import pairwise

from mediate.pairs.annotations import UnfitError
from mediate.pairs.recomputed import Arithmetic, Slip
from mediate.tasks.modular import MODULUS, SYMBOLS, Chained

_STEP = re.compile(rf"\s*([0-9]) ([{re.escape(''.join(SYMBOLS.values()))}]) ([0-9]) = ([0-9])\.")
_NAMES = {symbol: name for name, symbol in SYMBOLS.items()}


def _result(before: int, symbol: str, operand: int) -> int:
    return Chained(before, (_NAMES[symbol],), (operand,)).answer


def _steps(text: str) -> list[re.Match[str]] | None:
    """The steps of a text; None where it holds anything else."""
    found, end = [], 0
    while match := _STEP.match(text, end):
        found.append(match)
        end = match.end()
    return None if text[end:].strip() else found


def _holds(text: str) -> bool:
    steps = _steps(text)
    if not steps:
        return False
    linked = all(before[4] == after[1] for before, after in pairwise(steps))
    return linked and all(_result(int(step[1]), step[2], int(step[3])) == int(step[4]) for step in steps)


def _recomputed(slip: Slip) -> str:
    steps = _steps(slip.after)
    if steps is None or (steps and (not _holds(slip.after) or steps[0][1] != slip.right)):
        raise UnfitError("not_arithmetic", f"a later step does not follow from the one before it modulo {MODULUS}")
    value, text = int(slip.wrong), slip.after
    for step in steps:
        for group, new in ((1, value), (4, _result(value, step[2], int(step[3])))):
            text = f"{text[: step.start(group)]}{new}{text[step.end(group) :]}"
            value = new
    return text


MODULO_TEN = Arithmetic("arithmetic modulo 10", _holds, _recomputed)
