"""One short attempt at the model hub: where it does not answer, what is cached is taken, without retries."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread

# How long the hub may take to answer, in seconds, looking up its name included.
PATIENCE = 5.0


@contextmanager
def attempted(repository: str) -> Iterator[None]:
    """While open, the hub is asked only if it answered to this name; else libraries are told that there is none."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE or answers(repository):
        yield
        return
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = False


@cache
def answers(repository: str) -> bool:
    """Whether the hub says anything of a repository, be it that there is none of that name."""
    found: list[bool] = []
    # Looking up a host's name heeds no timeout, so the wait for the answer is ours.
    asking = Thread(target=lambda: found.append(_ask(repository)), daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return bool(found and found[0])


def _ask(repository: str) -> bool:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    try:
        get_hf_file_metadata(hf_hub_url(repository, "config.json"), timeout=PATIENCE)
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", 0)
        return 400 <= status < 500 and status != 407  # a proxy that wants to be asked first is no hub
    except Exception:  # no network, in as many ways as there are libraries
        return False
    return True
