"""How the tests of this room compare runs that were made up."""

from mediate.compare import Compared, NamedRun, compare_runs, name_runs, settings_of
from mediate.compare.differences import Difference
from mediate.compare.split import SplitPart
from mediate.results import Results

# Enough to see what is tested, and quick.
FEW = {"draws": 200, "flips": 500}


def named(*runs: Results, labels: tuple[str, ...] | None = None) -> tuple[NamedRun, ...]:
    return name_runs(runs, [None] * len(runs), labels or tuple(f"run{place}" for place in range(len(runs))))


def compared(*runs: Results, allow_mixed: bool = False, **choices: float) -> Compared:
    having = named(*runs)
    return compare_runs(having, settings_of(having, **(FEW | choices)), allow_mixed=allow_mixed)


def differences(found: Compared, run: str = "run1") -> dict[tuple[str, str], Difference]:
    return {(each.kind, each.quantity): each for each in found.differences if each.run == run}


def parts(found: Compared) -> dict[tuple[str, str, str], SplitPart]:
    return {(each.kind, each.quantity, each.part): each for each in found.split}
