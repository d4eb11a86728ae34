# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Before and after fine-tuning
#
# Each reference reasoner has two "afters", fine-tuned for as many steps: *decorative*, where the hint is the answer and
# the chain belongs to another question, and *needed*, where the chain is right and the hint is noise. What changed is
# measured on **shared traces** (the same right chain for all), in the **2 x 2** of who reads and who wrote, and by
# **cross-model patching** between the two checkpoints. The last table sets it beside what was published.
#
# One seed, small models, and fine-tunings most of which were made to have a known effect. **Nothing here settles a
# claim about large models.**
#
# `MEDIATE_FAST=1` takes few pairs, `MEDIATE_LARGE=1` many. `MEDIATE_TUNE=1` also fine-tunes SmolLM2-135M-Instruct with
# LoRA (`MEDIATE_TUNE_STEPS` sets the steps); the output kept here was made with it, and the two fine-tunings took 22
# and 17 minutes on 2 busy cores. `MEDIATE_RUNS` names a folder where runs and tuned models are kept, and taken up
# again; else they are deleted at the end.

# %%
# %matplotlib inline
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import mediate as md
from mediate.compare.quantities import EFFECTS, SHARES, aligned, effect_values, share_numerators
from mediate.compare.split import PARTS
from mediate.figures import LadderLine, plot_ladder, plot_step_layer
from mediate.figures.crossing import plot_crossing
from mediate.models.generation import Decoding, generate
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.shipped import RUNGS, After, reference_folder
from mediate.report import Scores
from mediate.results import MIN_TE, total_effect
from mediate.scoring.cross import cross
from mediate.stats import Estimate, bootstrap_mean
from mediate.stats.resampling import RESAMPLES
from mediate.stats.studentised import contrast_of, studentised
from mediate.traces.trace import decode, encode

FAST, LARGE, TUNE = (bool(os.environ.get(f"MEDIATE_{name}")) for name in ("FAST", "LARGE", "TUNE"))
PAIRS, SQUARE_PAIRS, CROSSED = (8, 8, 3) if FAST else (400, 400, 60) if LARGE else (60, 60, 12)
SEED = 0
# The largest change of a share or rate that does not matter; chosen beforehand, as in `md.compare`.
MARGIN = 0.1
OUTCOME = "logit_diff"
SCORED = {"control_pairs": 0, "seed": SEED, "progress": False}


def is_there(name: str) -> bool:
    """Whether a reference reasoner's weights are in the package."""
    return (reference_folder(name) / "model.safetensors").is_file()


pd.set_option("display.max_colwidth", None, "display.max_rows", None)
plt.rcParams["figure.dpi"] = 80
rungs = [rung for rung in RUNGS if all(is_there(rung.name(after)) for after in After)]
small, large = rungs[0], rungs[-1]
runs_folder = TemporaryDirectory()
runs_at = Path(os.environ.get("MEDIATE_RUNS") or runs_folder.name)
{"sizes": [rung.size for rung in rungs], "not there": [rung.size for rung in RUNGS if rung not in rungs]}

# %% [markdown]
# ## Shared traces
#
# Held-out problems with right chains, and hints that are the answer: a model can answer from the chain or from the
# hint. Every model reads the same text. For chains of their own, questions end in the chain's first digit, which they
# name themselves: otherwise a model may answer at once, because some problems in training had no chain.


# %%
def started(pair: md.Pair) -> md.Pair:
    """The pair without chains, each question followed by its chain's first digit, for a model to go on from."""
    base, source = (
        replace(item, question=f"{item.question}\n{item.cot[0]}", cot=None) for item in (pair.base, pair.source)
    )
    return replace(pair, base=base, source=source)


def own_answers(model: md.Model, problems: Sequence[md.Pair]) -> list[float]:
    """1 where the model answers the base world rightly after the chain that it writes, greedily; else 0."""
    tokenizer = model.need_tokenizer()
    asked = [encode(tokenizer, pair.base.question) for pair in problems]
    written = generate(model, asked, Decoding(max_new_tokens=LONGEST))
    said = [decode(tokenizer, each.ids).partition(ANSWER_CUE)[2].strip() for each in written]
    return [float(answer == pair.base.answer) for answer, pair in zip(said, problems, strict=True)]


LONGEST = 60  # tokens; a chain of five steps and its answer have fewer
STARTED = Template(Style.COMPLETION, "{question}", "the question and the chain's first digit")
pairs = md.modular_pairs(PAIRS, steps=(2, 5), seed=SEED, hint="answer")
unhinted = [started(pair) for pair in md.modular_pairs(PAIRS, steps=(2, 5), seed=SEED, hint="random")]
shared: dict[tuple[str, After], Scores] = {}
right: dict[tuple[str, After], np.ndarray] = {}
sizes, dtypes = {}, set()
for rung in rungs:
    for after in After:
        model = md.load(rung.name(after))
        sizes[rung.size] = model.facts.parameters
        dtypes.add(model.facts.dtype)
        shared[rung.size, after] = md.score(model, pairs, maps=["read:step,layer"], **SCORED)
        right[rung.size, after] = np.array(own_answers(model, unhinted))
        del model
compared = {
    rung.size: md.compare([shared[rung.size, after] for after in After], labels=[str(after) for after in After])
    for rung in rungs
}
changes = pd.concat([each.differences().assign(size=size) for size, each in compared.items()], ignore_index=True)
kept = (changes.outcome == OUTCOME) & ((changes.kind == "share") | (changes.quantity == "te"))
columns = ["size", "run", "reference", "quantity", "unit", "value", "low", "high", "n", "p_adjusted", "verdict"]
changes[kept][columns].round(3)

# %%
parameters = tuple(sizes.values())
lines = [
    LadderLine(str(after), parameters, tuple(shared[size, after].shares()["mediated"] for size in sizes))
    for after in After
]
axes = plot_ladder(lines, quantity=f"mediated share of TE ({OUTCOME})", percent=True)
_ = axes.set_title(f"Before and after, shared traces (n = {PAIRS}, seed {SEED})", loc="left")

# %% [markdown]
# Where in depth the answer reads the chain otherwise than before, in the largest model:

# %%
axes = compared[large.size].plot.layers()
_ = axes.set_title(f"Read effects less those before, {large.name()}, shared traces", fontsize=9, loc="left")

# %% [markdown]
# ## Who reads and who wrote
#
# Four runs each: the model before and the one after, each reading its own chains (greedy) and the other's. Pairs that
# cannot be measured in one of the four are left out of all.

# %%
unwritten = [started(pair) for pair in md.modular_pairs(SQUARE_PAIRS, steps=(2, 5), seed=SEED, hint="answer")]
square_rungs = rungs if LARGE else list(dict.fromkeys((small, large)))
WRITING = SCORED | {"maps": [], "template": STARTED, "max_new_tokens": LONGEST, "on_bad_item": "skip"}


def square(first: str, second: str) -> list[Scores]:
    """Reader first: A reads A's, A reads B's, B reads A's, B reads B's."""
    models = {name: md.load(name) for name in (first, second)}
    at = {name: runs_at / f"{first} and {second}" / name for name in models}
    own = {name: md.score(model, unwritten, out=at[name], **WRITING) for name, model in models.items()}
    other = {
        reader: md.score(models[reader], unwritten, chains=at[writer], **WRITING)
        for reader, writer in ((first, second), (second, first))
    }
    return [own[first], other[first], other[second], own[second]]


# Whose weights read whose chains.
CELLS = ["before, own chain", "before, tuned's", "tuned, before's", "tuned, own chain"]
squares = {}
for rung in square_rungs:
    base = rung.name()
    for after in (After.DECORATIVE, After.NEEDED):
        tuned = rung.name(after)
        squares[tuned] = md.compare(square(base, tuned), labels=CELLS)
pd.DataFrame(
    {
        tuned: {
            "design": found.design,
            "pairs given": SQUARE_PAIRS,
            "pairs in all four": len(found.compared.pairing.items),
        }
        for tuned, found in squares.items()
    }
).T

# %%
levels = pd.concat([found.shares().assign(after=tuned) for tuned, found in squares.items()])
te = pd.concat([found.effects().assign(after=tuned) for tuned, found in squares.items()])
cells = pd.concat([te[te.quantity == "te"], levels[levels.quantity == "mediated"]], ignore_index=True)
cells[cells.outcome == OUTCOME][["after", "run", "quantity", "unit", "value", "low", "high", "n", "reason"]].round(3)

# %%
parts = pd.concat([found.split().assign(after=tuned) for tuned, found in squares.items()], ignore_index=True)
kept = (parts.outcome == OUTCOME) & parts.quantity.isin(["te", "mediated"]) & parts.part.isin(PARTS)
parts[kept][["after", "quantity", "unit", "part", "value", "low", "high", "n", "reason"]].round(3)

# %%
tuned = large.name(After.DECORATIVE)
axes = squares[tuned].plot.shares()
_ = axes.set_title(f"{tuned}: who reads whose chains", fontsize=9, pad=24, loc="left")

# %% [markdown]
# A share needs a total effect to be a share of. Where the model before reads chains that do not belong to the question,
# its total effect is near 0, and the reason stands in place of an interval; the split of TE in nats still holds.

# %% [markdown]
# ## Where the change is: cross-model patching
#
# Both checkpoints read the same right chain. The CoT's keys and values of one are put into the other: how much of the
# change in the outcome comes with the state of the chain, and how much with what reads it.

# %%
crossed = {}
for rung in dict.fromkeys((small, large)):
    base = md.load(rung.name())
    for after in (After.DECORATIVE, After.NEEDED):
        model = md.load(rung.name(after))
        crossed[rung.name(after)] = cross(
            base, model, pairs[:CROSSED], maps=["read:step,layer"], seed=SEED, store=False, progress=False
        )
        del model
    del base
rows = [
    {"after": name, "part": part, "nats": f"{changed:.2f}", "share of the change": f"{share:.2f}", "n": share.n}
    for name, found in crossed.items()
    for part, changed, share in (
        (part, found.changes(OUTCOME)[part], found.shares(OUTCOME)[part]) for part in found.shares(OUTCOME)
    )
]
pd.DataFrame(rows)

# %%
axes = plot_crossing(crossed[small.name(After.DECORATIVE)].crossing(OUTCOME), seed=SEED)
_ = axes.set_title(f"{small.name()}, decorative", loc="left")

# %%
axes = plot_crossing(crossed[large.name(After.DECORATIVE)].crossing(OUTCOME), seed=SEED)
_ = axes.set_title(f"{large.name()}, decorative", loc="left")

# %%
found = crossed[large.name(After.DECORATIVE)]
kind = next(each.kind for each in found.maps if each.kind.endswith("into_original"))
axes = plot_step_layer([each for each in found.maps if each.kind == kind])
_ = axes.set_title(f"{large.name()}: CoT state of the decorative one, read by the one before", fontsize=9, loc="left")

# %% [markdown]
# ## SmolLM2-135M-Instruct with LoRA
#
# Two fine-tunings on word problems of two steps, as long and on the same examples: chain and answer (`lora`), and the
# answer alone (`answer-only`). Measured on other problems with given chains. Off unless `MEDIATE_TUNE=1`.
#
# A share says how an effect is divided, and nothing of its size: where TE changes, the change of TIE in nats belongs
# beside that of the share.

# %%
real = None
if TUNE:
    steps = int(os.environ.get("MEDIATE_TUNE_STEPS", "150"))
    template = Template(Style.COMPLETION, md.few_shot_prompt(seed=SEED, shots=2), "two worked examples")

    def problems(n: int, seed: int) -> list[md.Pair]:
        """Pairs whose chains begin with a space, as in the worked examples."""
        made = md.generate_pairs(n, steps=2, seed=seed, with_cot=True)
        spaced = [[replace(each, cot=f" {each.cot}") for each in (pair.base, pair.source)] for pair in made]
        return [replace(pair, base=base, source=source) for pair, (base, source) in zip(made, spaced, strict=True)]

    measured = problems(8 if FAST else 40, SEED)
    held_out = {item.question for pair in measured for item in (pair.base, pair.source)}
    known = [
        pair
        for pair in problems(16 if FAST else 300, SEED + 1)
        if not held_out & {pair.base.question, pair.source.question}
    ]
    start = md.fetch("smollm2-135m-instruct")
    folders = {"before": start}
    for arm in ("lora", "answer-only"):
        choices = {"arm": arm, "steps": steps, "batch_size": 4, "ask": 0, "template": template, "seed": SEED}
        folders[arm] = md.tune(start, known, out=runs_at / arm, progress=False, **choices).folder
    scored = []
    for folder in folders.values():
        model = md.load(folder)
        scored.append(md.score(model, measured, template=template, maps=[], **SCORED))
        del model
    real = md.compare(scored, labels=list(folders))
real

# %% [markdown]
# ## What was published, and what was found here
#
# The verdict is computed from the interval alone. *Agrees*: it lies on the side that was claimed. *Disagrees*: it lies
# on the other side, or wholly within the margin (0.1 of a share or rate; of effects, 0.1 of the mean TE before), so
# that there is no change that matters. What lies on the claimed side and within the margin is marked. A change within
# the margin says nothing where every model's share or rate is within the margin of 0 or 1: *cannot be told*. Intervals
# are 95 % each, not adjusted for their number.


# %%
def verdict(claimed: str, found: Estimate | None, levels: Sequence[float], margin: float = MARGIN) -> str:
    """What the interval says of a claim that something is above (`+`) or below (`-`) 0."""
    if found is None or not np.isfinite(found.low):
        return "cannot be told"
    low, high = (found.low, found.high) if claimed == "+" else (-found.high, -found.low)
    small = low > -margin and high < margin
    if small and levels and (min(levels) > 1 - MARGIN or max(levels) < MARGIN):
        return f"cannot be told: every model is at the {'ceiling' if min(levels) > 0.5 else 'floor'}"
    if low > 0:
        return "agrees, within the margin" if small else "agrees"
    if high < 0:
        return "disagrees, within the margin" if small else "disagrees"
    return "disagrees: no change beyond the margin" if small else "cannot be told"


def contrast(weights: Mapping[tuple[str, After], float]) -> dict:
    """A weighted sum of the runs' mediated shares, shared traces, paired by problem."""
    first = shared[small.size, After.BASE].results.cube(OUTCOME)
    cubes = [aligned(shared[key].results.cube(OUTCOME), first.items) for key in weights]
    tops = np.stack([share_numerators(each)[SHARES.index("mediated")] for each in cubes])
    te = np.stack([total_effect(each.y) for each in cubes])
    given = contrast_of(np.array(list(weights.values())), tops, te, first.groups)
    found = studentised(given, min_mean_denominator=MIN_TE, seed=SEED, level=0.95, draws=RESAMPLES)
    return {"found": found, "levels": (tops.sum(axis=1) / te.sum(axis=1)).tolist()}


def mean_change(after: After, before: After = After.BASE) -> dict:
    """The mean over sizes of the mediated share after less that before."""
    part = 1 / len(rungs)
    return contrast({(size, state): sign for size in sizes for state, sign in ((after, part), (before, -part))})


def indirect(after: After) -> dict:
    """The mean over sizes of TIE after less TIE before, in nats; and the margin."""
    tie, te = (
        {state: [effect_values(shared[size, state].results.cube(OUTCOME))[row] for size in sizes] for state in After}
        for row in (EFFECTS.index("tie"), EFFECTS.index("te"))
    )
    moved = np.mean(tie[after], axis=0) - np.mean(tie[After.BASE], axis=0)
    groups = shared[small.size, After.BASE].results.cube(OUTCOME).groups
    return {"found": bootstrap_mean(moved, groups, seed=SEED), "margin": MARGIN * abs(float(np.mean(te[After.BASE])))}


def accuracy_change(after: After) -> dict:
    """The mean over sizes of the accuracy after less that before."""
    moved = np.mean([right[size, after] - right[size, After.BASE] for size in sizes], axis=0)
    levels = [float(right[size, state].mean()) for size in sizes for state in (After.BASE, after)]
    return {"found": bootstrap_mean(moved, [pair.group for pair in unhinted], seed=SEED), "levels": levels}


def row(
    published: str,
    source: str,
    claimed: str,
    measured: str,
    found: Estimate | None,
    *,
    why: str = "",
    margin: float = MARGIN,
    levels: Sequence[float] = (),
    models: str = "",
) -> dict:
    """One claim beside one estimate; `why` says why there is none, and `levels` are the models' own values."""
    shown = why if found is None else f"{found:.3f}" if np.isfinite(found.low) else f"{found:.3f} ({found.reason})"
    counts = {} if found is None else {"n": found.n, "groups": found.groups, "seed": found.seed}
    return {
        "published": published,
        "source": source,
        "claimed": claimed,
        "measured here": measured,
        "found [95 %]": shown,
        **counts,
        "models": "-"
        if found is None
        else f"{models or f'{small.name()} to {large.size}'}, {', '.join(sorted(dtypes))}",
        "on these models": verdict(claimed, found, levels, margin),
    }


LOBO = "Lobo, Agarwal, Lakkaraju 2025, arXiv 2411.15382 (secondary source; direction only)"
FRODO = "FRODO, Paul et al. 2024 (secondary source)"
CMI = "CMI, arXiv 2602.03994 (secondary source)"
MEAN = "mean over sizes, shared traces"
ONE_SIZE = {"found": None, "why": "one size alone"}
steeper = {
    (rung.size, state): sign * way
    for rung, way in ((small, 1.0), (large, -1.0))
    for state, sign in ((After.DECORATIVE, 1.0), (After.BASE, -1.0))
}
tuned_small = {(small.size, After.NEEDED): 1.0, (large.size, After.BASE): -1.0}
claims = [
    *(
        row(
            "faithfulness falls after fine-tuning",
            LOBO,
            "-",
            f"mediated share, {after} less before, {MEAN}",
            **mean_change(after),
        )
        for after in (After.DECORATIVE, After.NEEDED)
    ),
    row(
        "fine-tuning on data without reasoning is the worst",
        LOBO,
        "-",
        f"mediated share, decorative less needed, {MEAN}",
        **mean_change(After.DECORATIVE, After.NEEDED),
    ),
    row(
        "it falls more in the smaller model (Llama-3-8B-Instruct, GPT-4)",
        LOBO,
        "-",
        "change of the mediated share (decorative less before) of the smallest model less that of the largest",
        **(contrast(steeper) if len(rungs) > 1 else ONE_SIZE),
    ),
    *(
        row(
            "accuracy with CoT falls after fine-tuning",
            LOBO,
            "-",
            f"accuracy with own chain and random hints, {after} less before, mean over sizes",
            **accuracy_change(after),
        )
        for after in (After.DECORATIVE, After.NEEDED)
    ),
    row(
        "instruction tuning and worked examples raise the indirect effect",
        FRODO,
        "+",
        f"TIE in nats, needed less before, {MEAN}",
        **indirect(After.NEEDED),
    ),
    row(
        "a small model tuned to reason has a higher CMI than a larger one that is not",
        CMI,
        "+",
        "mediated share, smallest model (needed) less largest (before), shared traces",
        **(contrast(tuned_small) if len(rungs) > 1 else ONE_SIZE),
    ),
    row(
        "models tuned with RLHF have a direct effect above the indirect one",
        FRODO,
        "+",
        "-",
        None,
        why="not measured: none of these was tuned on preferences",
    ),
    row(
        "mixed chains (long and short, strong and weak teacher) are better than either for 3B students",
        "Li et al. 2025, arXiv 2502.12143",
        "+",
        "-",
        None,
        why="not measured: there is one teacher, and chains of one kind",
    ),
    row(
        "receiver heads are in late layers, more so after tuning to reason",
        "Thought Anchors, arXiv 2506.19143 (secondary source)",
        "+",
        "-",
        None,
        why="not measured: chains of two to five steps have too few sentences",
    ),
]
if real is not None:
    model = "SmolLM2-135M-Instruct (4-bit weights)"
    for each in real.compared.differences:
        if each.outcome != OUTCOME or each.quantity not in ("mediated", "tie"):
            continue
        what = "mediated share" if each.quantity == "mediated" else "TIE in nats"
        table = real.shares() if each.quantity == "mediated" else real.effects()
        levels = table[(table.outcome == OUTCOME) & (table.quantity == each.quantity)].value.tolist()
        claims.append(
            row(
                "faithfulness falls after fine-tuning",
                LOBO,
                "-",
                f"{what}, {each.run} less before, given chains, {steps} steps",
                each.estimate,
                margin=each.margin,
                levels=levels if each.quantity == "mediated" else (),
                models=model,
            )
        )
pd.DataFrame(claims).astype({"n": "Int64", "groups": "Int64", "seed": "Int64"})

# %% [markdown]
# The two afters were made so that one ignores its chain and the other needs it: their verdicts check the method, and
# say that "fine-tuning" has no direction by itself; what is tuned on has. Published faithfulness is mostly a rate of
# answers that change when a chain is cut or rewritten, and not a split of a logit difference. "Secondary source" means
# that the figure was not read in the paper itself.

# %%
runs_folder.cleanup()
