"""What word problems are asked for by: how many steps, which templates, numbers in their range."""

from collections.abc import Sequence

from mediate.errors import InputError
from mediate.tasks.templates import TEMPLATES, Story

TEMPLATE_NAMES = tuple(template.name for template in TEMPLATES)
FEWEST_STEPS, MOST_STEPS = 2, 6


def step_range(steps: int | tuple[int, int] | str) -> tuple[int, int]:
    """The fewest and the most steps, of their number, of both, or of the operations themselves."""
    if isinstance(steps, str):
        if set(steps) - set("+-x"):
            raise InputError(f"steps is {steps!r}; name operations with '+', '-' and 'x'")
        steps = len(steps)
    low, high = (steps, steps) if isinstance(steps, int) else steps
    if not FEWEST_STEPS <= low <= high <= MOST_STEPS:
        wanted = f"a number, or a lowest and highest, from {FEWEST_STEPS} to {MOST_STEPS}"
        raise InputError(f"steps is {steps}; give {wanted}")
    return low, high


def chosen_stories(names: Sequence[str] | None) -> tuple[Story, ...]:
    """The templates of some names; all of them where none are named."""
    if names is None:
        return TEMPLATES
    unknown = [name for name in names if name not in TEMPLATE_NAMES]
    if unknown or not names:
        which = f"no template {unknown[0]!r}" if unknown else "no templates named"
        raise InputError(f"{which}; choose from {', '.join(TEMPLATE_NAMES)}")
    return tuple(template for template in TEMPLATES if template.name in names)


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Raises InputError where a number is not from `low` to `high`."""
    if not low <= value <= high:
        raise InputError(f"{name} is {value}; give a number from {low} to {high}")
