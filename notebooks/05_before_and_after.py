# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What did my fine-tuning do to the chain's use?
#
# A LoRA of your own, made here in some seconds on chains that the answer does not follow; then the same problems
# before and after, and one checkpoint's chain state put into the other. `pip install "cot-mediate[train]"`.

# %%
# %matplotlib inline
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

import mediate as md

runs = Path(mkdtemp())
pd.set_option("display.precision", 3)
train, held_out = md.modular_pairs(400, seed=1, hint="answer"), md.modular_pairs(24, seed=0, hint="answer")

# %% [markdown]
# ## The fine-tuning
#
# The hint in the question is the answer. `swapped` gives every question another question's chain and keeps its own
# answer: what is learnt is that the chain does not lead to it. Any transformers or PEFT checkpoint does in place of
# this one; `md.tune` is here so that the notebook needs nothing else.

# %%
tuned = md.tune(
    "reference-0.1m", train, out=runs / "swapped", arm="swapped", steps=200, learning_rate=5e-3, ask=0, progress=False
)

# %%
tuned.plot.loss()

# %% [markdown]
# ## The same problems before and after
#
# The verdict is *changed*, *unchanged* (within the margin, by a test of equivalence) or *cannot tell*.


# %%
def measured(model: object) -> md.Scores:
    return md.score(md.load(model), held_out, maps=["read:step,layer"], control_pairs=0, progress=False)


before, after = measured("reference-0.1m"), measured(tuned.folder)
found = md.compare(before, after, labels=["before", "after"])
found

# %%
found.differences().query("outcome == 'logit_diff'")[["quantity", "value", "low", "high", "verdict"]]

# %% [markdown]
# A share is of the total effect: read how that changed beside it, in nats.

# %%
found.plot.shares()

# %% [markdown]
# ## Is it in the chain's state, or in what reads it?
#
# The keys and values that one checkpoint computes over the chain are put into the other, both ways. The change
# between the two is shared out between the state and the reader.

# %%
crossed = md.cross(md.load("reference-0.1m"), md.load(tuned.folder), held_out, maps=[], progress=False)
changes = {name: (each.value, each.low, each.high) for name, each in crossed.changes().items()}
pd.DataFrame(changes, index=["mean (nats)", "low", "high"]).T

# %% [markdown]
# What changed is how the tuned model reads, whatever state it is given: `rest` is the change with the state held, and
# `state` that of the state alone, whose interval holds 0.
#
# ## What it does not say
#
# - The fine-tuning was made to do this. That it shows says that the measurement can see it, and nothing of
#   fine-tunings in general.
# - The accuracy belongs beside the share: `md.tune` with `ask` above 0 measures it before and after.
# - The [study](../docs/studies/before_after.md) has all sizes, the `needed` counterpart, and published claims.
