"""The hub is asked once, and shortly; where it does not answer, nothing retries."""

import time

import huggingface_hub
import pytest
from huggingface_hub import constants

from mediate.errors import InputError
from mediate.models import hub
from mediate.models.loading import load_unchecked as load


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    hub.answers.cache_clear()


@pytest.mark.usefixtures("online")
def test_a_hub_out_of_reach_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def unreachable(*arguments: object, **_: object) -> None:
        asked.append(arguments)
        raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", unreachable)
    with pytest.raises(InputError, match=r"the hub did not give it .*did you mean 'smollm2-135m-instruct'"):
        load("someone/smollm2-135m")
    assert len(asked) == 1
    assert constants.HF_HUB_OFFLINE is False, "as it was"


@pytest.mark.usefixtures("online")
def test_a_hub_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "PATIENCE", 0.05)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda *_, **__: time.sleep(2))
    began = time.monotonic()
    with hub.attempted("a/b"):
        assert constants.HF_HUB_OFFLINE is True
    assert time.monotonic() - began < 1.5


@pytest.mark.usefixtures("online")
def test_a_hub_that_answers_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda *_, **__: object())
    with hub.attempted("a/b"):
        assert constants.HF_HUB_OFFLINE is False
