"""Settings for every test: no hub, no progress bars, no display.

Nothing here imports mediate: the shape checks hook into that import.
"""

import os

# Each worker has one core: two threads in each of two workers would wait for each other.
os.environ.update(
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    HF_HUB_OFFLINE="1",
    TQDM_DISABLE="1",
    WANDB_MODE="disabled",
    MPLBACKEND="Agg",
    TOKENIZERS_PARALLELISM="false",
)
