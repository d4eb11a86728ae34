"""Runs of the reference reasoners, made up: twins, and items with what is hidden of them and their chains replaced."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediate.mediation.names import LOGIT, MARGIN
from mediate.models.shipped import RUNGS, After
from mediate.results import Cube, write_results
from mediate.results.contrasts import HIDDEN, TWIN
from mediate.results.replacements import Replaced
from tests.compare import made
from tools.findings.contrasts import FOLDER as CONTRASTS
from tools.findings.levels import DIGITS, FOLDER

# TE is 10 of every outcome; the outcome where the chain is hidden, left out, or says something else.
HIDDEN_TO = {After.BASE: 4.0, After.DECORATIVE: 7.0, After.NEEDED: 4.0}
REPLACED_TO = {
    "deletion": {After.BASE: 0.0, After.DECORATIVE: 10.0, After.NEEDED: 0.0},
    "filler": {After.BASE: 0.0, After.DECORATIVE: 6.0, After.NEEDED: 7.0},
    "mistake": {After.BASE: -5.0, After.DECORATIVE: 8.0, After.NEEDED: 2.0},
}
# What digits are above all tokens: taken off where it is read among digits.
REST = 1.5


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every model with the same numbers but for a little noise; with random hints what is hidden leaves nothing."""
    folder = tmp_path_factory.mktemp("runs")
    for size, rung in enumerate(RUNGS):
        for after in After:
            name, direct = rung.name(after), 0.95 if after is After.DECORATIVE else 0.0
            parameters = 10**5 * 10**size
            twin = made.run(name, (direct, 1 - direct, 0.0), given=True, count=40, groups=40, parameters=parameters)
            write_results(folder / CONTRASTS / f"{name}-{TWIN}", twin)
            rng = np.random.default_rng(size)
            items = tuple(replace(each, source=None) for each in twin.items)
            noise = rng.normal(0, 0.1, len(items))
            noise -= noise.mean()
            ids, groups = tuple(each.id for each in items), tuple(each.group for each in items)
            for kind, hidden in (("", HIDDEN_TO[after]), ("-random-hints", 0.0)):
                cubes, replaced = [], []
                for outcome, rest in ((LOGIT, REST), (DIGITS, 0.0), (MARGIN, 0.0)):
                    y = np.full((len(items), 2, 2, 2), rest)
                    y[:, 1, 1, :] += 10 + noise[:, None]
                    y[:, 1, 0, :] += hidden
                    cubes.append(Cube(y, ids, groups, str(outcome), HIDDEN))
                    replaced += [
                        Replaced(item, group, replacement, str(outcome), float(own), to[after] + rest + float(off) / 2)
                        for replacement, to in REPLACED_TO.items()
                        for item, group, own, off in zip(ids, groups, y[:, 1, 1, 1], noise, strict=True)
                    ]
                found = replace(twin, items=items, cubes=tuple(cubes), replaced=() if kind else tuple(replaced))
                write_results(folder / FOLDER / f"{name}{kind}", found)
    return folder
