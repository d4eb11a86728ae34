"""What is measured on is tokenised as a run does it."""

from dataclasses import replace

from tests import tiny
from tools.bench.subjects import an_item


def test_a_word_problem_reads_as_its_text() -> None:
    model = tiny.model("llama")
    tokenizer = tiny.byte_level()
    model = replace(model, tokenizer=tokenizer, facts=replace(model.facts, d_vocab=len(tokenizer)))
    pair = an_item(model, 0, 2)
    text = tokenizer.decode(pair.whole)
    assert pair.trace.text in text
    assert not pair.trace.text[0].isspace()
    assert text.count("?\n") == 1
