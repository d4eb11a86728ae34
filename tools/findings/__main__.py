"""Writes the tables of `docs/findings.md`, each between markers of its name, from run directories.

Without `--from` the runs are measured first, from models that come with the package or that it fetches, with fixed
seeds; what is there already is read back. With it, existing directories are read and nothing is measured: intervals are
then worked out anew from what is stored.
"""

import argparse
import sys
from pathlib import Path

from mediate.errors import InputError
from tools.findings.behaviour import BEHAVIOUR
from tools.findings.contrasts import HELD_AGAINST
from tools.findings.distilled import DISTILLED
from tools.findings.estimates import CUT, ESTIMATES
from tools.findings.families import FAMILIES_IN_SIGNS, FAMILIES_IN_STORIES, FAMILIES_OWN, FAMILIES_TOLD
from tools.findings.finding import COMMAND, Finding
from tools.findings.ladder import DECORATIVE, LADDER
from tools.findings.levels import LEVELS
from tools.findings.real import GIVEN_CHAINS, LORA
from tools.findings.replacements import REPLACEMENTS

# In the order of the page.
FINDINGS: tuple[Finding, ...] = (
    GIVEN_CHAINS,
    LADDER,
    DECORATIVE,
    LORA,
    ESTIMATES,
    CUT,
    HELD_AGAINST,
    LEVELS,
    REPLACEMENTS,
    BEHAVIOUR,
    FAMILIES_TOLD,
    FAMILIES_OWN,
    FAMILIES_IN_STORIES,
    FAMILIES_IN_SIGNS,
    DISTILLED,
)
PAGE = Path(__file__).parents[2] / "docs" / "findings.md"


def main(arguments: list[str] | None = None) -> None:
    """Measures, where that is asked for, and writes the tables.

    Raises:
        InputError: No such finding, the page lacks its markers, or a run is missing.
    """
    listed = "; ".join(f"{each.name}, {each.minutes:g} min" for each in FINDINGS)
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__, epilog=f"On two idle cores, about: {listed}.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="the tables to write; all by default")
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        help="a folder of runs to read in place of measuring; the demo's has `ladder`",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/findings"), help="the folder of runs that are measured")
    parser.add_argument("--page", type=Path, default=PAGE, help="docs/findings.md by default")
    asked = parser.parse_args(arguments)
    known = {finding.name: finding for finding in FINDINGS}
    for name in asked.names:
        if name not in known:
            raise InputError(f"no finding {name!r}; there is {', '.join(known)}")
    chosen = [finding for finding in FINDINGS if not asked.names or finding.name in asked.names]
    for finding in chosen:
        finding.part.check(asked.page)
    for finding in chosen:
        if asked.source is None:
            finding.make(asked.out)
        finding.part.write(asked.page, finding.table(asked.source or asked.out))
        print(f"{asked.page}: {finding.name} written", flush=True)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        print(f"tools.findings: {error}", file=sys.stderr)
        sys.exit(2)
