"""The main things once, each against what it must equal: a line a check, with its time; the last says what broke.

`python -m tools.smoke`; it takes a minute or two, and reaches no network.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

MODEL = "reference-0.3m"
# Of the outcome, which is in the tens: what float32 leaves of two ways to the same number.
CLOSE = 1e-4
# As in the tests. Models of this size are quicker on one thread.
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "TQDM_DISABLE": "1",
    "WANDB_MODE": "disabled",
    "MPLBACKEND": "Agg",
}


def imports(folder: Path) -> None:
    """What the extras bring; the rest is imported by the checks below."""
    for name in ("datasets", "gguf", "math_verify", "peft", "reasoning_gym", "statsmodels.api", "trl", "xarray"):
        import_module(name)


def load(folder: Path) -> None:
    """A model from its files, hooked, with every site written in the self-check."""
    import mediate as md

    failed = [check.name for check in md.load(MODEL).checks if not check.passed]
    assert not failed, f"the self-check refuses {', '.join(failed)}"


def cube(folder: Path) -> None:
    """Five architectures against plain transformers with hand-made caches; four with questions of two lengths."""
    from tests import tiny
    from tests.mediation.whole.test_cube_oracle import CASES, UNEQUAL, assert_as_oracle

    for architecture in tiny.ARCHITECTURES:
        assert_as_oracle(architecture, CASES["shared beginning"], "float32", 1e-5)
    for architecture in tiny.ROTARY:
        assert_as_oracle(architecture, UNEQUAL, "float32", 1e-5)


def sweep(folder: Path) -> None:
    """State effects by sweep and by plain hooked passes."""
    from tests import tiny

    quick, slow = (_map(model, "state.resid_pre:step,layer") for model in (_model(), tiny.unswept(_model())))
    assert np.ptp(slow) > 1, "no cell has an effect: nothing is compared"
    np.testing.assert_allclose(quick, slow, atol=CLOSE, rtol=0)


def gradients(folder: Path) -> None:
    """Estimates of effects, by two methods, with the exact ones that a run always sets beside them."""
    for kind in ("attribution.mlp_out", "attribution.resid_pre.ig"):
        found = _map(_model(), f"{kind}:step,layer")
        assert np.isfinite(found).all(), f"{kind} has cells that are not numbers"
        assert np.ptp(found) > 0, f"{kind} is the same everywhere"


def generation(folder: Path) -> None:
    """Chains that the model writes, whose answers are known; tables and page of that run, from its folder."""
    import mediate as md

    out = folder / "run"
    md.score(_model(), md.modular_pairs(2, seed=1, with_cot=False), out=out, max_new_tokens=80, progress=False)
    scores = md.open_run(out)
    for item in scores.results.items:
        for _, world in item.worlds:
            assert world.written, f"{item.id}: the model did not write its chain"
            assert world.said == world.answer, f"{item.id}: the model says {world.said} for {world.answer}"
    assert len(scores.table()), "the table is empty"
    assert len(scores.controls()), "there are no controls"
    assert scores.to_html(folder / "report.html").stat().st_size > 10_000, "the page is empty"


def lora(folder: Path) -> None:
    """One step, and the adapter that it leaves, loaded again."""
    import mediate as md
    from tests.tuning.subjects import base_folder, examples

    base, out = base_folder(folder / "base"), folder / "tuned"
    tuned = md.tune(base, examples(2), out=out, arm="lora", steps=1, batch_size=2, held_out=0, progress=False)
    assert np.isfinite(tuned.losses[0]["loss"]), "the loss is not a number"
    assert md.load(out).facts.fingerprint == tuned.manifest["result"]["fingerprint"], "the adapter loads as another one"


CHECKS: dict[str, Callable[[Path], None]] = {
    "imports": imports,
    "load": load,
    "cube against its oracle, five architectures": cube,
    "a sweep against plain passes": sweep,
    "gradient maps": gradients,
    "generation, tables and page": generation,
    "a LoRA step": lora,
}


def _model() -> Any:
    import mediate as md

    return md.load(MODEL)


def _map(model: Any, name: str) -> Any:
    import mediate as md

    scores = md.score(model, md.modular_pairs(1, seed=1), maps=[name], control_pairs=0, store=False, progress=False)
    return scores.results.maps[0].values


def main() -> None:
    os.environ.update(SETTINGS)
    broke = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MEDIATE_CACHE"] = folder
        for number, (name, check) in enumerate(CHECKS.items()):
            began, reason = time.perf_counter(), ""
            try:
                place = Path(folder) / str(number)
                place.mkdir()
                check(place)
            except Exception as error:  # whatever a dependency raises
                reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                broke.append(f"{name} ({reason})")
            print(f"{'broke' if reason else 'ok':6}{name}, {time.perf_counter() - began:.1f} s", reason, flush=True)
    print(f"broke: {'; '.join(broke)}" if broke else "nothing broke")
    sys.exit(bool(broke))


if __name__ == "__main__":
    main()
