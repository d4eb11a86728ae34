"""Where what can be made again is kept."""

import os
from pathlib import Path

import platformdirs

VARIABLE = "MEDIATE_CACHE"


def cache_folder() -> Path:
    """The cache: `$MEDIATE_CACHE`, or `cache/` of the source checkout, or the user's cache directory.

    The folder is not created here.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file() and (checkout / "cache").is_dir():
        return checkout / "cache"
    return Path(platformdirs.user_cache_dir("mediate"))
