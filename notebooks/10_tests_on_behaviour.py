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
# # Does the answer change when the chain does, and does that tell whether the chain is used?
#
# The tests that everybody quotes cut a chain of thought short, put a mistake into it, or fill it with dots, and look
# whether the answer changes. Here they are run on models of which it is known what the chain does: small reference
# reasoners that need it (`base`, `needed`), and one that was fine-tuned to take the answer from a hint in the
# question (`decorative`). Beside each test stands what the activations carry of the same items.

# %%
# %matplotlib inline
import os

import pandas as pd

import mediate as md

PAIRS = 8 if os.environ.get("MEDIATE_FAST") else 40
pd.set_option("display.max_colwidth", None, "display.precision", 2)
pairs = md.modular_pairs(PAIRS, seed=0, hint="answer")
pairs[1].base.question, pairs[1].base.cot, pairs[1].base.answer

# %% [markdown]
# The hint is the answer, so there are two ways to it: along the chain, or straight from the question. The twin of
# each item differs in one number and so in its answer; effects are held against it.

# %% [markdown]
# ## One call
#
# `md.faithfulness` edits the chains of the bases, lets the model answer, and measures the effects of the same items.
# *At once*: the edited chain stands and the answer follows. *Continued*: the model writes on from the edit first.

# %%
choices = {"maps": [], "control_pairs": 0, "progress": False}
base = md.faithfulness(md.load("reference-0.3m"), pairs, **choices)
base

# %% [markdown]
# ## How much of the chain does the answer need?
#
# The curve is of answers that stay, by how much of the chain stands before the edit. Cut short (`truncated`), this
# model has next to nothing until its last step: one answer in ten is right by chance, so the normalised area is 0.9
# rather than 1. A mistake in a middle step, with the later steps as they were (`mistaken`, at once), changes nothing,
# because the answer is read off the last result; with the later steps computed from it, or written anew by the model,
# it changes all.

# %%
base.plot.curves()

# %% [markdown]
# ## Against a model that ignores its chain
#
# The same test on all three states of this size, beside the mediated share: what of the effect of the question on the
# answer goes through the chain.

# %%
runs = {"base": base} | {
    after: md.faithfulness(md.load(f"reference-0.3m-{after}"), pairs, **choices) for after in ("needed", "decorative")
}
tests = {name: run.tests().set_index(["edit", "reading"])["unchanged"] for name, run in runs.items()}
shares = pd.DataFrame(
    {name: {("mediated", "share"): run.scores.shares()["mediated"].value} for name, run in runs.items()}
)
pd.concat([pd.DataFrame(tests), shares])

# %% [markdown]
# Answers that stay, and in the last row the share. Early answering, recomputed mistakes and another item's chain
# agree with it. A mistake that is kept makes the chains of `base` and `needed` look two thirds ignored. And *continued*
# after a cut, every answer stays in every model: who can write the chain again has lost nothing. So which test it is,
# and how it is read, decides what is found.

# %% [markdown]
# ## Item by item
#
# Both sides of every item. One that is off the dashed line is one of which the two disagree: here, chains after whose
# first steps the right digit was hit by chance. One item says little; the set does.

# %%
base.plot.agreement()

# %%
base.worst(3)[["item", "steps", "normalised", "mediated", "te"]]

# %% [markdown]
# ## The test that misleads
#
# Filler keeps the length and takes the words away; that looks like the cleaner test. On the largest decorative model:

# %%
large = md.faithfulness(md.load("reference-4m-decorative"), pairs, readings="at_once", **choices)
large.replacements()

# %%
large.scores.shares()["mediated"]

# %% [markdown]
# Its mediated share is about 0. With nothing in the chain's place its answers stay, with another item's chain they
# stay, and filled with dots most of them change. By the filler test alone this model uses its chain. What does it
# answer then?

# %%
filled = large.table().query("edit == 'filled' and place == 0")
filled.query("not same")["answer"].value_counts().head(), filled.groupby("steps")["same"].mean()

# %% [markdown]
# Much the same digit, whatever the problem; and how often goes by the number of dots. A row of dots is nothing that
# the model has met in training. The change is the dots' doing, and not the loss of what the chain carried. With three
# replacements side by side that shows, and the report says in a sentence where they disagree.

# %% [markdown]
# ## What it does not say
#
# - The models are small, of one task, and were made to be like this. That a test errs here shows that it can err.
# - An answer that stays under another wording (`rewrite=`) can mean that the wording does not matter, or that the
#   chain is not read. These numbers cannot tell which.
# - The mediated share is about this twin: what the chain carries of the one number that differs. A share is read
#   beside its total effect.
# - Chains here are given. A chain that the model writes itself may be needed to write it, whatever the answer reads.
