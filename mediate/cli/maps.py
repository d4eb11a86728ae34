"""`mediate maps`: what `--maps` takes."""

from typing import Annotated, Any

import typer

from mediate.cli.ending import put, put_json


def maps(as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False) -> None:
    """Lists what --maps takes: names for a question, kinds of maps and their axes, components, reference values."""
    from mediate.mediation.presets import PRESETS
    from mediate.models.sites import Component
    from mediate.results.kinds import KINDS, Method
    from mediate.results.reference_words import REFERENCE_WORDS

    kinds: list[dict[str, Any]] = [
        {
            "names": list(of.spellings),
            "axes": [each for each in of.axes if each not in _other_heads(of.heads)],
            "all_axes": of.all_axes,
            "estimate": of.estimate,
            "items": any(not of.needs_twin or spelt.endswith("REFERENCE.COMPONENT") for spelt in of.spellings),
        }
        for of in KINDS
        if of.home
    ]
    if as_json:
        presets = {each.name: {"pairs": list(each.pairs), "items": list(each.items)} for each in PRESETS}
        named = {"components": [each.value for each in Component], "references": list(REFERENCE_WORDS)}
        put_json({"presets": presets, "kinds": kinds} | named | {"methods": [each.value for each in Method]})
        return
    put("For a question, several maps under one name:\n")
    for each in PRESETS:
        put(f"  {each.name:8} {each.asks}")
        put(f"  {'':8}   pairs: {' '.join(each.pairs)}")
        put(f"  {'':8}   items: {' '.join(each.items)}")
    put("\nA map by its own name is KIND:AXES, such as read:step,layer. All but estimates are exact.\n")
    put(f"  {'kind':57} axes")
    for kind in kinds:
        axes = f"{','.join(kind['axes'])}{' (all)' if kind['all_axes'] else ''}"
        of = ("" if kind["items"] else "; pairs only") + ("; estimate" if kind["estimate"] else "")
        put(f"  {' or '.join(kind['names']):57} {axes}{of}")
    put(f"\nCOMPONENT: {', '.join(Component)}")
    put(f"REFERENCE: {', '.join(REFERENCE_WORDS)}")
    put(f"Of an estimate, a method may follow: {', '.join('.' + each for each in Method)}.")
    put("What a map is, what it costs and which figure shows it: docs/maps.md. --plan says what yours would cost.")


def _other_heads(heads: str) -> tuple[str, ...]:
    """The axes of heads that a kind does not have, as its cells tell those of one component apart."""
    from mediate.models.sites import BY_HEAD, BY_KV_HEAD

    if not heads:
        return ()
    return ("head",) if heads in BY_KV_HEAD else ("kv_head",) if heads in BY_HEAD else ("head", "kv_head")
