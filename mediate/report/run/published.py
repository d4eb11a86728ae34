"""Measures of others, by their definitions: a part of what a run's page says of behaviour."""

from mediate.report.analysis import Analysis
from mediate.report.blocks import Block, Look, Table, Text, columns, numbers
from mediate.report.words import interval, number, percent, plural
from mediate.results import Results
from mediate.results.cmi import LEAST, index_of_set
from mediate.results.nldd import LEAST_LEAD, decayed
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
NLDD_BASIS = (
    "The lead is the answer's logit less the largest other one, in standard deviations of the logits; NLDD is the part "
    "of it that is lost where a step's result is wrong and the chain ends there. Cutting the chain off does something "
    "by itself, so a late place may say that the answer is stated there, and nothing of the mistake."
)
CMI_BASIS = (
    "What the answer's log-probability loses with the chain's states in three neighbouring layers as they are with "
    "filler in the chain's place, against states displaced as far at random: (chain - control) / (|chain| + "
    "|control|), the mean over spans. As published (arXiv 2602.03994), losses below 0 are 0, any size will do, and the "
    "control is at positions of the prompt, whose states cannot differ. Filler can move answers "
    "of models that do not read their chain, here as elsewhere. Every span is in results/cmi.parquet."
)
DEFECT_WORDS = {
    "sign": "by losses below 0 that count as 0,",
    "size": "by losses of no size,",
    "control": "by a control that cannot move,",
}


def published_blocks(results: Results, analysis: Analysis) -> tuple[Block, ...]:
    """What was worked out of measures of others; nothing of those that were not."""
    return (*text_blocks(results, analysis), *nldd_blocks(results, analysis), *cmi_blocks(results, analysis))


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


def nldd_blocks(results: Results, analysis: Analysis) -> tuple[Block, ...]:
    """How the answer's lead decays where a step is wrong and the chain ends there."""
    if not results.decays:
        return ()
    found = decayed(results.decays, seed=analysis.seed, level=analysis.level)
    shares = (("largest of an item's steps", found.peak), ("there, by cutting the chain off alone", found.cut))
    rows = [
        *((words, percent(each.value / 100), interval(each, digits=0)) for words, each in shares),
        (
            "that step's place in the chain",
            percent(found.horizon.value),
            interval(found.horizon, scale=100.0, digits=0),
        ),
    ]
    heads = (*columns("NLDD: decay of the answer's lead"), *numbers("of the clean lead", "interval"))
    counted = f" n = {plural(found.peak.n, 'item')}"
    if found.undefined:
        counted += f"; undefined for {found.undefined}, whose clean lead is at most {LEAST_LEAD} standard deviations"
    if found.refused:
        listed = ", ".join(f"{count} {code}" for code, count in found.refused.items())
        counted += f"; steps that could not be made wrong: {listed}"
    basis = f"{NLDD_BASIS}{counted}. Every step is in results/nldd.parquet."
    return (Table(heads, tuple(rows)), Text(basis, Look.SMALL))


def cmi_blocks(results: Results, analysis: Analysis) -> tuple[Block, ...]:
    """The chain's mediation index, with what its published form would have said."""
    if not results.spans:
        return ()
    found = index_of_set(results.spans, seed=analysis.seed, level=analysis.level)
    told = (
        ("CMI, from -1 to 1", found.cmi),
        ("beyond the control, in nats", found.nats),
        ("CMI as published", found.published),
    )
    rows = [(words, number(each.value), interval(each), str(each.n)) for words, each in told]
    heads = (*columns("states of the chain, by span of layers"), *numbers("mean", "interval", "items"))
    blocks: list[Block] = [Table(heads, tuple(rows)), Text(CMI_BASIS, Look.SMALL)]
    listed = "; ".join(f"{words} {found.changed[name]}" for name, words in DEFECT_WORDS.items())
    blocks.append(
        Text(f"By the published form, of {plural(found.items, 'item')} these would have another index: {listed}.")
    )
    left = [each for each in results.spans if each.code]
    if found.undefined:
        small = f"Of {plural(found.undefined, 'item')} no span has an index: all losses are {LEAST} nats at most."
        blocks.append(Text(small, Look.SMALL))
    if left:
        blocks.append(Text(f"{plural(len(left), 'item')} without: {left[0].reason}.", Look.SMALL))
    return tuple(blocks)
