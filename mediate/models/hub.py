"""One short attempt at the model hub: where it does not answer, what is cached is taken, without retries."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread

from mediate.errors import InputError
from mediate.models.fetch import PACKAGED, fetched_path
from mediate.models.file_sums import snapshot
from mediate.models.known import nearest_name
from mediate.models.origin import Origin, OriginKind

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


def check_given(origin: Origin) -> None:
    """Refuses a name of the hub's that cannot be had, without importing torch.

    Raises:
        InputError: The hub does not answer, and nothing of that name is cached or fetched.
    """
    from huggingface_hub import constants, try_to_load_from_cache

    if origin.kind is not OriginKind.HUB or fetched_copy(origin) is not None:
        return
    if isinstance(try_to_load_from_cache(origin.location, "config.json"), str):
        return
    if constants.HF_HUB_OFFLINE or not answers(origin.location):
        raise InputError(not_given(origin.location, "it does not answer from here"))


def is_current(repository: str, revision: str) -> bool:
    """Whether a commit is what a hub model's name stands for now: on the hub or, where it does not answer, here."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url

    if not constants.HF_HUB_OFFLINE and answers(repository):
        try:
            return get_hf_file_metadata(hf_hub_url(repository, "config.json"), timeout=PATIENCE).commit_hash == revision
        except Exception:  # as below
            return False
    return getattr(snapshot(repository), "name", None) == revision


def fetched_copy(origin: Origin) -> Origin | None:
    """The packaged copy of a hub model, if it was fetched before."""
    for name, packaged in PACKAGED.items():
        if origin.kind is OriginKind.HUB and origin.location == packaged.hub_id and fetched_path(name).exists():
            return Origin(OriginKind.GGUF, str(fetched_path(name)), name, origin.adapter)
    return None


def not_given(location: str, reason: str) -> str:
    """One line on a name that is no file's and that the hub does not serve."""
    names = [name for name, packaged in PACKAGED.items() if packaged.hub_id == location] or list(PACKAGED)
    nearest = nearest_name(location)
    meant = f"did you mean {nearest!r}? Else " if nearest not in (None, location) else ""
    return (
        f"model {location!r}: no such folder or file, and the hub did not give it ({reason}); {meant}use a local "
        f"folder, a .gguf file, or: mediate models fetch {names[0]}"
    )


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
