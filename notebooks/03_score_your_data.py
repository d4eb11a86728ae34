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
# # How do I score a data set of my own, and read what came out?
#
# A file of pairs, one command or call, a directory of tables. The run survives being killed: the same call goes on
# where it stopped. Here a small reference reasoner reads 60 problems; with a model of your own only the name differs.

# %%
# %matplotlib inline
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

import mediate as md

folder = Path(mkdtemp())
pd.set_option("display.precision", 3)

# %% [markdown]
# ## The file
#
# One JSON object a line: an id, the group that intervals resample (what problems share: a template, a source), and
# question, answer and chain in both worlds. Parquet and CSV do as well. `mediate pairs from FILE` makes twins of the
# items of a data set; items without twins are read by `md.read_items` (GSM8K, chat logs, Inspect logs).

# %%
md.write_pairs(folder / "problems.jsonl", md.modular_pairs(60, steps=(2, 5), seed=0))
pd.read_json(folder / "problems.jsonl", lines=True).head(3)

# %% [markdown]
# ## The run
#
# `out` names a directory. Parts are written there as items finish, and the tables at the end. On the command line
# this is `mediate score problems.jsonl --model reference-0.3m --out run`, on a cluster with `--shard i/n` or
# `--engine ray`.

# %%
run = folder / "run"
scores = md.score(
    md.load("reference-0.3m"), folder / "problems.jsonl", out=run, maps=["read:step,layer"], progress=False
)
scores

# %% [markdown]
# Called again, it reads the finished run back. In another session `md.open` does, without the model.

# %%
again = md.open(run)
sorted(each.relative_to(run).as_posix() for each in run.rglob("*.parquet"))

# %% [markdown]
# ## By item, with pandas
#
# `table()` has a row an item and outcome with the eight cells of the cube; `y111 - y000` is the total effect. Items
# that were left out are in `rejects`, with a reason each.

# %%
cells = again.table().query("outcome == 'logit_diff'")
cells = cells.assign(te=cells.y111 - cells.y000, steps=[len(set(item.base.steps)) for item in again.results.items])
cells[["item", "group", "steps", "te"]].head(), len(again.rejects)

# %% [markdown]
# Longer chains against shorter ones. With some fifteen items a row the means differ by less than their spread.

# %%
cells.groupby("steps")["te"].agg(["count", "mean", "std"])

# %% [markdown]
# ## By cell of a map
#
# A row an item, step and layer. Chains differ in length: counted from the end, the last step is `-1` in all of them.

# %%
effects = again.map_table()
effects["from_end"] = effects["step"] - effects.groupby("item")["step"].transform("max") - 1
effects.pivot_table(index="from_end", columns="layer", values="effect")

# %% [markdown]
# All of the effect is read in the last step, and in the first layer: the answer is the last result, and stands there
# to be copied.
#
# ## With DuckDB, or anything else that reads Parquet
#
# ```python
# import duckdb
#
# duckdb.sql(f"select layer, avg(effect) from '{run}/results/effects.parquet' group by layer order by layer").df()
# ```
#
# pyarrow reads the same files in parts, where they are larger than memory.

# %%
import pyarrow.dataset as ds

wanted = ds.dataset(run / "results" / "effects.parquet").to_table(columns=["layer", "effect"])
wanted.group_by("layer").aggregate([("effect", "mean"), ("effect", "count")]).to_pandas()

# %% [markdown]
# ## What it does not say
#
# - The numbers are of these problems and of twins that differ in one number. Another contrast is another question.
# - Groups matter more than items: sixty problems of one template are one group, and give no interval.
# - A reference reasoner was trained on such problems. What a model of yours does with its chain is for you to measure.
