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
# # What am I holding the answer against, and can I believe the share?
#
# The same chain has different shares under different contrasts, and each is right about its own question. This
# notebook goes through three contrasts, the controls, and four ways to be fooled.

# %%
# %matplotlib inline
import pandas as pd

import mediate as md

model = md.load("reference-0.3m")
pd.set_option("display.precision", 3)
quiet = {"maps": [], "progress": False}

# %% [markdown]
# ## Three contrasts
#
# A *twin* differs in one number: what does the chain carry of that number? *Hidden*: what does having question and
# chain give the answer? *Other*: against other items' questions and chains, which share form and not content.

# %%
pairs = md.modular_pairs(16, seed=0)
runs = {"twin": md.score(model, pairs, **quiet)} | {
    contrast: md.score(model, pairs, against=contrast, **quiet) for contrast in ("hidden", "other")
}
shares = {name: {key: each.value for key, each in run.shares().items()} for name, run in runs.items()}
pd.DataFrame(shares).T.assign(te=[run.effects()["te"].value for run in runs.values()])

# %% [markdown]
# `md.compare` refuses to put these into one table of differences, because they are different quantities.
#
# ## Pitfall 1: copying
#
# Every chain here ends with its answer. A model that copies the last digit has a mediated share of 100 % and reasons
# about nothing. Cut before the answer is stated, there is nothing to copy: what is left of the effect?

# %%
before = runs["twin"].before_answer().query("outcome == 'logit_diff'")
whole = runs["twin"].table().query("outcome == 'logit_diff' and item in @before.item")
pd.DataFrame({"whole": (whole.y111 - whole.y000).describe(), "cut": (before.y111 - before.y000).describe()})

# %% [markdown]
# Nearly all is left: with the last result gone, the numbers that it follows from still stand in the chain. Three of
# the pairs could not be cut, and are not in the table.
#
# ## Pitfall 2: a share of next to nothing
#
# A share divides by the total effect. A pair whose worlds have one answer is refused before anything runs. Where a
# twin hardly moves the answer after all, the item's share is undefined rather than large, and such items are counted.

# %%
try:
    md.Pair("same", "same", pairs[0].base, pairs[0].base)
except md.ItemError as error:
    print(error)

# %% [markdown]
# ## Pitfall 3: one group
#
# Intervals resample groups. Sixteen problems that share a template are one observation of that template.

# %%
one = [md.Pair(pair.id, "all", pair.base, pair.source) for pair in pairs]
md.score(model, one, control_pairs=0, **quiet).shares()["mediated"]

# %% [markdown]
# ## Pitfall 4: a control that could not have moved
#
# The first controls must be exactly 0: the run's own keys and values in place of the twin's, and replacements after
# the answer. Others show what the measured effect stands out from. A control that cannot move anything is refused,
# with its reason, and never counts as passed.

# %%
controls = runs["twin"].controls()
controls.groupby("control")[["effect", "beside", "rank"]].mean().assign(n=controls.groupby("control")["effect"].count())

# %% [markdown]
# ## Designing pairs of your own
#
# - Change one thing in the question that changes the answer, and let every later number follow from it.
# - Keep steps aligned: as many in both worlds, of as many tokens, if you want maps by step.
# - Give groups by what problems share. Ten templates with four problems each are ten groups.
# - Take some pairs whose answer does *not* change: a chain that carries the difference there carries noise.
#
# ## What it does not say
#
# None of the contrasts says that the model *reasons*. They say what its answer depends on, and through what.
