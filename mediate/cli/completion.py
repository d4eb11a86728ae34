"""What a shell completes: names of models, maps and other values of options. Nothing here imports torch."""

from collections.abc import Callable, Iterable, Mapping

Completed = Iterable[str | tuple[str, str]]


def starting(typed: str, names: Completed) -> list[str | tuple[str, str]]:
    """Those of the names, each with what it is or without, that begin with what was typed."""
    return [each for each in names if (each if isinstance(each, str) else each[0]).startswith(typed)]


def model_names(incomplete: str) -> list[str | tuple[str, str]]:
    """Names of models that need no path."""
    from mediate.models.listing import names_to_load

    return starting(incomplete, names_to_load())


def map_names(incomplete: str) -> list[str | tuple[str, str]]:
    """Presets and what they ask, and maps; those of a component once their kind is begun."""
    from mediate.mediation.presets import PRESETS
    from mediate.models.sites import Component
    from mediate.results.kinds import KINDS

    names: list[str | tuple[str, str]] = [(each.name, each.asks) for each in PRESETS]
    for of in KINDS:
        axes = ",".join(of.axes if of.all_axes else ("step", "layer"))
        for spelt in of.spellings if of.home else ():
            if "COMPONENT" not in spelt:
                names.append(f"{spelt}:{axes}")
            elif not incomplete.startswith(f"{of.name}."):
                names.append(f"{of.name}.")
            elif "REFERENCE" not in spelt:
                names += [f"{of.name}.{each}:{axes}" for each in Component]
            else:
                names += [f"{of.name}.{by}.{each}:{axes}" for by in of.references for each in Component]
    return starting(incomplete, list(dict.fromkeys(names)))


def outcome_names(incomplete: str) -> list[str | tuple[str, str]]:
    """Names of outcomes."""
    from mediate.mediation.names import OUTCOMES

    return starting(incomplete, [each.name for each in OUTCOMES])


def template_names(incomplete: str) -> list[str | tuple[str, str]]:
    """Templates that need no file."""
    return starting(incomplete, ["auto", "none", "chat", "few-shot"])


def component_names(incomplete: str) -> list[str | tuple[str, str]]:
    """Names of components."""
    from mediate.models.sites import Component

    return starting(incomplete, [each.value for each in Component])


def replacement_names(incomplete: str) -> list[str | tuple[str, str]]:
    """Names of what stands in a chain's place."""
    from mediate.results.replacements import ALL

    return starting(incomplete, [*ALL, "none"])


# Of options that are made from fields of specifications, by the field.
OF_FIELDS: Mapping[str, Callable[[str], list[str | tuple[str, str]]]] = {
    "maps": map_names,
    "outcomes": outcome_names,
    "template": template_names,
    "keep": component_names,
    "replacements": replacement_names,
    "rewriter": model_names,
}
