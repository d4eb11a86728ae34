"""Settings for every test: no hub, no progress bars, no display.

Nothing here imports mediate: the shape checks hook into that import.
"""

import os

os.environ.update(
    HF_HUB_OFFLINE="1", TQDM_DISABLE="1", WANDB_MODE="disabled", MPLBACKEND="Agg", TOKENIZERS_PARALLELISM="false"
)
