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
# # Do larger models use their chain more?
#
# Four reference reasoners, of 0.1 to 4 million parameters, trained alike, read the same problems with the same
# chains. Then the same question of what a fine-tuning left of it. The [study](../docs/studies/sizes.md) has more
# problems, the models' own chains, and published claims beside it.

# %%
# %matplotlib inline
import pandas as pd

import mediate as md

pd.set_option("display.precision", 3)
sizes = ["reference-0.1m", "reference-0.3m", "reference-1.2m", "reference-4m"]
pairs = md.modular_pairs(24, seed=0, hint="answer")

# %% [markdown]
# The hint at the end of a question is its answer: a way to it that does not need the chain. Which way a model takes
# is what its training decides.

# %%
pairs[0].base.question, pairs[0].base.cot, pairs[0].base.answer

# %% [markdown]
# ## As trained
#
# `md.compare` pairs the runs on their items and asks of every share and effect whether it changes with size: by how
# much for ten times the parameters.


# %%
def measured(name: str) -> md.Scores:
    return md.score(md.load(name), pairs, maps=[], control_pairs=0, progress=False)


before = [measured(name) for name in sizes]
base = md.compare(before, labels=sizes)
base

# %%
base.plot.ladder()

# %%
base.ladder().query("outcome == 'logit_diff'")[["quantity", "slope", "low", "high", "n", "groups", "reason"]]

# %% [markdown]
# Nearly all is mediated at every size: there is no change that these sizes could show. A share at its ceiling says
# nothing of a claim that it rises.
#
# ## After fine-tunings
#
# `decorative` was fine-tuned where the hint gave the answer and the chain was noise, `needed` as long where it did
# not. A size effect that the ceiling hides may show where the share is free to move.

# %%
names = [f"{name}-decorative" for name in sizes]
after = [measured(name) for name in names]
decorative = md.compare(after, labels=names)
decorative.plot.ladder()

# %%
decorative.shares().query("outcome == 'logit_diff' and quantity == 'mediated'")[["run", "value", "low", "high", "n"]]

# %% [markdown]
# ## Each size before and after

# %%
changes = [md.compare(one, other) for one, other in zip(before, after, strict=True)]
changed = pd.concat([each.differences() for each in changes], keys=sizes).query("quantity == 'mediated'")
changed.query("outcome == 'logit_diff'")[["value", "low", "high", "verdict"]]

# %% [markdown]
# Every size has lost the use of its chain, the smallest one least. That is what this fine-tuning does to these models.
#
# ## What it does not say
#
# - One seed of training a size, one task, a few million parameters at most: nothing here is about large models.
# - Intervals are over problems, with the models as they are. Four models have an order that chance gives one time in
#   twelve, so no rank test can be small.
# - The chains were given. What a model writes itself is in the study.
