"""What is said of each outcome of a comparison: the shares of each run, their differences, and how these split."""

from collections import Counter
from collections.abc import Sequence

from mediate.compare import Compared, Verdict
from mediate.compare.differences import Difference
from mediate.compare.quantities import EFFECT, EFFECTS, SHARE, SHARES
from mediate.compare.split import ORDERS, PARTS, SplitPart
from mediate.figures.figure import Figure
from mediate.report.blocks import (
    Block,
    Column,
    Look,
    Phrase,
    Row,
    Section,
    Table,
    TableCell,
    Tag,
    Text,
    columns,
    numbers,
    prose,
    standing_in,
)
from mediate.report.comparison.words import (
    MAIN,
    change_cell,
    effect_cell,
    levels_of,
    margin_words,
    p_words,
    points,
    points_interval,
    repeated_words,
    share_cell,
    warning,
)
from mediate.report.parts import in_lines, of_channel
from mediate.report.run.tables import EFFECT_NAMES
from mediate.report.words import interval, number, percent, plural, share_value, share_words
from mediate.results import CHANNELS

# What is shown where there is little room.
SHOWN = (*(f"{name} share" for name in SHARES), "TE")
SPLIT = PARTS[:3]
NAMED = 3  # runs that the contents list names


def outcome_sections(compared: Compared, outcome: str, figures: Sequence[Figure]) -> tuple[Section, ...]:
    """All that is said of one outcome."""
    if same := repeated_words(compared, outcome):
        return (Section(f"The same for {outcome}", (Text(same),)),)
    place, mark = compared.outcomes.index(outcome), warning_under(compared)
    shares, ladder = (standing_in(figures, each, outcome) for each in ("shares", "ladder"))
    sections = [
        Section(
            f"Shares of {outcome}",
            (told_levels(compared, outcome), *mark, *shares),
            id=f"shares-{place}",
            found=_mediated(compared, outcome),
        ),
        Section(
            f"Differences from {compared.runs[0].label}, {outcome}",
            (
                told_differences(compared, outcome),
                Text(
                    (Phrase("Shares in percentage points of TE, effects in nats. "), *basis(compared, outcome)),
                    Look.BASIS,
                ),
                *mark,
            ),
            id=f"differences-{place}",
            found=_counted(compared, outcome),
        ),
    ]
    if squares := [each for each in compared.split if each.outcome == outcome]:
        told: list[Block] = []
        for first, second in dict.fromkeys((each.first, each.second) for each in squares):
            told.append(Text(f"The change from {first} reading its own chains to {second} reading its own."))
            told += [told_split(compared, outcome, (first, second), parts) for parts in (PARTS, ORDERS)]
        heading = f"Writes different chains, or reads chains differently: {outcome}"
        all_of_it = (*told, Text(BOTH_ORDERS, Look.BASIS), *mark)
        sections.append(Section(heading, all_of_it, id=f"split-{place}", found=_split_found(squares)))
    if rungs := [each for each in compared.ladder if each.outcome == outcome]:
        rows = [
            (
                of_channel(each.quantity),
                points(each.slope.value),
                points_interval(each.slope),
                number(each.rank.value),
                interval(each.rank),
                p_words(each.p),
            )
            for each in rungs
        ]
        heads = numbers("slope", "interval", "rank correlation", "interval", "p over models")
        trend = Table((*columns("share"), *heads), tuple(rows))
        heading = f"Over model sizes, {outcome}"
        slope = next(each.slope for each in rungs if each.quantity == MAIN)
        found = f"mediated: {change_cell(slope)} points for ten times the parameters" if slope.defined else ""
        all_of_it = (trend, Text(LADDER, Look.BASIS), *mark, *ladder)
        sections.append(Section(heading, all_of_it, id=f"ladder-{place}", found=found))
    return tuple(sections)


def _mediated(compared: Compared, outcome: str) -> str:
    """The mediated share of each run, in a few words; of many runs the least and the largest."""
    having = [each for each in levels_of(compared, outcome, SHARE) if each.quantity == MAIN and each.estimate.defined]
    if not having:
        return ""
    if len(having) <= NAMED:
        return f"mediated: {', '.join(f'{share_value(each.estimate)} in {each.run}' for each in having)}"
    shares = sorted((each.estimate for each in having), key=lambda each: each.value)
    return f"mediated: {share_value(shares[0])} to {share_value(shares[-1])}"


def _split_found(parts: Sequence[SplitPart]) -> str:
    """How the first change of the mediated share splits, in a few words."""
    found = [each for each in parts if (each.kind, each.quantity) == (SHARE, MAIN)]
    told = [
        f"{each.part} {change_cell(each.estimate)}"
        for each in found
        if (each.first, each.second) == (found[0].first, found[0].second) and each.part in SPLIT[1:]
    ]
    return f"mediated, points: {'; '.join(told)}" if told else ""


def _counted(compared: Compared, outcome: str) -> str:
    """How many quantities have which verdict."""
    count = Counter(each.verdict for each in compared.differences if each.outcome == outcome)
    return ", ".join(f"{count[each]} {each.value}" for each in Verdict if count[each])


BOTH_ORDERS = prose(
    "Shares in percentage points, effects in nats, all with their intervals. *Writes different chains* and *reads "
    "chains differently* are means over both orders of exchanging writer and reader, and sum to the total; the second "
    "table has the single orders. The interaction is what one exchange does to the effect of the other."
)
LADDER = (
    "Slope: percentage points of share for ten times the parameters, by least squares. Rank correlation: Spearman's, "
    "of share and size. Intervals are over items, with these models; p is over permutations of the models."
)


def warning_under(compared: Compared) -> tuple[Text, ...]:
    """The warning as it stands under a table; nothing where there is none."""
    said = warning(compared)
    return (Text((Phrase(said, Tag.STRONG),), Look.BASIS),) if said else ()


def told_levels(compared: Compared, outcome: str, *, title: str = "", digits: int = 1) -> Table:
    """A row a run: its shares and its total effect."""
    shares, effects = levels_of(compared, outcome, SHARE), levels_of(compared, outcome, EFFECT)
    told = share_cell if digits else share_words
    rows: list[Row] = [
        (
            TableCell(run.label, Look.SHORT),
            *(told(each.estimate) for each in shares if each.run == run.label),
            next(effect_cell(each.estimate) for each in effects if (each.run, each.quantity) == (run.label, "te")),
        )
        for run in compared.runs
    ]
    named = (Column(name, Look.NUMBER, channel=name if name in CHANNELS else "") for name in SHARES)
    return Table((*columns("" if title else "run"), *named, *numbers("TE (nats)")), tuple(rows), title)


def told_differences(compared: Compared, outcome: str) -> Table:
    """A row a run and quantity: the run less the reference, with all tests."""
    heads = (
        *columns("run", "quantity", look=Look.SHORT),
        *numbers("difference", "interval", "p", "p adjusted", "p of equivalence"),
        *columns("verdict", look=Look.SHORT),
    )
    rows = [
        (*_difference(each), p_words(each.p), p_words(each.p_adjusted), p_words(each.p_equivalent), _verdict(each))
        for each in compared.differences
        if each.outcome == outcome
    ]
    return Table(heads, tuple(rows))


def short_differences(compared: Compared, outcome: str, shown: Sequence[str] | None = None) -> Table:
    """The same with the adjusted p alone; of the quantities `shown`, or of all."""
    heads = (*columns("", "", look=Look.SHORT), *numbers("difference", "interval", "p adjusted"), *columns("verdict"))
    rows = [
        (*_difference(each), p_words(each.p_adjusted), _verdict(each))
        for each in compared.differences
        if each.outcome == outcome and (shown is None or _quantity(each) in shown)
    ]
    return Table(heads, tuple(rows), f"less {compared.runs[0].label}")


def _quantity(each: Difference) -> str:
    return f"{each.quantity} share" if each.kind == SHARE else EFFECT_NAMES[each.quantity]


def _difference(each: Difference) -> Row:
    """The run, the quantity, the difference and its interval."""
    if each.kind == SHARE:
        size = points(each.estimate.value), points_interval(each.estimate)
        return (each.run, of_channel(each.quantity, _quantity(each)), *size)
    return each.run, _quantity(each), number(each.estimate.value), interval(each.estimate)


def _verdict(each: Difference) -> TableCell:
    return TableCell(each.verdict.value, Look.FAINT if each.verdict is Verdict.UNCLEAR else Look.PLAIN)


def basis(compared: Compared, outcome: str) -> tuple[Phrase, ...]:
    """What the differences rest on, and why some are undefined."""
    how, found = compared.how, [each for each in compared.differences if each.outcome == outcome]
    effect = next((each.margin for each in found if each.kind == EFFECT), float("nan"))
    first = found[0].estimate
    said = (
        f"{outcome}; n = {plural(len(compared.pairing.items), 'item')} in {plural(first.groups, 'group')}, the same in "
        f"all runs; differences: {percent(how.level)} {first.method}, seed {how.seed}. Unchanged: two one-sided tests "
        f"at {number(how.alpha)} show that the difference is smaller than the margin, "
        f"{margin_words(how.margin)} of share, or {number(effect)} nats (that part of the reference's mean TE). "
        "Changed: not unchanged, and the interval leaves out 0. p: sign flips of whole groups; adjusted for all "
        "shares, or all effects, of a run."
    )
    return in_lines(said, (*tests_apart(compared, outcome), *gaps_of(compared, outcome)))


def tests_apart(compared: Compared, outcome: str) -> tuple[str, ...]:
    """Of which differences p and the interval do not say the same of 0, and why they may not; empty where they do."""
    level = compared.how.level
    named = [
        f"{_quantity(each)} in {each.run} (p {p_words(each.p)})"
        for each in compared.differences
        if each.outcome == outcome
        and each.p == each.p
        and each.estimate.low == each.estimate.low
        and (each.p < 1 - level) == (each.estimate.low <= 0 <= each.estimate.high)
    ]
    if not named:
        return ()
    return (
        f"p and the interval disagree on 0 for {', '.join(named)}: they are two tests. Sign flips are exact where the "
        "groups' differences are symmetric about 0, and of few groups p cannot be small; the interval is of a "
        "bootstrap-t over groups, which one group far from the others widens.",
    )


def gaps_of(compared: Compared, outcome: str) -> tuple[str, ...]:
    """Why differences are undefined or have no interval, each reason once."""
    found = [(each, each.estimate) for each in compared.differences if each.outcome == outcome and each.estimate.reason]
    return tuple(
        dict.fromkeys(
            f"{each.run}: {'no interval' if estimate.defined else 'undefined'} ({estimate.reason})"
            for each, estimate in found
        )
    )


def short_splits(compared: Compared, outcome: str) -> list[Table]:
    """Each 2 x 2: how the change of each share splits."""
    found = dict.fromkeys((each.first, each.second) for each in compared.split if each.outcome == outcome)
    return [told_split(compared, outcome, models, SPLIT, short=True) for models in found]


def told_split(
    compared: Compared, outcome: str, models: tuple[str, str], names: Sequence[str], *, short: bool = False
) -> Table:
    """The parts of the change from one model to another: of every share, and of the effects where there is room."""
    parts = {
        (each.kind, each.quantity, each.part): each.estimate
        for each in compared.split
        if (each.outcome, each.first, each.second) == (outcome, *models)
    }
    rows: list[Row] = [(f"{name} share", *(change_cell(parts[SHARE, name, part]) for part in names)) for name in SHARES]
    if names == PARTS:
        rows += [(EFFECT_NAMES[name], *(effect_cell(parts[EFFECT, name, part]) for part in names)) for name in EFFECTS]
    title = f"points of share, from {models[0]} to {models[1]}" if short else ""
    heads = (Column("" if short else "quantity", Look.SHORT), *numbers(*names))
    return Table(heads, tuple(rows), title, dense=names == ORDERS)
