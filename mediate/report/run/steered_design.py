"""What a page says of a steered model: what is added where, and which of the two designs its run is."""

from collections.abc import Mapping
from typing import Any

from mediate.report.analysis import section
from mediate.report.blocks import Section, Text, facts
from mediate.report.words import plain, plural
from mediate.results import Results


def steered_sections(results: Results) -> tuple[Section, ...]:
    """How the model is steered; none of a model as it is."""
    told = section(results, "model").get("steering")
    if not isinstance(told, Mapping):
        return ()
    base = _part(told, "base")
    vector = "a random vector as long as the fitted one" if "random" in told else plain(told.get("formula"))
    cosine = _part(told, "halves").get("cosine")
    counts = ", ".join(f"{count} of {kind}" for kind, count in _part(told, "counts").items())
    named = [
        ("base", plain(base.get("name"))),
        ("vector", f"{plain(told.get('vector'))[:12]}: {vector}"),
        ("length", f"{float(told.get('norm') or 0):.3g}"),
        *([("drawn with seed", plain(told["random"]))] if "random" in told else []),
        *([("fitted on thoughts", counts)] if counts else []),
        *([("cosine of two halves", f"{float(cosine):.3f}")] if cosine is not None else []),
    ]
    said = (
        f"{float(told.get('alpha') or 0):g} times a vector is added to the residual stream as it leaves layer "
        f"{plain(told.get('layer'))}, at every token that opens a thought, in every pass."
    )
    return (Section("How the model is steered", (Text(f"{said} {_design(results)}".strip()), facts(named))),)


def _design(results: Results) -> str:
    """Whether steering changes what is read alone, or what is written too."""
    chains = results.manifest.get("steered_chains")
    if not isinstance(chains, Mapping):
        return ""
    given, written = (int(chains.get(name) or 0) for name in ("given", "written"))
    if not written:
        return (
            f"Its {plural(given, 'chain')} came from elsewhere: steering changes how they are read, and nothing else."
        )
    if not given:
        return f"It wrote its {plural(written, 'chain')} itself: steering changes what they say, too."
    return (
        f"Of its chains {given} came from elsewhere, and are read steered, and {written} it wrote itself: two designs "
        "in one run."
    )


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = told.get(name)
    return part if isinstance(part, Mapping) else {}
