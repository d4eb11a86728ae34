"""Measures of others, of the items of a run: those that were asked for, by their definitions."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from mediate.clock import stage
from mediate.errors import InputError
from mediate.faithfulness.edited import Examined, why_unread
from mediate.faithfulness.leads import measure_decays
from mediate.faithfulness.spec import CMI, NLDD, TEXT
from mediate.faithfulness.text_corners import measure_text_corners
from mediate.mediation.chain_spans import span_losses
from mediate.mediation.prepared_item import Prepared
from mediate.models.side_by_side import can_pad
from mediate.passes.store import Store
from mediate.results.cmi import SpanLoss
from mediate.results.folder import Results
from mediate.scoring.spec import ScoreSpec


@stage("measures of others")
def with_measures(
    results: Results, items: Sequence[Prepared], spec: ScoreSpec, wanted: Collection[str], store: Store | None
) -> Results:
    """The results with what was asked for besides.

    Args:
        results: What was measured, and answered.
        items: The measured items.
        spec: The choices of the run.
        wanted: The names of measures, of `mediate.faithfulness.spec.MEASURES`.
        store: Where cubes are looked up and kept.
    """
    padded = can_pad(items[0].model)
    text = measure_text_corners(results, items, spec, store) if TEXT in wanted else ()
    decays = [measure_decays(Examined(each), padded=padded) for each in items] if NLDD in wanted else []
    spans = [_spans(each) for each in items] if CMI in wanted else []
    return replace(
        results,
        text=text,
        decays=tuple(row for rows in decays for row in rows),
        spans=tuple(row for rows in spans for row in rows),
    )


def _spans(item: Prepared) -> list[SpanLoss]:
    """What an item loses by span of layers; where that cannot be measured, why."""
    try:
        found = span_losses(item.model, item.tokens, seed=item.seed)
    except (InputError, RuntimeError) as error:
        code, reason = why_unread(error)
        return [SpanLoss(item.id, item.tokens.group, code=code, reason=reason)]
    rows = zip(found.first, found.width, found.chain.tolist(), found.control.mean(axis=1).tolist(), strict=True)
    return [SpanLoss(item.id, item.tokens.group, *row, found.question_moved) for row in rows]
