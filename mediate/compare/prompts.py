"""Whether two runs put their questions alike, beside what they call their template."""

from typing import Any

from mediate.compare.runs import NamedRun

_CLOCK = "strftime_now"
_WIDTH = 24


def prompt_differences(first: NamedRun, other: NamedRun) -> tuple[tuple[str, Any, Any], ...]:
    """In what the prompts of two runs differ: its name, and what it is in the first and in the other.

    Runs of before say less of their prompts. Of what they do not say, the date was that of their day, and a tokenizer
    that puts a space before every text put one before chain, cue and answer too.
    """
    found: list[tuple[str, Any, Any]] = []
    formats = [_record(run).get("format") for run in (first, other)]
    if None not in formats and formats[0] != formats[1]:
        found.append(("the prompt's format", *_where_they_part(str(formats[0]), str(formats[1]))))
    dates = [_date(run, beside) for run, beside in ((first, other), (other, first))]
    if dates[0] != dates[1]:
        found.append(("the date in the prompt", dates[0], dates[1]))
    if _tokenizer(first) == _tokenizer(other):
        pieces = [_record(run).get("pieces") for run in (first, other)]
        if pieces[0] != pieces[1]:
            ours, theirs = (each or "a space put before each" for each in pieces)
            found.append(("how the tokens of chain, cue and answer begin", ours, theirs))
    return tuple(found)


def _record(run: NamedRun) -> dict[str, Any]:
    prompt = run.results.manifest.get("prompt")
    return prompt if isinstance(prompt, dict) else {}


def _tokenizer(run: NamedRun) -> Any:
    return run.model.get("tokenizer") or run.label


def _date(run: NamedRun, beside: NamedRun) -> Any:
    """The date that a run's template was told; None where it asks for none, as far as is known."""
    own = _record(run)
    if "prompt" in run.results.manifest:
        return own.get("date")
    text = str(run.spec.get("template_text") or "")
    as_beside = _record(beside).get("date") and (_tokenizer(run), run.spec.get("template")) == (
        _tokenizer(beside),
        beside.spec.get("template"),
    )
    return str(run.results.manifest.get("created", ""))[:10] if _CLOCK in text or (not text and as_beside) else None


def _where_they_part(one: str, other: str) -> tuple[str, str]:
    """The two texts from shortly before the place where they differ."""
    same = next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(one), len(other)) if same is None else same
    begin = max(0, at - _WIDTH // 2)
    return one[begin : begin + 2 * _WIDTH], other[begin : begin + 2 * _WIDTH]
