"""Measures of others, by their definitions: a part of what a run's page says of behaviour."""

from mediate.report.analysis import Analysis
from mediate.report.blocks import Block, Look, Table, Text, columns, numbers
from mediate.report.words import interval, number, plural
from mediate.results import Results
from mediate.results.text_effects import set_text_effects

TEXT_WORDS = {
    "te": "question and chain",
    "nde": "the question alone, with the source's chain",
    "nie": "the chain alone, after the source's question",
    "tde": "the question alone, with the base's chain",
    "tie": "the chain alone, after the base's question",
    "interaction": "both together beyond the sum",
}
TEXT_BASIS = (
    "Natural effects at the level of text, on the base answer's probability: each question with each chain, run as "
    "plain text (NDE and NIE as in arXiv 2512.23032). What a chain's activations carry beyond its words counts with "
    "the question here, and with the chain in the cube's TIE."
)


def published_blocks(results: Results, analysis: Analysis) -> tuple[Block, ...]:
    """What was worked out of measures of others; nothing of those that were not."""
    return text_blocks(results, analysis)


def text_blocks(results: Results, analysis: Analysis) -> tuple[Block, ...]:
    """Natural effects of question and chain at the level of text."""
    if not results.text:
        return ()
    found = set_text_effects(results.text, seed=analysis.seed, level=analysis.level)
    rows = [
        (
            name.upper() if name != "interaction" else name,
            words,
            number(found[name].value, 3),
            interval(found[name], digits=3),
        )
        for name, words in TEXT_WORDS.items()
    ]
    heads = (
        *columns("text-level effect"),
        *columns("what is changed", look=Look.SAYS),
        *numbers("probability", "interval"),
    )
    n = f" n = {plural(len(results.text), 'pair')}; every pair is in results/text_effects.parquet."
    return (Table(heads, tuple(rows)), Text(TEXT_BASIS + n, Look.SMALL))
