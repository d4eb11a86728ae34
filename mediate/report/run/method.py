"""How a run was measured, as sections of its page: identities, model, choices and versions."""

from collections.abc import Sequence
from typing import Any

from mediate.report.analysis import section
from mediate.report.blocks import Block, Section, Table, Text, Verbatim, columns, facts, numbers
from mediate.report.run.methods_text import methods_words
from mediate.report.run.steered_design import steered_sections
from mediate.report.run.tables import identity_error
from mediate.report.words import fact_of, plain
from mediate.results import Cube, Results
from mediate.results.cube import IDENTITY_TOLERANCE

MOST_PROMPT = 6000
_NAMES = ("name", "fingerprint", "architecture", "layers", "heads", "kv_heads", "d_model", "parameters", "dtype")


def identities_section(cubes: Sequence[Cube]) -> Section:
    """The largest gaps in what must be equal."""
    told: tuple[Block, ...] = (Text("There was no row to check."),)
    if cubes:
        tolerance = f"{IDENTITY_TOLERANCE:g}".replace("e-0", "e-")
        said = (
            f"On every row, TE = NDE + TIE = NIE + TDE = direct + text + latent, to {tolerance} of the row's largest "
            "value (or of 1 nat, where that is more). A row that fails stops the run. Largest gaps found:"
        )
        told = (Text(said), facts([(cube.outcome, f"{identity_error(cube):.1g} nats") for cube in cubes]))
    return Section("Identities checked", told, id="identities", folded=_held(cubes))


def _held(cubes: Sequence[Cube]) -> str:
    if not cubes:
        return ""
    worst = max(map(identity_error, cubes))
    return f"Effects and channels add up to TE on every row; the largest gap is {worst:.1g} nats"


def method_section(results: Results) -> Section:
    """Model, checks, choices, versions and the first prompt."""
    manifest, model = results.manifest, section(results, "model")
    checks = [
        tuple(plain(check.get(name)) for name in ("name", "site", "error", "tolerance", "passed"))
        for check in model.get("checks") or ()
    ]
    refused = [(site, plain(why)) for site, why in (model.get("refused_sites") or {}).items()]
    heads = (*columns("check", "site"), *numbers("largest error", "tolerance"), *columns("passed"))
    checked: Block = Text("The run records no checks of the model at load.")
    if checks:
        checked = Section("Checks when the model was loaded", (Table(heads, tuple(checks), named=False),))
    prompt = plain(manifest.get("prompt_example"))
    if len(prompt) > MOST_PROMPT:
        prompt = prompt[:MOST_PROMPT] + f"\n… ({len(prompt) - MOST_PROMPT} more characters)"
    run = [(key, _choice(results, key, value)) for key, value in section(results, "spec").items()]
    run += [(key, plain(manifest.get(key))) for key in ("created", "finished", "seconds", "status")]
    named = [(name.replace("_", " "), fact_of(model, name)) for name in (*_NAMES, "device", "source")]
    versions = [(name, plain(version)) for name, version in section(results, "versions").items()]
    return Section(
        "How it was measured",
        (
            Section("In a paragraph, to copy", (Text(methods_words(results)),)),
            Section("Model", (facts(named),)),
            *steered_sections(results),
            checked,
            *((Section("Places in the network that could not be used", (facts(refused),)),) if refused else ()),
            Section("Run", (facts(run),)),
            Section("Versions", (facts(versions),)),
            Section("First prompt as the model saw it", (Verbatim(prompt),)),
        ),
        id="method",
        folded=f"The model{_passed(checks)}, the run's choices, versions and the first prompt",
    )


def _choice(results: Results, key: str, value: Any) -> str:
    """A choice of the run; of maps that were not named, which were measured by default."""
    if key != "maps" or value is not None:
        return plain(value)
    found = dict.fromkeys(f"{each.kind}:{','.join(each.dims)}" for each in results.maps)
    return f"not named; by default {', '.join(found) if found else 'none could be measured'}"


def _passed(checks: Sequence[tuple[str, ...]]) -> str:
    if not checks:
        return ""
    passed = sum(each[-1] == plain(True) for each in checks)
    return f", {passed} of {len(checks)} checks passed when it was loaded"
