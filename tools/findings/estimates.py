"""SmolLM2 on problems that it solves: gradient estimates beside exact patching, and chains cut before the answer."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import mediate
from mediate.models.prompts import Style
from mediate.report.analysis import analysis_of
from mediate.report.run.evidence import exactly
from mediate.report.words import number, share_words
from tools.findings.finding import SEED, Finding, basis, markdown, name_of, nats, run_of
from tools.findings.real import MODEL

RUN, RUN_CUT = "estimates", "cut"
# Of the demo's problems, as many as are tried; the model solves them.
TRIED = 2
AXES = {
    "resid_pre": "step,layer", "attn_out": "step,layer", "mlp_out": "step,layer",
    "z": "layer,head", "v": "layer,kv_head", "q": "layer,head", "k": "layer,kv_head",
}  # fmt: skip
# The plain estimate has no name in a map's.
METHODS = {"": "atp", ".ig": "ig (8 steps)", ".graddrop": "graddrop", ".qkfix": "qkfix", ".relp": "relp"}
# QK-fix is of what a softmax reads, and RelP has no rule for it.
ONLY, NOT = {".qkfix": ("q", "k")}, {".relp": ("q", "k")}


def maps() -> list[str]:
    """Every map there is an estimate of."""
    return [
        f"attribution.{component}{method}:{axes}"
        for component, axes in AXES.items()
        for method in METHODS
        if component in ONLY.get(method, AXES) and component not in NOT.get(method, ())
    ]


def make(folder: Path) -> None:
    """Every estimate, with its sample of exact patching."""
    solve(folder / RUN, maps(), controls=0)


def make_cut(folder: Path) -> None:
    """The cube, which is also read with the chain cut, and the controls."""
    solve(folder / RUN_CUT, [], controls=TRIED)


def solve(folder: Path, chosen: Sequence[str], controls: int) -> None:
    """Measures the demo's first problems, with its worked examples before them and chains that the model writes."""
    from mediate.demo import OPERATIONS, SHOTS, TEMPLATES
    from mediate.traces.trace import encode

    model = mediate.load(mediate.fetch(MODEL))
    tokenizer = model.need_tokenizer()
    made = mediate.generate_pairs(
        TRIED,
        steps=OPERATIONS,
        templates=TEMPLATES,
        seed=SEED,
        length=lambda text: len(encode(tokenizer, text)),
        with_cot=False,
    )
    shown = mediate.few_shot_prompt(seed=SEED, shots=SHOTS, steps=OPERATIONS, templates=TEMPLATES)
    mediate.score(
        model,
        [replace(pair, group=pair.id) for pair in made],
        out=folder,
        template=mediate.Template(Style.COMPLETION, shown, f"{SHOTS} worked examples"),
        stop=("\n\n", "Q:"),
        max_new_tokens=64,
        solved_only=True,
        outcomes=("logit_diff",),
        maps=chosen,
        control_pairs=controls,
        seed=SEED,
    )


def table(folder: Path) -> str:
    """Rank correlation and verdict of each map and method, item by item."""
    run = run_of(folder / RUN)
    found = run.agreements()
    items = dict.fromkeys(found["item"])
    rows = []
    for component, axes in AXES.items():
        cells = []
        for method in METHODS:
            having = found[found.kind == f"attribution.{component}{method}"]
            correlations = ", ".join(number(each) for each in having.spearman)
            cells.append(f"{correlations} {', '.join(dict.fromkeys(having.verdict))}" if len(having) else "-")
        rows.append([f"`{component}:{axes}`", *cells])
    random, top = int(found.n_random.max()), int(found.n_top.max())
    more = (
        f"{name_of(run)}, rank correlation of each of {len(items)} items and its verdict; up to {random} random cells "
        f"and the {top} largest an item."
    )
    return f"{markdown(('map', *METHODS.values()), rows)}\n\n{basis([run], [run.shares()['mediated']], more)}"


def cut(folder: Path) -> str:
    """The shares with the whole chain and with the chain cut before it states its answer; and the controls."""
    run = run_of(folder / RUN_CUT)
    analysis, results = analysis_of(run.results), run.results
    rows, told = [], []
    for words, cube in (("whole", results.cube()), ("cut before the answer", results.cut[0])):
        share, te = analysis.shares(cube)["mediated"], analysis.effects(cube)["te"]
        told.append(share)
        rows.append([words, str(share.n), nats(te), share_words(share, 1)])
    controls = run.controls()
    held = [
        [
            str(name).replace("_", " "),
            str(len(of)),
            exactly(of.effect.abs().mean()),
            number(of.beside.abs().mean()),
            ", ".join(number(p) for p in of.p.dropna()),
        ]
        for name, of in controls[controls.reason == ""].groupby("control", sort=False)
    ]
    chains = markdown(("chain", "n", "TE (nats)", "mediated"), rows)
    kept = markdown(("control", "n", "mean size (nats)", "beside", "p"), held)
    return f"{chains}\n\n{kept}\n\n{basis([run], told, f'{name_of(run)}.')}"


ESTIMATES = Finding("estimates", make, table, minutes=30)
CUT = Finding("cut", make_cut, cut, minutes=1)
