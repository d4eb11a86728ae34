"""An estimate against exact patching: cell by cell where a run has both, else how far each item's map agrees."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.found import headed
from mediate.figures.style import FAINT, INK, canvas
from mediate.figures.text import MOST_OF_A_KIND, label
from mediate.results import EffectMap
from mediate.results.agreement import RANKING, RELIABLE, SIZES, VERDICTS
from mediate.results.outcomes import unit_of
from mediate.showing import plural

AGREEMENT_OF_MAPS_SIZE = (5.2, 3.4)
# More points than this are drawn fainter, and a random part of them.
MOST_POINTS = 4000


def plot_agreement_of_maps(
    estimated: Sequence[EffectMap], exact: Sequence[EffectMap] = (), *, seed: int = 0, ax: Axes | None = None
) -> Axes:
    """Each cell's estimate against its exact effect, with the diagonal; or where there are no exact maps, each item.

    A point is a cell of an item that has both maps; on the diagonal they say the same. Without exact maps a point is an
    item: the rank correlation of its estimate with exact patching of drawn cells, and how many times too large the
    estimate is at its own top; in the shaded area it is reliable, if its signs are.

    Args:
        estimated: Of one kind.
        exact: Of the same component, over the same axes, where they were measured.
        seed: Of the choice of points, where there are too many.
        ax: Where to draw.

    Raises:
        InputError: No estimated map was held against exact patching.
    """
    cells = agreement_data(estimated, exact)
    by_cell = "exact" in cells
    with canvas(ax, AGREEMENT_OF_MAPS_SIZE) as axes:
        if by_cell:
            _draw_cells(axes, cells, unit_of(estimated[0].outcome), seed)
        else:
            _draw_items(axes, cells)
        axes.grid(color="0.92", linewidth=0.6)
        axes.set_axisbelow(True)
        headed(axes, _title(estimated))
    return axes


def agreement_data(estimated: Sequence[EffectMap], exact: Sequence[EffectMap] = ()) -> pd.DataFrame:
    """What `plot_agreement_of_maps` draws: a row a cell with `estimate` and `exact`, else a row an item.

    The row of an item has `spearman`, `top_ratio` and `verdict`; see `mediate.results.agreement`.
    """
    known = {each.item: each for each in exact}
    frames = [_cells(each, known[each.item]) for each in estimated if each.item in known]
    if frames:
        return pd.concat(frames, ignore_index=True)
    rows = [
        (each.item, each.agreement.spearman, each.agreement.top_ratio, each.agreement.verdict)
        for each in estimated
        if each.agreement is not None
    ]
    if not rows:
        raise InputError("no estimated map was held against exact patching, so there is no agreement to draw")
    return pd.DataFrame(rows, columns=["item", "spearman", "top_ratio", "verdict"])


def _cells(estimated: EffectMap, exact: EffectMap) -> pd.DataFrame:
    """The cells that two maps of an item have in common."""
    axes, labels = list(estimated.dims), [*estimated.dims, "effect"]
    left, right = (each.to_frame()[labels] for each in (estimated, exact))
    both = left.merge(right, on=axes, suffixes=("_estimate", "_exact"))
    both = both.rename(columns={"effect_estimate": "estimate", "effect_exact": "exact"})
    both.insert(0, "item", estimated.item)
    return both


def _draw_cells(axes: Axes, cells: pd.DataFrame, unit: str, seed: int) -> None:
    drawn = cells if len(cells) <= MOST_POINTS else cells.sample(MOST_POINTS, random_state=seed)
    reach = float(np.nanmax(abs(cells[["estimate", "exact"]].to_numpy()), initial=0.0)) or 1.0
    ends = np.array([-1.05, 1.05]) * reach
    if (cells[["estimate", "exact"]].to_numpy() >= 0).all():
        ends = np.array([-0.05, 1.05]) * reach
    axes.plot(ends, ends, color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    alpha = float(np.clip(300 / len(drawn), 0.15, 0.7))
    axes.plot(drawn["exact"], drawn["estimate"], "o", color=INK, markersize=3, alpha=alpha, markeredgewidth=0)
    axes.set(xlim=ends, ylim=ends)
    axes.set_aspect("equal", adjustable="box")
    some = f"{len(drawn)} of {len(cells)} cells" if len(drawn) < len(cells) else plural(len(cells), "cell")
    axes.set_xlabel(f"exact effect ({unit}; {some} of {plural(cells['item'].nunique(), 'item')})")
    axes.set_ylabel(f"estimate ({unit})")


def _draw_items(axes: Axes, found: pd.DataFrame) -> None:
    axes.axhspan(*SIZES, xmin=0, color="0.93", zorder=0)
    for edge in (RANKING, RELIABLE):
        axes.axvline(edge, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    known = found.dropna(subset=["spearman", "top_ratio"])
    axes.plot(known["spearman"], known["top_ratio"], "o", color=INK, markersize=4.5, alpha=0.6, markeredgewidth=0)
    axes.set(xlim=(min(-0.05, float(known["spearman"].min(skipna=True)) - 0.05) if len(known) else -0.05, 1.05))
    if (known["top_ratio"] > 0).any():
        axes.set_yscale("log")
        axes.set_ylim(min(0.3, known["top_ratio"].min() / 1.5), max(3.0, known["top_ratio"].max() * 1.5))
    axes.set_xlabel(f"rank correlation with exact patching (n = {len(known)} of {plural(len(found), 'item')})")
    axes.set_ylabel("size at the estimate's top,\ntimes the exact one (log scale)")


def _title(estimated: Sequence[EffectMap]) -> str:
    having = [each.agreement.verdict for each in estimated if each.agreement is not None]
    kind = label(estimated[0].kind, MOST_OF_A_KIND)
    counts = ", ".join(f"{word} {having.count(word)}" for word in VERDICTS if word in having)
    return f"{kind}: {counts or 'not held against exact patching'} (of {plural(len(estimated), 'item')})"
