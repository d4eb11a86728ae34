"""Chat templates rendered by transformers, within bounds of time and length, and on one date.

A template is a program that came with a model or a file: it may loop without end or write without end, and Jinja's
sandbox hinders neither. So each rendering is tried in another process first, which is killed when it takes too long;
what ends there is then rendered by transformers, whose words count.

Several published templates write today's date. Runs of two days would then measure two prompts: the date that templates
are told is always the same.
"""

import atexit
import datetime
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from mediate.errors import InputError

# The date that Llama's own templates fall back on.
DATE = datetime.date(2024, 7, 26)
# Published templates take milliseconds and write some thousand characters.
SECONDS, MOST_CHARACTERS = 2.0, 2**20
_STARTING = 30.0
_CLOCK = "strftime_now"
_DIRECTIVES = "aAwdbBmyYHIMSpfjUWcxXGuVzZeDFTR"

log = logging.getLogger(__name__)


def reads_the_clock(chat: str) -> bool:
    """Whether a chat template asks for the date."""
    return _CLOCK in chat


def render(tokenizer: Any, chat: str, question: str, system: str | None = None) -> str:
    """What transformers makes of a question asked by the user, with the answer opened.

    Args:
        tokenizer: Of transformers.
        chat: The chat template, in Jinja.
        question: The question.
        system: The system prompt before it, where there is one.

    Raises:
        InputError: The template fails, takes longer than some seconds, or writes without end.
    """
    before = [] if system is None else [{"role": "system", "content": system}]
    messages = [*before, {"role": "user", "content": question}]
    dated = _dated(chat) if reads_the_clock(chat) else chat
    variables = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    most = MOST_CHARACTERS + 2 * (len(question) + len(system or ""))
    over = _GUARD.over(dated, variables | {"messages": messages, "add_generation_prompt": True}, most)
    if over is not None:
        raise InputError(f"cannot be rendered ({' '.join(over.split())[:160]}); give another with --template")
    try:
        return str(
            tokenizer.apply_chat_template(messages, chat_template=dated, tokenize=False, add_generation_prompt=True)
        )
    except Exception as error:  # Jinja's and the template's own errors share no base class
        raise InputError(f"cannot be rendered ({' '.join(str(error).split())[:160]})") from error


@cache
def _dated(chat: str) -> str:
    """The template with the clock stopped: a macro of the clock's name stands before it and hides transformers' own."""
    noon = datetime.datetime(DATE.year, DATE.month, DATE.day, 12)
    named = {f"%{each}": noon.strftime(f"%{each}") for each in _DIRECTIVES}
    named |= {f"%-{name[1]}": value.lstrip("0") or "0" for name, value in named.items() if value.isdigit()}
    if len(re.findall(rf"{_CLOCK}\(\s*['\"]", chat)) == chat.count(
        _CLOCK + "("
    ):  # no format that is only made up later
        named = {name: value for name, value in named.items() if name in chat}
    # A percent sign that stands for itself is put out of the way first.
    steps = [("%%", "\0"), *named.items(), ("\0", "%")]
    replaced = "".join(f" | replace({old!r}, {new!r})" for old, new in steps)
    return f"{{%- macro {_CLOCK}(format) %}}{{{{ format{replaced} }}}}{{% endmacro %}}\n{chat}"


def endless(patterns: Sequence[str]) -> bool:
    """Whether one of a tokenizer's regular expressions takes seconds on a short text."""
    return _GUARD.endless(patterns)


class _Guard:
    """The other process, started when it is first needed; one at a time, and a new one after each that was killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: subprocess.Popen[str] | None = None
        self._owner = 0
        self._none = False

    def over(self, chat: str, variables: Mapping[str, Any], most: int) -> str | None:
        """Why a template fails or is out of bounds; None where it is not, or where no other process can be had."""
        with self._lock:
            if self._none:
                return None
            try:
                worker = self._running()
            except (OSError, ValueError) as error:
                self._none = True
                log.warning("chat templates are rendered without bounds: no other process (%s)", error)
                return None
            said = self._ask(worker, {"template": chat, "variables": variables, "most": most}, SECONDS)
        if said is None:
            return f"it takes longer than {SECONDS:g} seconds"
        words = {"output": f"it writes more than {most} characters", "memory": "it takes too much memory"}
        failed = said.get("failed")
        return words.get(str(said.get("over")), None if failed is None else str(failed))

    def endless(self, patterns: Sequence[str]) -> bool:
        """Whether one of these regular expressions takes too long, or gives up; False where no other process is."""
        with self._lock:
            try:
                worker = self._running()
                # First the library alone, which takes its time to be imported.
                if self._none or self._ask(worker, {"patterns": []}, _STARTING) is None:
                    return False
            except (OSError, ValueError):
                return False
            said = self._ask(worker, {"patterns": list(patterns)}, SECONDS)
        return said is None or "failed" in said

    def close(self) -> None:
        """Ends the other process."""
        worker, self._worker = self._worker, None
        if worker is None or self._owner != os.getpid():
            return
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        worker.kill()
        worker.wait()

    def _running(self) -> "subprocess.Popen[str]":
        if self._worker is not None and self._owner == os.getpid() and self._worker.poll() is None:
            return self._worker
        # The program is passed on as text, so that the folder it stands in is not looked through for modules.
        program = Path(__file__).with_name("rendering_worker.py").read_text(encoding="utf-8")
        start = f"import sys; sys.path[:] = {[each for each in sys.path if each]!r}\n{program}"
        self._worker, self._owner = (
            subprocess.Popen(
                [sys.executable, "-c", start],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                errors="surrogatepass",
                start_new_session=True,  # an interrupt from the keyboard is this process's own to handle
            ),
            os.getpid(),
        )
        if self._ask(self._worker, {"template": "", "variables": {}, "most": 1}, _STARTING) is None:
            raise OSError("it does not start")
        return self._worker

    def _ask(self, worker: "subprocess.Popen[str]", request: Mapping[str, Any], seconds: float) -> Any:
        """The answer to a request; None where there was none in time, and the process was killed."""
        assert worker.stdin is not None
        assert worker.stdout is not None
        timer = threading.Timer(seconds, worker.kill)
        timer.daemon = True
        timer.start()
        try:
            worker.stdin.write(json.dumps(request) + "\n")
            worker.stdin.flush()
            line = worker.stdout.readline()
        except (OSError, ValueError):
            line = ""
        finally:
            timer.cancel()
        if line.endswith("\n"):
            return json.loads(line)
        self.close()
        return None


_GUARD = _Guard()
atexit.register(_GUARD.close)
