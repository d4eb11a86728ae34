"""Renders chat templates in a process of its own, which may be killed; run as a program, and never imported.

Reads a JSON object a line, `{"template", "variables", "most"}`, and writes one: `{}` where the template ended within
bounds or needs what only transformers may have, `{"over": "output" or "memory"}`, or `{"failed": why}`. The environment
is that of transformers' `apply_chat_template`. Of `{"patterns"}`, regular expressions of a tokenizer, each is tried on
runs of like characters, where those that backtrack without end do so.
"""

import json
import sys
from functools import lru_cache
from typing import Any

# Address space, where the system keeps to it: a string of gigabytes is then an error and not a machine out of memory.
MEMORY = 2**31


def environment() -> Any:
    """Jinja in a sandbox, with what chat templates are promised."""
    from jinja2 import nodes
    from jinja2.exceptions import TemplateError
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
            return nodes.CallBlock(self.call_method("_said"), [], [], body).set_lineno(line)

        def _said(self, caller: Any) -> Any:
            return caller()

    def fail(message: str) -> None:
        raise TemplateError(message)

    def to_json(
        value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
    ) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    found = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    found.filters["tojson"] = to_json
    found.globals |= {"raise_exception": fail, "strftime_now": lambda form: form}
    return found


class TooLarge(BaseException):
    """A constant that does not fit into memory; no Exception, which Jinja would take for one that is no constant."""


def tell_of_large_constants() -> None:
    """Lets Jinja say when folding constants ran out of memory, rather than leave them to be computed later.

    Transformers compiles the same template without a bound on memory, and folds also what is never reached.
    """
    from jinja2 import nodes

    def telling(fold: Any) -> Any:
        def as_const(*args: Any, **options: Any) -> Any:
            try:
                return fold(*args, **options)
            except nodes.Impossible as error:
                if isinstance(error.__cause__, MemoryError):
                    raise TooLarge from error
                raise

        return as_const

    for kind in vars(nodes).values():
        if isinstance(kind, type) and "as_const" in vars(kind):
            kind.as_const = telling(vars(kind)["as_const"])  # type: ignore[attr-defined]


def outcome(compiled: Any, request: Any) -> dict[str, str]:
    """Whether a template went over its bounds, or failed and why."""
    from jinja2.exceptions import TemplateAssertionError, TemplateSyntaxError

    written = 0
    try:
        for piece in compiled(request["template"]).generate(**request["variables"]):
            written += len(piece)
            if written > request["most"]:
                return {"over": "output"}
    except (MemoryError, TooLarge):
        return {"over": "memory"}
    except TemplateAssertionError:  # no such filter: transformers may have it
        return {}
    except TemplateSyntaxError as error:
        return {} if "unknown tag" in str(error) else {"failed": str(error)}
    except Exception as error:  # the template's own errors share no base class
        return {"failed": str(error) or type(error).__name__}
    return {}


def tried(patterns: list[str]) -> dict[str, str]:
    """Whether each pattern splits text; one that is no pattern is told by whoever reads the tokenizer."""
    from tokenizers import Regex, pre_tokenizers

    for pattern in patterns:
        try:
            split = pre_tokenizers.Split(Regex(pattern), "isolated")
        except Exception:
            continue
        try:
            for run in "a", "A", "0", " ", "\n", ".", "_", "ab", "a ":
                split.pre_tokenize_str(run * 48 + "!\0")
        except BaseException as error:  # a panic in Rust is no Exception
            return {"failed": str(error)}
    return {}


def main() -> None:
    """Answers requests until there are no more."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):  # a system without such limits: time is bounded all the same
        pass
    tell_of_large_constants()
    compiled = lru_cache(maxsize=16)(environment().from_string)
    for line in sys.stdin:
        request = json.loads(line)
        found = tried(request["patterns"]) if "patterns" in request else outcome(compiled, request)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
