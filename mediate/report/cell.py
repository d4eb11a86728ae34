"""A record in a notebook's cell: a sentence, what else must be known, and a table."""

from collections.abc import Sequence

import pandas as pd
from markupsafe import Markup, escape

from mediate.figures import visible

MOST_ROWS = 60


def cell(headline: str, notes: Sequence[str], table: pd.DataFrame) -> str:
    """HTML of a headline, notes and the first rows of a table, with all text escaped and made visible."""
    shown = table.head(MOST_ROWS).map(lambda value: visible(value) if isinstance(value, str) else value)
    parts = [Markup("<p><strong>{}</strong></p>").format(visible(headline))]
    parts += [Markup("<p>{}</p>").format(visible(note)) for note in notes if note]
    parts.append(Markup(shown.to_html(index=False, escape=True, border=0, float_format="{:.4g}".format)))
    if len(table) > MOST_ROWS:
        parts.append(escape(f"The first {MOST_ROWS} of {len(table)} rows."))
    return str(Markup("<div>{}</div>").format(Markup("\n").join(parts)))
