"""The same item under each run: its chains side by side, coloured on one scale, as a section of a comparison's page."""

from dataclasses import replace

from mediate.compare import Compared
from mediate.report.blocks import Block, Explorer, Look, Scale, Section, Text, Tokens
from mediate.report.run.explorer import compared_data
from mediate.report.run.map_sets import MapSet, map_sets, together
from mediate.report.run.tokens import Colouring, colour_chains
from mediate.report.words import plural

MOST_ITEMS = 4


def under_each_run(compared: Compared) -> Section:
    """The first shared items under each run; with a script, any of them by any map."""
    runs = [(run.label, run.results) for run in compared.runs]
    shown = compared.pairing.items[:MOST_ITEMS]
    colourings = _colourings(compared, shown)
    count = len(compared.pairing.items)
    first = "All shared items." if count <= MOST_ITEMS else f"The first {MOST_ITEMS} of {plural(count, 'shared item')}."
    blocks: list[Block] = [
        Text(f"{first} With script enabled, this page shows each of them here. {_colours(colourings)}")
    ]
    if (maps := colourings[0].maps) is not None:
        blocks.append(Scale(maps.limit, maps.unit))
    for place, item in enumerate(shown):
        chains: list[Block] = []
        for run, colouring in zip(compared.runs, colourings, strict=True):
            chains += [Text(_named(run.label, colouring), Look.SMALL), Tokens(colouring.chains[place].base)]
        blocks.append(Section(item, tuple(chains)))
    viewer = Explorer(compared_data(runs, compared.pairing.items), tuple(blocks))
    return Section("The same item under each run", (viewer,), id="chains")


def _colourings(compared: Compared, items: tuple[str, ...]) -> list[Colouring]:
    """The base chains of some items under each run, by the first map along chains that all runs have, on one scale."""
    own = [map_sets(run.results) for run in compared.runs]
    found = next((each for each in together(own) if each.axis and all(_of(each, sets) for sets in own)), None)
    colourings = []
    for run, sets in zip(compared.runs, own, strict=True):
        there = {item.id: item for item in run.results.items}
        mine = None if found is None else _of(found, sets)
        at = {} if found is None or mine is None else _fitted(_of(found, own[0]) or mine, mine)
        scaled = None if found is None or mine is None else replace(mine, least=found.limit)
        colourings.append(colour_chains([there[item] for item in items], scaled, at))
    return colourings


def _of(each: MapSet, sets: tuple[MapSet, ...]) -> MapSet | None:
    return next((own for own in sets if (own.name, own.outcome) == (each.name, each.outcome)), None)


def _fitted(first: MapSet, own: MapSet) -> dict[str, int]:
    """The labels of the first run's largest effects, as another run has them: layers at the same relative depth."""
    at = first.strongest()
    if "layer" in at:
        here, there = (sorted({label for each in maps.maps for label in each.coords["layer"]}) for maps in (first, own))
        depth = here.index(at["layer"]) / max(1, len(here) - 1)
        at["layer"] = there[round(depth * (len(there) - 1))]
    labels = {name: {label for each in own.maps for label in each.coords[name]} for name in at}
    return {name: label for name, label in at.items() if label in labels[name]}


def _colours(colourings: list[Colouring]) -> str:
    maps = colourings[0].maps
    if maps is None:
        return "The runs have no map along chains in common, so the chains have no colour."
    part = "token" if maps.axis == "position" else "step"
    cautions = " ".join(dict.fromkeys(each.maps.caution for each in colourings if each.maps))
    return f"Each {part} has the colour of {maps.words}, on one scale for all runs. {cautions}".rstrip()


def _named(label: str, colouring: Colouring) -> str:
    where = colouring.maps.where(colouring.at) if colouring.maps else ""
    return f"{label}, {where}" if where else label
