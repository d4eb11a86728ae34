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
# # Can I measure an intervention, a map and an outcome of my own?
#
# What `mediate` ships is made of three parts that are open: records that say what is written where, cells of a chain
# and a network, and numbers read off the answer's logits. Here each is made anew, in a few lines.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import pandas as pd
import torch

import mediate as md

model = md.load("reference-1.2m")
pair = md.prepare(model, md.modular_pairs(1, seed=0, steps=3)[0])
" ".join(model.tokenizer.convert_ids_to_tokens(pair.ids[0].tolist())), pair.chain

# %% [markdown]
# `prepare` lays the item out in tokens: question, chain, cue. `chain` are the chain's positions. An effect is what an
# outcome *loses*: positive speaks for the base answer.
#
# ## An intervention
#
# `md.Write` takes a site, positions, and a function of what stands there. Halving the values that others find at the
# chain's last result in layer 1:


# %%
def halved(now: torch.Tensor) -> torch.Tensor:
    return now / 2


site = md.Site(md.Component.V, 1)
dict(
    zip(map(str, pair.outcomes), pair.intervene([(md.Write(site, (pair.chain[-2],), new=halved),)])[:, 0], strict=True)
)

# %% [markdown]
# ## A map
#
# The same in every step and layer: cells come from `cells`, and count positions from the chain's first token. All
# rows are run as branches of one pass.


# %%
def of_cell(cell: object) -> tuple[md.Write, ...]:
    places = tuple(pair.chain[place] for place in cell.positions)
    return tuple(md.Write(md.Site(md.Component.V, layer), places, new=halved) for layer in cell.layers)


cells = pair.cells("step,layer")
effects = pair.intervene([of_cell(cell) for cell in cells])[0].reshape(-1, model.facts.layers)
pd.DataFrame(effects).rename_axis("step").rename_axis("layer", axis=1).round(2)

# %%
limit = abs(effects).max()
image = plt.imshow(effects, cmap="RdBu_r", vmin=-limit, vmax=limit)
plt.colorbar(image, label="halved values: loss of logit_diff (nats)")
_ = plt.xlabel("layer"), plt.ylabel("step")

# %% [markdown]
# Half of a value is hardly missed: this model is sure of its answer, and what it finds still says the same digit. The
# scale goes to a quarter of a nat, beside a total effect of twenty.
#
# A kind of map that `--maps` knows by name, with its forecast and its place on the page, is one file and one line:
# CONTRIBUTING has it whole.
#
# ## An outcome
#
# Any function of the logits at the answer. `md.forward` runs whole sequences under the same records: here, how sure
# the model is of its answer, as the entropy of the next token.


# %%
def entropy(row: tuple[md.Write, ...]) -> float:
    logits = md.forward(model, pair.ids, [row] * len(pair.ids), last=1).logits[0, -1]
    return float(torch.distributions.Categorical(logits=logits.double()).entropy())


sure = pd.Series({f"step {step}": entropy(of_cell(cells[step * model.facts.layers + 1])) for step in range(3)})
pd.concat([pd.Series({"as it is": entropy(())}), sure]).rename("entropy (nats), values halved in layer 1").to_frame()

# %% [markdown]
# ## Against the twin
#
# `md.Patch` puts in place what `values` has under its name, at the same site. This is a state effect by hand; the
# map of that name is the check.

# %%
site = md.Site(md.Component.RESID_PRE, 0)
twin = md.forward(model, torch.tensor([pair.tokens.context(0, 0)]), keep=[site]).kept[site][0]
values = {("source", site): torch.nn.functional.pad(twin, (0, 0, 0, pair.ids.shape[1] - len(twin)))}
steps = [tuple(pair.chain[place] for place in cell.positions) for cell in pair.cells("step")]
by_hand = pair.intervene([(md.Patch(site, places),) for places in steps], values)[0]
pd.DataFrame({"by hand": by_hand, "map": pair.map("state.resid_pre:step,layer").values[:, 0]}).rename_axis("step")

# %% [markdown]
# ## What it does not say
#
# - A halved activation is nothing that the model has met. How far off it is decides what a large effect means.
# - One item is an example. For a set, loop over `md.prepare(model, pair)`, keep groups, and give intervals.
