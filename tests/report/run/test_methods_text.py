"""A paragraph for a section on methods says what the run records, and nothing that it does not."""

from dataclasses import replace

import pytest

from mediate.report.run.methods_text import methods_words
from mediate.report.run.page import render_page
from mediate.report.run.scores import Scores
from mediate.results.contrasts import OTHER
from mediate.results.controls import Control, Controlled
from tests.figures.records import fake_item_results, fake_results
from tests.report.parse import parse


def test_it_names_model_items_estimands_intervals_and_versions() -> None:
    results = fake_results(12)
    said = Scores(results).methods()
    assert said == methods_words(results)
    for part in (
        "We measured smollm2-135m-instruct (LlamaForCausalLM, 134,515,008 parameters, float32, on cpu, fingerprint "
        "sha256:b179c9523d0e6a0f) with mediate 0.1.0 (torch 2.10.0, transformers 5.9.0, transformer_lens 4.3.0, "
        "python 3.11.9)",
        f"12 items in {len(set(results.cube().groups))} groups",
        "held against their twins: Y[d, t, h] is the outcome",
        "(0; d: the twin's question; t: the twin's chain; h: computed under the twin's question)",
        "logit_diff, the difference of the logits",
        "Direct, text and latent are Shapley values, means over all orders of switching them, and add up to TE;",
        "undefined where the mean TE is within 0.1 nats of 0",
        "Intervals: 95\xa0% symmetric bootstrap-t over groups, seed 0.",
        "Maps: read effect by step and layer.",
    ):
        assert part in said
    assert "\n" not in said


def test_items_by_themselves_are_held_against_what_is_hidden() -> None:
    said = methods_words(fake_item_results(6))
    assert "held against what is hidden of them (the contrast hidden): Y" in said
    assert "means over the orders of switching in which text comes before latent, and add up to TE;" in said
    assert "twin" not in said


def test_items_that_are_held_against_others_are_told_so() -> None:
    results = fake_item_results(6)
    said = methods_words(replace(results, cubes=tuple(replace(each, contrast=OTHER) for each in results.cubes)))
    assert "held against other items of the run (the contrast other; means over the others of an item): Y" in said
    assert "means over all orders of switching them, and add up to TE;" in said


def test_it_says_who_wrote_the_chains_and_what_was_left_out() -> None:
    results = fake_results(4)
    written, unwritten = (
        tuple(
            replace(item, base=replace(item.base, written=by), source=item.source and replace(item.source, written=by))
            for item in results.items
        )
        for by in (True, False)
    )
    manifest = {**results.manifest, "spec": {**results.manifest["spec"], "temperature": 0.7}}
    own = replace(results, items=written, manifest=manifest)
    said = methods_words(own)
    assert "; 3 of 7 items were left out (not_solved: 2, equal_answers: 1); the chains were written by" in said
    assert "the chains were written by the model itself at temperature 0.7." in said
    given = methods_words(replace(results, items=unwritten, manifest={**manifest, "writer": {"name": "other"}}))
    assert "the chains were written by other." in given


def test_controls_are_named_with_how_many_items_they_are_of() -> None:
    results = fake_results(12)
    first, second, third = (item.id for item in results.items[:3])
    controls = (
        *(Controlled(each, each, Control.SELF_SOURCE, "logit_diff", 0.0, 3.0) for each in (first, second)),
        Controlled(first, first, Control.RANDOM_WEIGHTS, "logit_diff", 0.1, 3.0),
        Controlled(third, third, Control.SAME_ANSWER, "logit_diff", reason="no other item"),
    )
    said = methods_words(replace(results, controls=controls))
    assert said.endswith("Controls, on 2 items: self source, random weights.")
    assert "Controls" not in methods_words(results)


@pytest.mark.parametrize("manifest", [{}, {"model": {}, "versions": {}}])
def test_what_a_run_does_not_record_is_not_said(manifest: dict[str, object]) -> None:
    said = methods_words(replace(fake_results(4), manifest=manifest))
    assert said.startswith("We measured – with mediate. ")
    assert "None" not in said


def test_without_items_it_says_so() -> None:
    results = fake_results(4)
    empty = replace(results, items=(), cubes=(), maps=(), cut=())
    assert methods_words(empty).endswith("No item was measured.")


def test_of_a_run_that_is_not_finished_that_comes_first() -> None:
    results = fake_results(4)
    begun = {"status": "cancelled", "counts": {"planned": 6, "measured": 4}}
    said = methods_words(replace(results, manifest={**results.manifest, **begun}))
    assert said.startswith("The run is not whole yet. We measured ")


def test_the_page_has_it_where_it_says_how_it_was_measured() -> None:
    results = fake_results(4)
    assert " ".join(methods_words(results).split()) in " ".join(parse(render_page(results)).text.split())
