"""How a run was measured, as a paragraph that stands in a paper's section on methods."""

from collections.abc import Iterator, Sequence

from mediate.report.analysis import analysis_of, section
from mediate.report.run.selection import left_out_words
from mediate.report.words import fact_of, percent, plain, plural
from mediate.results import Results
from mediate.results.contrasts import HIDDEN, OTHER, TWIN, over_all_orders
from mediate.results.kind_words import called
from mediate.results.outcomes import outcome_facts, unit_of
from mediate.results.partial import partial_words

AGAINST = {
    TWIN.name: "their twins",
    HIDDEN.name: "what is hidden of them (the contrast hidden)",
    OTHER.name: "other items of the run (the contrast other; means over the others of an item)",
}


def methods_words(results: Results) -> str:
    """One paragraph: model, items, chains, outcome, estimands, intervals with their seed, maps, controls and versions.

    All of it is read from the run; what the run does not record is not said.
    """
    return " ".join(_sentences(results))


def _sentences(results: Results) -> Iterator[str]:
    if partial_words(results.manifest):
        yield "The run is not whole yet."
    yield _model(results)
    if not results.cubes or not results.items:
        yield "No item was measured."
        return
    cube, analysis = results.cube(), analysis_of(results)
    yield _items(results)
    zero, against = cube.contrast.zero, AGAINST[cube.contrast.name]
    yield (
        f"Items were held against {against}: Y[d, t, h] is the outcome with the question that the answer reads (d), "
        "the chain (t) and the question under which the chain was computed (h), each the item's own (1) or not (0; "
        f"d: {zero[0]}; t: {zero[1]}; h: {zero[2]})."
    )
    told = "; ".join(
        f"{each.outcome}, {outcome_facts(each.outcome).words or unit_of(each.outcome)}" for each in results.cubes
    )
    yield f"Outcomes: {told}. All combinations were run; none was estimated."
    every = cube.contrast.shapley is over_all_orders
    orders = "all orders of switching them" if every else "the orders of switching in which text comes before latent"
    least, unit = analysis.least(cube.outcome), unit_of(cube.outcome)
    yield (
        f"The total effect is TE = Y111 − Y000. Direct, text and latent are Shapley values, means over {orders}, and "
        "add up to TE; the mediated share is TIE / TE with TIE = Y111 − Y100. Shares of the set are ratios of sums "
        f"over items, undefined where the mean TE is within {least:g} {unit} of 0."
    )
    share = analysis.shares(cube)["mediated"]
    yield f"Intervals: {percent(analysis.level)} {share.method}, seed {analysis.seed}."
    if maps := dict.fromkeys(f"{called(each.kind)} by {' and '.join(each.dims)}" for each in results.maps):
        yield f"Maps: {', '.join(maps)}."
    if controls := [each for each in results.controls if not each.reason]:
        names = dict.fromkeys(each.control.value.replace("_", " ") for each in controls)
        drawn = len({each.item for each in controls})
        yield f"Controls, on {plural(drawn, 'item')}: {', '.join(names)}."


def _model(results: Results) -> str:
    """The model and what measured it."""
    model, versions = section(results, "model"), section(results, "versions")
    parameters = model.get("parameters")
    facts = [plain(model["architecture"])] if model.get("architecture") else []
    facts += [f"{parameters:,} parameters"] if isinstance(parameters, int) else []
    facts += [fact_of(model, "dtype")] if model.get("dtype") else []
    facts += [f"on {model['device']}"] if model.get("device") else []
    facts += [f"fingerprint {plain(model['fingerprint'])}"] if model.get("fingerprint") else []
    named = [f"{name} {version}" for name, version in versions.items() if name not in ("mediate", "numerics")]
    tool = f"mediate {plain(versions.get('mediate'))}" if versions.get("mediate") else "mediate"
    return f"We measured {plain(model.get('name'))}{_bracketed(facts)} with {tool}{_bracketed(named)}."


def _bracketed(parts: Sequence[str]) -> str:
    return f" ({', '.join(parts)})" if parts else ""


def _items(results: Results) -> str:
    """How many items, how many were left out, and who wrote the chains."""
    cube = results.cube()
    left_out = left_out_words(results)
    out = f"; {left_out}" if left_out else ""
    written = sum(item.written for item in results.items)
    writer = section(results, "writer").get("name")
    given = f"written by {plain(writer)}" if writer else "given"
    chains = f"the chains of {written} were written by the model and the others {given}"
    if written in (0, len(results.items)):
        chains = "the chains were written by the model itself" if written else f"the chains were {given}"
    spec = section(results, "spec")
    if written and "temperature" in spec:
        chains += f" at temperature {spec['temperature']:g}"
    return f"{plural(len(cube.items), 'item')} in {plural(len(set(cube.groups)), 'group')}{out}; {chains}."
