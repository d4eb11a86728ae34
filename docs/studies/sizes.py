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
# # Do smaller models use their reasoning less?
#
# The reference reasoners are small Llamas of several sizes, trained on the same chains of arithmetic modulo 10. Each is
# measured twice: on **shared traces** (one right chain, given to all) and on its **own traces** (what it writes,
# greedily, right or wrong). The two designs are never mixed. The last table sets what was found beside what was
# published.
#
# One seed of training a size, one task, models of at most a few million parameters. **Nothing here settles a claim
# about large models**; it shows what the measurements say where it can be known what a model learned.
#
# `MEDIATE_FAST=1` takes few pairs, `MEDIATE_LARGE=1` many. `MEDIATE_MODELS` names real models (paths, hub ids or
# fetched names, with commas) for the section on word problems; none by default.

# %%
# %matplotlib inline
import os
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import pandas as pd

import mediate as md
from mediate.compare.quantities import aligned
from mediate.figures import LadderLine, plot_ladder
from mediate.models.generation import Decoding, generate
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.shipped import FOLDER, RUNGS, reference_folder
from mediate.reference.card import MARKS, read_marks
from mediate.reference.exam import Way, examine
from mediate.report import Comparison, Scores
from mediate.results import corners
from mediate.stats import Estimate, bootstrap_mean, bootstrap_rate, ladder_mean_slope, ladder_slope
from mediate.traces.trace import decode, encode

FAST, LARGE = (bool(os.environ.get(f"MEDIATE_{name}")) for name in ("FAST", "LARGE"))
PAIRS, MARKED = (8, 5) if FAST else (400, 200) if LARGE else (60, 40)
SEED = 0
# The largest change of a share or rate that does not matter; chosen beforehand, as in `md.compare`.
MARGIN = 0.1
HINTS = ("random", "wrong", "answer")
REAL = [name.strip() for name in os.environ.get("MEDIATE_MODELS", "").split(",") if name.strip()]
NAMES = [rung.name() for rung in RUNGS if (reference_folder(rung.name()) / "model.safetensors").is_file()]
pd.set_option("display.max_colwidth", None, "display.max_rows", None)
{"models": NAMES, "not there": [rung.name() for rung in RUNGS if rung.name() not in NAMES]}

# %% [markdown]
# ## Pairs
#
# Held-out problems of 2 to 5 steps, in two worlds that differ in one number. The hint is a random digit in each world
# (as in training), the same wrong digit in both, or each world's own answer: a short cut around the chain, if a model
# takes it.

# %%
pairs = {hint: md.modular_pairs(PAIRS, steps=(2, 5), seed=SEED, hint=hint) for hint in HINTS}
pd.DataFrame({hint: [made[1].base.question, made[1].source.question] for hint, made in pairs.items()}).T

# %% [markdown]
# Some problems in training had no chain, so a model may answer at once (see "begins a chain" below). For own traces
# each question therefore ends in the first digit of the chain, which it names itself: every model then goes on with a
# chain.


# %%
def started(item: md.Item) -> md.Item:
    """The item with the first digit of its chain after the question, for the model to go on from."""
    return replace(item, question=f"{item.question}\n{item.cot[0]}", cot=None)


STARTED = Template(Style.COMPLETION, "{question}", "the question and the chain's first digit")
WORLDS = ("base", "source")
unwritten = [replace(pair, **{name: started(getattr(pair, name)) for name in WORLDS}) for pair in pairs["random"]]
unwritten[1].base.question

# %% [markdown]
# ## Runs
#
# Per model: a shared-trace run for each kind of hint, an own-trace run with random hints, and what it answers in the
# base worlds after the chain it writes, and straight after the question.


# %%
def goes_on(model: md.Model, texts: list[str], tokens: int) -> list[str]:
    """What the model writes after each text, greedily."""
    tokenizer = model.need_tokenizer()
    written = generate(model, [encode(tokenizer, text) for text in texts], Decoding(max_new_tokens=tokens))
    return [decode(tokenizer, each.ids) for each in written]


def answers(model: md.Model) -> pd.DataFrame:
    """A row a problem: whether the model is right with its own chain and without one, and whether it says the same."""
    problems = [pair.base for pair in pairs["random"]]
    alone = goes_on(model, [f"{each.question}\n" for each in problems], 1)
    direct = goes_on(model, [f"{each.question}\n{ANSWER_CUE}" for each in problems], 1)
    whole = goes_on(model, [pair.base.question for pair in unwritten], LONGEST)
    said = [text.partition(ANSWER_CUE)[2].strip() for text in whole]
    return pd.DataFrame(
        {
            "group": [pair.group for pair in unwritten],
            "steps": [len(each.values) for each in problems],
            "begins": [float(bool(text.strip())) for text in alone],
            "right_own": [float(text == each.answer) for text, each in zip(said, problems, strict=True)],
            "right_none": [float(text.strip() == each.answer) for text, each in zip(direct, problems, strict=True)],
            "same": [float(text == without.strip()) for text, without in zip(said, direct, strict=True)],
        }
    )


LONGEST = 60  # tokens; a chain of five steps and its answer have fewer
shared: dict[str, list[Scores]] = {hint: [] for hint in HINTS}
own: list[Scores] = []
asked: dict[str, pd.DataFrame] = {}
sizes, dtypes = {}, set()
exams = read_marks() if (FOLDER / MARKS).is_file() else {}
SCORED = {"control_pairs": 0, "seed": SEED, "progress": False}
for name in NAMES:
    model = md.load(name)
    sizes[name] = model.facts.parameters
    dtypes.add(model.facts.dtype)
    for hint in HINTS:
        shared[hint].append(md.score(model, pairs[hint], maps=[], **SCORED))
    choices = {"template": STARTED, "max_new_tokens": LONGEST, "on_bad_item": "skip"}
    own.append(md.score(model, unwritten, maps=[], **choices, **SCORED))
    asked[name] = answers(model)
    if name not in exams:
        exams[name] = examine(model, n=MARKED, seed=SEED, lengths=(2, 3, 4, 5))
    del model
pd.DataFrame(
    {
        name: {
            "parameters": f"{sizes[name]:,}",
            "begins a chain, of questions alone": f"{asked[name].begins.mean():.0%}",
            "pairs, shared": len(scores.results.items),
            "pairs, own": len(written.results.items),
            "left out": ", ".join(sorted({each.code for each in written.rejects})) or "-",
        }
        for name, scores, written in zip(NAMES, shared["random"], own, strict=True)
    }
).T

# %% [markdown]
# ## Accuracy with a chain and without
#
# Percent right of held-out problems by their number of steps; chance is 10. The hints are random digits. The marks are
# those of the models' card where it is there; training had 2 to 5 steps. "Own chain" here is what a model says by
# itself, at once where it begins no chain.

# %%
marks = pd.DataFrame([{"model": name, **asdict(mark)} for name in NAMES for mark in exams[name]])
kept = marks[(marks.hint == "random") & (marks.way != Way.OTHER_CHAIN)]
kept = kept.assign(percent=100 * kept.right / kept.n, way=kept.way.map(str))
kept.pivot_table(index=["model", "n", "way"], columns="steps", values="percent").round(0).loc[NAMES]


# %%
def line(label: str, column: str) -> LadderLine:
    """A rate of each model over the problems, with its interval."""
    rates = tuple(bootstrap_rate(asked[name][column].to_numpy(float), asked[name].group, seed=SEED) for name in NAMES)
    return LadderLine(label, tuple(sizes.values()), rates)


axes = plot_ladder(
    [
        line("right, own chain", "right_own"),
        line("right, without a chain", "right_none"),
        line("same answer both ways", "same"),
    ],
    quantity="of held-out problems",
    percent=True,
)
_ = axes.set_title(f"Answers with and without a chain (n = {PAIRS}, seed {SEED})", loc="left")

# %% [markdown]
# "Own chain" is the one that begins with the given digit. "Same answer both ways" is the proxy of Lanham et al. for
# reasoning that is not used.
#
# ## Shares, shared traces

# %%
by_hint = {hint: md.compare(runs, labels=NAMES) for hint, runs in shared.items()}
levels = pd.concat([found.shares().assign(hint=hint) for hint, found in by_hint.items()])


def told(row: pd.Series) -> str:
    """A share with its interval, in percent; or why there is none."""
    if np.isnan(row.value):
        return f"undefined: {row.reason}"
    return f"{100 * row.value:.1f} [{100 * row.low:.1f}, {100 * row.high:.1f}]"


first = levels[levels.outcome == levels.outcome.iloc[0]]
table = first.assign(told=first.apply(told, axis=1)).pivot(index=["hint", "run"], columns="quantity", values="told")
table[["direct", "text", "latent", "mediated"]]

# %%
lines = [
    LadderLine(
        f"{hint} hint",
        tuple(sizes.values()),
        tuple(scores.shares()["mediated"] for scores in runs),
    )
    for hint, runs in shared.items()
]
axes = plot_ladder(lines, quantity="mediated share of TE (logit_diff)", percent=True)
_ = axes.set_title(f"Shared traces (n = {PAIRS}, seed {SEED})", loc="left")

# %% [markdown]
# ## Shares, own traces
#
# Only problems that every model's chain could be measured on.

# %%
own_compared = md.compare(own, labels=NAMES)
own_compared

# %%
if not own_compared.compared.no_ladder:
    axes = own_compared.plot.ladder()
    axes.set_title(f"Own traces (n = {len(own_compared.compared.pairing.items)}, seed {SEED})", loc="left")

# %% [markdown]
# ## Slopes
#
# Change for ten times the parameters. The interval is over problems, with the models taken as they are; it says nothing
# of other models of these sizes. `rank_p` permutes the models: with four of them it cannot be below 0.083.

# %%
designs = {f"shared trace, {hint} hint": found for hint, found in by_hint.items()} | {"own trace": own_compared}
slopes = pd.concat([found.ladder().assign(design=name) for name, found in designs.items()], ignore_index=True)
columns = ["design", "quantity", "slope", "low", "high", "n", "groups", "rank", "rank_p", "reason"]
slopes[slopes.outcome == "logit_diff"][columns].round(4)

# %% [markdown]
# ## Real models
#
# Word problems of two steps with given chains, after worked examples; see `MEDIATE_MODELS`. Other problems and another
# prompt, so never in one comparison with the models above.

# %%
real_compared = None
if REAL:
    template = Template(Style.COMPLETION, md.few_shot_prompt(seed=SEED, shots=4), "four worked examples")
    # A chain begins with a space there, as it does in the examples.
    problems = [
        replace(pair, **{name: replace(getattr(pair, name), cot=f" {getattr(pair, name).cot}") for name in WORLDS})
        for pair in md.generate_pairs(min(PAIRS, 40), steps=2, seed=SEED, with_cot=True)
    ]
    scored = []
    for name in REAL:
        model = md.load(name)
        choices = {"maps": [], "control_pairs": 0, "seed": SEED, "on_bad_item": "skip", "template": template}
        scored.append(md.score(model, problems, progress=False, **choices))
        del model
    # One model has levels and nothing to be compared with.
    real_compared = md.compare(scored, labels=REAL) if len(scored) > 1 else scored[0]
real_compared

# %% [markdown]
# ## What was published, and what was found here
#
# The verdict is computed from the interval alone. *Agrees*: it lies on the side that was claimed. *Disagrees*: it lies
# on the other side, or wholly within the margin (0.1 of a share or rate), so that there is no change that matters. What
# lies on the claimed side and within the margin is marked. A change within the margin says nothing where every model's
# share or rate is within the margin of 0 or 1 (or of chance): *cannot be told*. Intervals are 95 % each, not
# adjusted for their number.


# %%
def verdict(claimed: str, found: Estimate | None, levels: Sequence[float]) -> str:
    """What the interval says of a claim that something is above (`+`) or below (`-`) 0."""
    if found is None or not np.isfinite(found.low):
        return "cannot be told"
    low, high = (found.low, found.high) if claimed == "+" else (-found.high, -found.low)
    small = low > -MARGIN and high < MARGIN
    if small and levels and (min(levels) > 1 - MARGIN or max(levels) < MARGIN):
        return f"cannot be told: every model is at the {'ceiling' if min(levels) > 0.5 else 'floor'}"
    if low > 0:
        return "agrees, within the margin" if small else "agrees"
    if high < 0:
        return "disagrees, within the margin" if small else "disagrees"
    return "disagrees: no change beyond the margin" if small else "cannot be told"


def row(
    published: str,
    source: str,
    claimed: str,
    measured: str,
    found: Estimate | None,
    *,
    why: str = "",
    levels: Sequence[float] = (),
    models: str = "",
) -> dict:
    """One claim beside one estimate; `why` says why there is none, and `levels` are the models' own values."""
    shown = why if found is None else f"{found:.3f}" if np.isfinite(found.low) else f"{found:.3f} ({found.reason})"
    counts = {} if found is None else {"n": found.n, "groups": found.groups, "seed": found.seed}
    models = models or f"{NAMES[0]} to {NAMES[-1]}, {', '.join(sorted(dtypes))}"
    return {
        "published": published,
        "source": source,
        "claimed": claimed,
        "measured here": measured,
        "found [95 %]": shown,
        **counts,
        "models": "-" if found is None else models,
        "on these models": verdict(claimed, found, levels),
    }


CHANCE = 0.1  # of one digit being another
x = np.log10(list(sizes.values()))
groups = asked[NAMES[0]].group.tolist()


def rate_slope(column: str) -> dict:
    """Slope of a rate over the sizes, on all problems."""
    rates = np.stack([asked[name][column] for name in NAMES])
    levels = (rates.mean(axis=1) - CHANCE).tolist()
    return {"found": ladder_mean_slope(x, rates, groups, seed=SEED), "levels": levels}


def share_slope(found: Comparison, quantity: str) -> dict:
    """Slope of a share of the logit difference; or why there is none."""
    rungs = [each for each in found.compared.ladder if (each.outcome, each.quantity) == ("logit_diff", quantity)]
    if not rungs:
        return {"found": None, "why": found.compared.no_ladder}
    having = found.shares()[lambda table: (table.outcome == "logit_diff") & (table.quantity == quantity)]
    return {"found": rungs[0].slope, "levels": having.value.tolist()}


def nie_slope(found: Comparison) -> dict:
    """Slope of NIE / TE."""
    items, groups = found.compared.pairing.items, found.compared.pairing.groups
    each_corners = [corners(aligned(run.results.cube("logit_diff"), items).y) for run in found.compared.runs]
    tops, bottoms = (np.stack([getattr(each, name) for each in each_corners]) for name in ("nie", "te"))
    levels = (tops.sum(axis=1) / bottoms.sum(axis=1)).tolist()
    return {"found": ladder_slope(x, tops, bottoms, groups, seed=SEED), "levels": levels}


def step_slope(column: str) -> dict:
    """Slope of a rate, meaned over the models, on the number of steps."""
    mean = np.mean([asked[name][column] for name in NAMES], axis=0)
    steps = asked[NAMES[0]].steps.to_numpy(float)
    weights = (steps - steps.mean()) / steps.var()
    levels = [float(mean[steps == count].mean()) - CHANCE for count in np.unique(steps)]
    return {"found": bootstrap_mean(weights * (mean - mean.mean()), groups, seed=SEED), "levels": levels}


def gain_slope() -> Estimate:
    """Slope of what a chain adds to the accuracy."""
    gains = np.stack([asked[name].right_own - asked[name].right_none for name in NAMES])
    return ladder_mean_slope(x, gains, groups, seed=SEED)


def above_half(scores: Scores) -> Estimate:
    """The mediated share less one half."""
    share = scores.shares()["mediated"]
    return replace(share, value=share.value - 0.5, low=share.low - 0.5, high=share.high - 0.5)


random, answer = by_hint["random"], by_hint["answer"]
LANHAM = "Lanham et al. 2023"
FUR = "FUR, Tutek et al. 2025 (secondary source)"
FRODO = "FRODO, Paul et al. 2024 (secondary source)"
CMI = "CMI, arXiv 2602.03994 (secondary source)"
WU = "Wu et al. 2025, arXiv 2502.07266 (secondary source)"
TENFOLD = "slope for ten times the parameters"
claims = [
    row(
        "13B changes its answer with CoT more often than 175B on 7 of 8 tasks; on additions, larger models reason less",
        LANHAM,
        "+",
        f"same answer with own chain and without: {TENFOLD}",
        **rate_slope("same"),
    ),
    row(
        "on additions, answers depend less on CoT where problems are easier",
        LANHAM,
        "-",
        "same answer with own chain and without, mean over models: slope for one more step",
        **step_slope("same"),
    ),
    row(
        "below 13B, CoT gives no gain in accuracy",
        LANHAM,
        "+",
        f"accuracy with own chain less accuracy without: {TENFOLD}",
        gain_slope(),
    ),
    row(
        "13B is the most faithful of all sizes on 6 of 8 tasks; larger ones are less so",
        LANHAM,
        "-",
        f"mediated share, shared traces, random hints: {TENFOLD}",
        **share_slope(random, "mediated"),
    ),
    row("the same", LANHAM, "-", f"mediated share, own traces: {TENFOLD}", **share_slope(own_compared, "mediated")),
    row(
        "unlearning a step changes the answer of Llama-3.2-3B more often than of Llama-3-8B (64.4 and 39.6 %, ARC)",
        FUR,
        "-",
        f"mediated share, shared traces, hints are the answer: {TENFOLD}",
        **share_slope(answer, "mediated"),
    ),
    row(
        "GPT-4 has a lower NIE than ChatGPT on GSM8K",
        FRODO,
        "-",
        f"NIE / TE, shared traces, random hints: {TENFOLD}",
        **nie_slope(random),
    ),
    row(
        "CoT features patched into a run without CoT raise the answer's log-prob of Pythia-2.8B and not of 70M",
        "arXiv 2507.22928, AAAI 2026",
        "+",
        f"latent share, shared traces, random hints: {TENFOLD}",
        **share_slope(random, "latent"),
    ),
    row(
        "83.4 % bypasses the CoT (mean of a suite)",
        CMI,
        "-",
        "mediated share of the largest model less one half, shared traces, random hints",
        above_half(shared["random"][-1]),
        models=NAMES[-1],
    ),
    row(
        "training on long chains hurts students up to 3B, and helps from 7B",
        "Li et al. 2025, arXiv 2502.12143",
        "+",
        "-",
        None,
        why="not measured: the ladder was trained on chains of one kind",
    ),
    row(
        "the best chain on MATH has 14 steps for 1.5B and 4 for 72B",
        WU,
        "-",
        "-",
        None,
        why="not measured: the task has one chain a problem",
    ),
    row(
        "corrupting a step does most at 70 to 85 % of the chain",
        "NLDD (secondary source)",
        "+",
        "-",
        None,
        why="not measured: no step was corrupted",
    ),
]
if isinstance(real_compared, Comparison):
    measured = f"mediated share, given chains of word problems: {TENFOLD}"
    slope = share_slope(real_compared, "mediated")
    claims.append(row("larger models use their CoT less", LANHAM, "-", measured, **slope, models=", ".join(REAL)))
table = pd.DataFrame(claims).astype({"n": "Int64", "groups": "Int64", "seed": "Int64"}).astype(object)
table.where(table.notna(), "-")

# %% [markdown]
# A verdict is about these models, this task and this outcome. Most published numbers come from behaviour (answers that
# change when a chain is cut, spoiled or unlearned) and not from the split of a logit difference, so that they need not
# coincide even on the same model. A share near 1 is also what copying the last result of a chain gives. "Secondary
# source" means that the figure was not read in the paper itself.
