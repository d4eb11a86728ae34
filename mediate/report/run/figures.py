"""The figures of a run's page: of each outcome, those that `FIGURES` lists."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

from mediate.figures import channels_size
from mediate.figures.agreement import AGREEMENT_OF_MAPS_SIZE, plot_agreement_of_maps
from mediate.figures.before_answer import BEFORE_ANSWER_NARROW, BEFORE_ANSWER_SIZE, plot_before_answer
from mediate.figures.channels import MOST_BARS
from mediate.figures.controls import controls_size, plot_controls
from mediate.figures.figure import Figure
from mediate.figures.share_spread import SPREAD_SIZE, plot_share_spread, share_spread_data
from mediate.figures.shares import SHARES_SIZE
from mediate.figures.style import signed_by
from mediate.report.analysis import analysis_of, repeats
from mediate.report.parts import file_part
from mediate.report.run.behaviour import behaviour_figures
from mediate.report.run.conditions import condition_figures
from mediate.report.run.drawn_maps import axes_part, exact_kind, families, file_named
from mediate.report.run.evidence import control_summaries, subset, verdicts
from mediate.report.run.map_figures import map_figures
from mediate.report.run.sensitivity import sensitivity_figure
from mediate.report.words import number, percent, plural, share_words, source_words
from mediate.results import Results
from mediate.results.kinds import is_estimate
from mediate.results.outcomes import unit_of

# Of fewer items their spread says nothing, and of so many outliers the names are told.
LEAST_SPREAD, MOST_FAR = 5, 8


def run_figures(results: Results) -> tuple[Figure, ...]:
    """Every figure of the page, outcome by outcome; none where no item was measured, nor the same one twice."""
    made: list[Figure] = []
    source = source_words(results)
    for place, cube in enumerate(results.cubes if results.items else ()):
        if repeats(results, cube.outcome) is not None:
            continue
        suffix = "" if place == 0 else f"-{file_part(cube.outcome, f'outcome{place}')}"
        having = [each for figures in FIGURES for each in figures(results, cube.outcome)]
        made += [
            replace(each, name=each.name + suffix, outcome=cube.outcome, draw=signed_by(source, each.draw))
            for each in having
        ]
    return tuple(made)


def shares_figure(results: Results, outcome: str) -> Iterator[Figure]:
    """The shares of the set."""
    analysis, cube = analysis_of(results), results.cube(outcome)
    listed = "; ".join(f"{name} {share_words(share)}" for name, share in analysis.shares(cube).items())
    yield Figure(
        name="shares",
        draw=partial(analysis.draw_shares, cube),
        alt=f"Shares of the total effect on {cube.outcome}: {listed}.",
        caption="Share of each channel, and the mediated share, with its interval; dashed lines at 0 and 100 %.",
        size=SHARES_SIZE,
        section="shares",
    )


def channels_figure(results: Results, outcome: str) -> Iterator[Figure]:
    """The channels of each item."""
    analysis, cube = analysis_of(results), results.cube(outcome)
    effects = analysis.effects(cube)
    means = ", ".join(f"{name} {number(effects[name].value)}" for name in ("direct", "text", "latent", "te"))
    if len(cube.items) <= MOST_BARS:
        caption = (
            "Each item's total effect (diamond) as the sum of its three channels (bars); the mean is the last row. "
            "Where channels pull apart they stand on either side of 0, and the diamond lies before the end of the bars."
        )
    else:
        each = f"Each of {plural(len(cube.items), 'item')} is a point in every row"
        caption = f"{each}; diamonds are means with their intervals."
    yield Figure(
        name="channels",
        draw=partial(analysis.draw_channels, cube),
        alt=f"Channels of {plural(len(cube.items), 'item')}, effect on {cube.outcome}; means in nats: {means}.",
        caption=caption,
        size=channels_size(cube),
        section="channels",
    )


def spread_figure(results: Results, outcome: str) -> Iterator[Figure]:
    """How far the items' shares are from each other; of the first outcome, and of five items or more."""
    analysis, cube = analysis_of(results), results.cube(outcome)
    if outcome != results.cubes[0].outcome or len(cube.items) < LEAST_SPREAD:
        return
    least = analysis.least(outcome)
    found = share_spread_data(cube, min_te=least)
    if found["share"].notna().sum() < LEAST_SPREAD:
        return
    low, middle, high = found["share"].quantile([0.1, 0.5, 0.9])
    far = [f"{each['item']} {percent(each['share'])}" for each in found[found["outlier"]].to_dict("records")]
    yield Figure(
        name="share-spread",
        draw=partial(plot_share_spread, cube, min_te=least, seed=analysis.seed, level=analysis.level),
        alt=f"Mediated share of each item: median {percent(middle)}, middle 80 % {percent(low)} to {percent(high)}; "
        f"outliers: {', '.join(far[:MOST_FAR]) or 'none'}.",
        caption="The mediated share of every item, from the least to the largest. Outliers are farther "
        "from the quartiles than 1.5 times their distance.",
        size=SPREAD_SIZE,
        section="channels",
    )


def before_answer_figure(results: Results, outcome: str) -> Iterator[Figure]:
    """The shares with the whole chain and with the chain cut before it states the answer."""
    cut = next((each for each in results.cut if each.items and each.outcome == outcome), None)
    if cut is None or outcome != results.cubes[0].outcome:
        return
    analysis, whole = analysis_of(results), subset(results.cube(outcome), cut.items)
    listed = "; ".join(
        f"{words} {name} {share_words(share)}"
        for words, cube in (("whole", whole), ("cut", cut))
        for name, share in analysis.shares(cube).items()
    )
    yield Figure(
        name="before-answer",
        draw=partial(
            plot_before_answer, whole, cut, min_te=analysis.least(outcome), seed=analysis.seed, level=analysis.level
        ),
        alt=f"Shares of the total effect on {outcome}, whole chains and chains cut before the answer: {listed}.",
        caption="Each share at the answer (rings), and where the chain is about to state it (full), of the same items.",
        size=BEFORE_ANSWER_SIZE,
        size_narrow=BEFORE_ANSWER_NARROW,
        section="copying",
    )


def controls_figure(results: Results, outcome: str) -> Iterator[Figure]:
    """Each control beside the real effect that it stands next to."""
    found = control_summaries(results, analysis_of(results))
    if not found or outcome != results.cubes[0].outcome:
        return
    unit = unit_of(results.controls[0].outcome)
    listed = "; ".join(
        f"{each.control.value} {number(each.size.value)} beside {number(each.beside.value)}" for each in found if each.n
    )
    yield Figure(
        name="controls",
        draw=partial(plot_controls, found, unit=unit),
        alt=f"Controls, mean sizes in {unit}: {listed}.",
        caption="The mean size of each control's effect, and that of the real intervention on the same items.",
        size=controls_size(len(found)),
        section="controls",
    )


def agreement_figures(results: Results, outcome: str) -> Iterator[Figure]:
    """Each estimate against exact patching, a figure a kind and axes."""
    known = families(results, outcome)
    for place, ((kind, dims), maps) in enumerate(known.items()):
        if not is_estimate(kind):
            continue
        exact = known.get((exact_kind(kind), dims), ())
        if not exact and all(each.agreement is None for each in maps):
            continue
        told = "each cell of items that have both maps" if exact else "each item's map, on cells drawn at random"
        yield Figure(
            name=f"agreement-{file_named(kind, place)}{axes_part(dims, but=('step', 'layer'))}",
            draw=partial(plot_agreement_of_maps, maps, exact),
            alt=f"{kind} against exact patching: {verdicts(maps) or 'not assessed'}.",
            caption=f"{kind} over {', '.join(dims)} against exact patching: {told}.",
            size=AGREEMENT_OF_MAPS_SIZE,
            section="estimates",
        )


# Each gives the figures of one outcome, in any of the page's sections that take figures.
FIGURES: tuple[Callable[[Results, str], Iterable[Figure]], ...] = (
    shares_figure,
    channels_figure,
    spread_figure,
    before_answer_figure,
    controls_figure,
    agreement_figures,
    condition_figures,
    map_figures,
    sensitivity_figure,
    behaviour_figures,
)
