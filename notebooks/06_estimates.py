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
# # When may I trust a gradient's estimate?
#
# An exact map of states patches every cell. Attribution patching guesses all of them from one backward pass. Here
# both are measured on the same items, and four methods are held against the exact map.

# %%
# %matplotlib inline
import pandas as pd

import mediate as md

model = md.load("reference-1.2m")
pairs = md.modular_pairs(6, seed=0, steps=3)
methods = ["", ".ig", ".graddrop", ".relp"]
names = [f"attribution.resid_pre{method}:step,layer" for method in methods]
pd.set_option("display.precision", 3)

# %% [markdown]
# ## Both at once

# %%
scores = md.score(model, pairs, maps=["state.resid_pre:step,layer", *names], control_pairs=0, progress=False)
scores.plot.steps(kind="state.resid_pre")

# %%
scores.plot.steps(kind="attribution.resid_pre")

# %% [markdown]
# Both find the cells that matter most. The sizes are another thing: a gradient knows the slope where the run is, and a
# patch goes far from there.
#
# ## Cell by cell

# %%
effects = scores.map_table().query("outcome == 'logit_diff'")
wide = effects.pivot_table(index=["item", "step", "layer"], columns="kind", values="effect")
wide.corr("spearman")["state.resid_pre"].to_frame("rank correlation with the exact map")

# %%
size = wide.abs().sum()
(size / size["state.resid_pre"]).to_frame("sum of sizes, over that of the exact map")

# %%
ax = wide.plot.scatter("state.resid_pre", "attribution.resid_pre", s=8)
_ = ax.axline((0, 0), slope=1, color="grey", linewidth=0.8)

# %% [markdown]
# ## What every report does without an exact map
#
# Where only the estimate was asked for, 32 cells drawn at random and its own 8 largest are patched exactly, item by
# item, and the verdict goes with the map wherever it is shown: `reliable`, `ranking only`, `unreliable` or `not
# assessed`.

# %%
scores.agreements().groupby("kind")[["spearman", "signs", "top_ratio"]].median()

# %%
scores.agreements().groupby("kind")["verdict"].value_counts().unstack(fill_value=0)

# %% [markdown]
# Here no method is to be trusted for sizes, and integrated gradients, whose sizes are right on average, order the
# cells no better. That is not what its larger cost would make one expect: measure it on your model.
#
# ## What it costs
#
# `mediate score ... --plan` says it beforehand for any model. Exact maps grow with layers times steps; attribution
# patching takes one forward and one backward pass however many cells there are, and integrated gradients one of each
# a step of its path.
#
# ## What it does not say
#
# - One small model, six items, one task. On [SmolLM2](../docs/findings.md) the verdicts are others, and differ by item.
# - Most cells of these maps are next to 0, and their order is noise: it pulls every rank correlation down.
# - Agreement at 40 cells is a sample: it finds a map that is wrong in general, not one wrong cell.
# - Estimates rank. To say how large an effect is, patch that cell.
