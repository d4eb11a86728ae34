"""In how many digits a percentage is told; arrays and text are elsewhere."""

import math

# Of an interval in percentage points: at least so wide, so many digits after the point will do.
WIDTHS = (3.0, 0.3, 0.03)


def percent_digits(value: float, low: float = math.nan, high: float = math.nan, *, most: int = 2) -> int:
    """Digits after the point of a percentage, so that the ends of its interval are told apart.

    What is not 0 or 100 % does not look like it, and no end of an interval looks as if it reached there: where whole
    numbers would say so and one digit does not, there is one.

    Args:
        value: The percentage, in percent: 99.8 of a share of 0.998.
        low: The lower end of its interval; NaN where there is none.
        high: The upper end.
        most: The most digits.
    """
    width = high - low
    digits = 0 if math.isnan(width) or width == 0 else next((n for n, least in enumerate(WIDTHS) if width >= least), 2)
    return min(max(digits, *(int(_looks_whole(each)) for each in (value, low, high))), most)


def _looks_whole(value: float) -> bool:
    """Whether whole numbers would say 0 or 100 of what is neither to one digit."""
    return math.isfinite(value) and round(value) in (0, 100) and round(value, 1) != round(value)
