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
# # I know transformer-lens or nnsight: what is the same here?
#
# `mediate` runs on transformer-lens' bridge. Sites have its hook names, interventions work in its own calls, and its
# caches are what `md.forward` keeps. This notebook does one patch three ways, and then what only a chain's channels
# can say.

# %%
# %matplotlib inline
import pandas as pd
import torch

import mediate as md

model = md.load("reference-0.3m")
(given,) = md.modular_pairs(1, seed=0, steps=3)
pair = md.prepare(model, given)
base, source = pair.ids, torch.tensor([pair.tokens.context(0, 0) + pair.tokens.readers.cue])
answer, other = (model.tokenizer.encode(" " + given[world].answer)[-1] for world in (md.World.BASE, md.World.SOURCE))

# %% [markdown]
# ## Caching
#
# | transformer-lens | here |
# | --- | --- |
# | `bridge.run_with_cache(ids)` | `md.forward(model, ids, keep=[site])` |
# | `cache["blocks.0.hook_resid_pre"]` | `.kept[md.Site.from_hook_name("blocks.0.hook_resid_pre")]` |

# %%
_, cache = model.bridge.run_with_cache(source, position_ids=torch.arange(source.shape[1])[None])
site = md.Site.from_hook_name("blocks.0.hook_resid_pre")
kept = md.forward(model, source, keep=[site]).kept[site]
float((cache[site.hook_name] - kept).abs().max())

# %% [markdown]
# ## Patching
#
# The residual stream before layer 0, at the chain's last result, from the source run: by a hook of one's own in
# transformer-lens, and as a record.


# %%
def put(now: torch.Tensor, hook: object) -> torch.Tensor:
    return torch.cat([now[:, :place], kept[:, place : place + 1], now[:, place + 1 :]], dim=1)


def lead(logits: torch.Tensor) -> float:
    return float(logits[0, -1, answer] - logits[0, -1, other])


place, positions = pair.chain[-2], {"position_ids": torch.arange(base.shape[1])[None]}
as_it_is = model.bridge(base, return_type="logits", **positions)
by_hook = model.bridge.run_with_hooks(base, fwd_hooks=[(site.hook_name, put)], return_type="logits", **positions)
patch, values = md.Patch(site, (place,)), {("source", site): kept[0]}
record = pair.intervene([(patch,)], values)[0, 0]
pd.Series({"transformer-lens' hook": lead(as_it_is) - lead(by_hook), "mediate's record": record}).to_frame("nats")

# %% [markdown]
# The record works in transformer-lens' own calls too:

# %%
with model.bridge.hooks(fwd_hooks=md.bridge_hooks(model, [(patch,)], values)):
    print(lead(as_it_is) - lead(model.bridge(base, return_type="logits", **positions)))

# %% [markdown]
# In nnsight the same patch reads
#
# ```python
# with model.trace(base):
#     model.model.layers[0].input[:, place] = kept[:, place]
#     patched = model.lm_head.output.save()
# ```
#
# and runs in as many traces as there are cells. A map here branches all cells off one run: `docs/speed.md` has both
# libraries beside it.
#
# ## A whole map
#
# transformer-lens' `get_act_patch_resid_pre` patches every position in every layer. Here positions are the chain's,
# and the twin's run is found by itself.

# %%
pair.map("state.resid_pre:position,layer").to_frame().pivot(index="layer", columns="position", values="effect").round(1)

# %% [markdown]
# ## What patching alone does not tell
#
# A state effect mixes what later tokens make of a patch with what the answer reads there. The channels keep apart
# what the answer reads from the question, from the chain's words, and from what the chain's activations carry beyond
# them: eight runs, from keys and values that the model computed itself.

# %%
cube = md.score(model, [given], maps=[], control_pairs=0, progress=False)
{name: round(each.value, 3) for name, each in cube.effects().items() if name in ("te", "direct", "text", "latent")}

# %% [markdown]
# ## What it does not say
#
# - One item, one position: an example of the calls, and no result.
# - transformer-lens can do much that is not here: SAEs, training from scratch, its own plots. The bridge is
#   `model.bridge`, and stays usable.
