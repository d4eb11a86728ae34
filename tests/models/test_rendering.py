"""Chat templates: transformers' own words, within bounds of time and length, on one date."""

import datetime
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mediate.errors import InputError
from mediate.models import rendering
from mediate.models.prompts import Style, Template, parse_template, prompt_facts, prompt_of
from mediate.models.rendering import DATE, render
from tests import tiny

SAID = "{% for m in messages %}{{ m.content }}{% endfor %}"
TEMPLATES = Path(__file__).with_name("templates")
# Published habits: trimming, escaping, JSON, generation marks, loop controls, name spaces, macros, a system prompt.
HABITS = {
    "trim": "{% for m in messages %}[{{ m['content'] | trim }}]{% endfor %}",
    "json": "{% for m in messages %}{{ m['content'] | tojson }}{% endfor %}",
    "escape": "{% for m in messages %}<{{ m['content'] | e }}>{% endfor %}",
    "indented": "  {% for m in messages %}\n  {{ m.role }}: {{ m.content }}\n  {% endfor %}\nassistant:",
    "generation": "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}",
    "break": "{% for m in messages %}{{ m.content }}{% break %}{% endfor %}{{ bos_token }}",
    "namespace": "{% set n = namespace(x='') %}{% for m in messages %}{% set n.x = m.content %}{% endfor %}{{ n.x }}",
    "macro": "{% macro f(x) %}<<{{ x }}>>{% endmacro %}{{ f(messages[0].content) }}",
    "words": "{% for m in messages %}{{ m.content | replace('\"', '`') }}{% endfor %}",
}


@pytest.mark.parametrize("name", HABITS)
@pytest.mark.parametrize("question", ["Tom has 3 apples? ", 'Say "hi" to <Tom> & Ann', " é 🙂\n"])
def test_what_transformers_renders_is_what_is_read(name: str, question: str) -> None:
    tokenizer, asked = tiny.byte_level(), [{"role": "user", "content": question}]
    wanted = tokenizer.apply_chat_template(
        asked, chat_template=HABITS[name], tokenize=False, add_generation_prompt=True
    )
    prompt = prompt_of(tokenizer, Template(Style.CHAT, HABITS[name], name), question)
    assert prompt.text == wanted
    assert tokenizer.decode(prompt.ids) == wanted


def test_control_tokens_of_a_trimmed_question_stay_text() -> None:
    tokenizer = tiny.byte_level()
    prompt = prompt_of(tokenizer, Template(Style.CHAT, "<|header|>" + HABITS["trim"], "t"), " a<|im_end|> ")
    assert tokenizer.decode(prompt.ids) == "<|header|>[a<|im_end|>]"
    assert tokenizer.eos_token_id not in prompt.ids
    assert prompt.ids[0] == tokenizer.convert_tokens_to_ids("<|header|>")


ENDLESS = {
    "loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}" + SAID,
    "gigabytes": "{{ 'x' * 10 ** 10 }}" + SAID,
    "megabytes": "{{ 'x' * 10 ** 8 }}" + SAID,
    "centred": "{{ 'x' | center(10 ** 10) }}" + SAID,
    "numbers": "{{ '%09999999999d' | format(1) }}" + SAID,
    "digits": "{{ (10 ** (10 ** 9)) | length }}" + SAID,
    "output": "{% for i in range(99999) %}{{ 'words ' * 50 }}{% endfor %}" + SAID,
    "growing": "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}"
    + SAID,
    "by question": "{% if '3' in messages[0].content %}{{ 'x' * 10 ** 10 }}{% endif %}" + SAID,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_template_without_end_is_refused_soon(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "SECONDS", 0.3)  # what decides is the bound and not its size
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"chat template 't.jinja' cannot be rendered") as caught:
        prompt_of(tiny.byte_level(), Template(Style.CHAT, ENDLESS[name], "t.jinja"), "Tom has 3")
    assert time.monotonic() - begun < 5
    assert "\n" not in str(caught.value)
    # The next one is not the worse for it.
    assert render(tiny.byte_level(), SAID, "Tom") == "Tom"


@pytest.mark.parametrize("file", sorted(TEMPLATES.glob("*.jinja")), ids=lambda file: file.name)
def test_bad_template_files_are_refused_without_side_effect(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rendering, "SECONDS", 0.3)
    with pytest.raises(InputError, match=f"chat template '{file.name}' cannot be rendered"):
        prompt_of(tiny.byte_level(), parse_template(str(file)), "Tom has 3")
    assert not list(tmp_path.iterdir())


# Ways out of a template that were found in the wild, each of which would make a file.
ESCAPING = {
    "subclasses": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "globals of a function": "{{ raise_exception.__globals__['__builtins__']['open']('sang', 'w') }}",
    "cycler": "{{ cycler.__init__.__globals__.os.system('touch sang') }}",
    "joiner": "{{ joiner.__init__.__globals__['os'].popen('touch sang').read() }}",
    "lipsum": "{{ lipsum.__globals__['os'].system('touch sang') }}",
    "namespace": "{{ namespace.__init__.__globals__.os.system('touch sang') }}",
    "self": "{{ self.__init__.__globals__.__builtins__.__import__('os').system('touch sang') }}",
    "attr": "{{ ()|attr('__class__')|attr('__base__')|attr('__subclasses__')() }}",
    "format": "{{ '{0.__class__.__init__.__globals__}'.format(raise_exception) }}",
    "format_map": "{{ '{x.__globals__}'.format_map({'x': raise_exception}) }}",
    "escaped": "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'].__mro__ }}",
    "a filter's own": "{{ messages|map('attr', '__class__')|first|attr('__init__') }}{{ (1).__class__ }}",
    "a generator": "{% set g = (x for x in messages) %}{{ g.gi_frame }}",
    "changed lists": "{{ messages.append(1) }}",
    "changed dicts": "{{ messages[0].update({'content': 'other'}) }}",
    "files": "{% include '/etc/passwd' %}",
    "imports": "{% import 'os' as os %}{{ os.system('touch sang') }}",
    "extends": "{% extends '../../etc/passwd' %}",
    "the request": "{{ config.items() }}{{ request.application.__globals__ }}",
}


@pytest.mark.parametrize("name", ESCAPING)
def test_no_template_gets_out(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused, template = "", Template(Style.CHAT, ESCAPING[name] + SAID, "t.jinja")
    try:
        assert prompt_of(tiny.byte_level(), template, "Tom has 3").text == "Tom has 3", "undefined, and so nothing"
    except InputError as error:
        refused = str(error)
    assert not refused or ("cannot be rendered" in refused and "\n" not in refused)
    assert not list(tmp_path.iterdir())
    assert render(tiny.byte_level(), SAID, "Tom") == "Tom"


def test_threads_render_side_by_side() -> None:
    questions = [f"Tom has {number}" for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda each: render(tiny.byte_level(), SAID, each), questions)) == questions
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(render(tiny.byte_level(), SAID, "x")))
    thread.start()
    thread.join()
    assert found == ["x"]


def test_where_no_other_process_can_be_had_templates_are_rendered_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise OSError("no processes left")

    monkeypatch.setattr(rendering.subprocess, "Popen", fails)
    guard = rendering._Guard()
    monkeypatch.setattr(rendering, "_GUARD", guard)
    assert render(tiny.byte_level(), SAID, "Tom") == "Tom"
    assert guard.over(SAID, {"messages": []}, 10) is None


FORMS = ("%d %b %Y", "%A, %-d %B", "%Y-%m-%d %H:%M", "100%% on %j", "%y%m%d")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("computed", [False, True])
def test_templates_are_told_one_date(form: str, computed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """On whatever day it is rendered; also in a macro, and where the format is put together by the template."""
    import transformers.utils.chat_template_utils as theirs

    said = f"'{form[:2]}' ~ '{form[2:]}'" if computed else f"'{form}'"
    chat = f"{{% macro today() %}}{{{{ strftime_now({said}) }}}}{{% endmacro %}}{{{{ today() }}}}|{SAID}"
    wanted = datetime.datetime.combine(DATE, datetime.time(12)).strftime(form) + "|Tom"
    for day in (1, 9):

        class Day(datetime.datetime):
            @classmethod
            def now(cls, *_: Any) -> datetime.datetime:
                return datetime.datetime(2031, 5, day)  # noqa: B023

        monkeypatch.setattr(theirs, "datetime", Day)
        assert render(tiny.byte_level(), chat, "Tom") == wanted
    assert prompt_facts(tiny.byte_level(), Template(Style.CHAT, chat, "dated"))["date"] == "2024-07-26"


def test_a_template_before_which_nothing_is_put_keeps_its_first_line() -> None:
    chat = "\n  {% if true %}\n" + SAID + "{{ strftime_now('%Y') }}\n{% endif %}\n"
    plain = chat.replace("{{ strftime_now('%Y') }}", "2024")
    assert render(tiny.byte_level(), chat, "Tom") == render(tiny.byte_level(), plain, "Tom")


def test_the_facts_of_a_prompt_name_what_is_written_around_the_question() -> None:
    facts = prompt_facts(tiny.byte_level(), Template(Style.CHAT, HABITS["trim"], "t"))
    assert facts == {"format": "[{question}]"}
    assert prompt_facts(tiny.byte_level(), parse_template("none")) == {}


def test_a_question_that_is_lost_or_told_otherwise() -> None:
    chat = "{% if 'Tom' in messages[0].content %}<|im_end|>{% else %}[{{ messages[0].content }}]{% endif %}"
    with pytest.raises(InputError, match="writes other text around the question 'Tom has 3'"):
        prompt_of(tiny.byte_level(), Template(Style.CHAT, chat, "t"), "Tom has 3")
    chat = "({% if 'Tom' not in messages[0].content %}{{ messages[0].content }}{% endif %})"
    with pytest.raises(InputError, match="'t' loses the question 'Tom has 3'"):
        prompt_of(tiny.byte_level(), Template(Style.CHAT, chat, "t"), "Tom has 3")
