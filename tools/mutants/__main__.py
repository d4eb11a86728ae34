"""Seeds known bugs one at a time into a copy of the source and runs the tests that ought to notice; `make mutants`.

A mutant is killed when a test fails. The exit code is 1 if one survives, and 2 if one can no longer be seeded because
the source has changed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug.

    Args:
        name: What is wrong.
        file: Below `mediate/`.
        right: The text that is replaced; it stands there once.
        wrong: By what.
        tests: Which tests are asked.
    """

    name: str
    file: str
    right: str
    wrong: str
    tests: str


READS, STATE = (f"tests/mediation/kinds/test_{name}.py" for name in ("read", "state"))
CUBE, METHODS = (f"tests/mediation/whole/test_{name}.py" for name in ("cube_oracle", "attribution_methods"))
HIDDEN = "tests/mediation/whole/test_hidden_oracle.py"
OTHER = "tests/mediation/whole/test_other_oracle.py"
ABLATION = "tests/mediation/kinds/test_ablation.py"
SWEEP = "tests/passes/sweeps/test_sweep.py"
MUTANTS = (
    Mutant(
        "worlds of the direct channel exchanged",
        "mediation/kinds/cube.py",
        "question = contexts.question(d, t)",
        "question = contexts.question(1 - d, t)",
        CUBE,
    ),
    Mutant(
        "text and latent exchanged",
        "mediation/kinds/cube.py",
        "contexts.chain(h, t), len(question)",
        "contexts.chain(t, h), len(question)",
        CUBE,
    ),
    Mutant(
        "float64 that rounds to float32 within",
        "models/loading.py",
        "    keep_float64(plain)\n",
        "",
        "tests/models/test_float64.py",
    ),
    Mutant(
        "padding that keeps the shared beginning in front of it",
        "models/side_by_side.py",
        "rows[row, :, pad:] = own[0, :, : max(0, self.length - pad)]",
        "rows[row] = own[0]",
        "tests/models/test_side_by_side.py",
    ),
    Mutant(
        "padding on models that read it",
        "models/side_by_side.py",
        "return off <= 64 * scale",
        "return True",
        "tests/models/test_side_by_side.py",
    ),
    Mutant(
        "padding where the scale counts what stands in front",
        "models/side_by_side.py",
        "if depends_on_length(model.plain.config) or scales_by_place(model.plain.config):",
        "if False:",
        "tests/models/test_side_by_side.py",
    ),
    Mutant(
        "a token out of logits that are not numbers",
        "models/generation.py",
        "if not scores.amax(dim=-1).isfinite().all():",
        "if False:",
        "tests/models/test_side_by_side.py",
    ),
    Mutant(
        "an item turned by two sets of factors",
        "mediation/encoding.py",
        "if most is not None and length > most:",
        "if False:",
        "tests/mediation/whole/test_longrope.py",
    ),
    Mutant(
        "a control past the switch of factors",
        "mediation/kinds/exact_controls.py",
        "room = AFTERWARDS if most is None else max(0, most - end)",
        "room = AFTERWARDS",
        "tests/mediation/whole/test_longrope.py",
    ),
    Mutant(
        "a GGUF file's scaling dropped",
        "models/gguf.py",
        "        give(model.config, found)",
        "        pass",
        "tests/models/test_gguf.py",
    ),
    Mutant(
        "a scaling of YaRN that is as loud as without",
        "models/gguf_rope.py",
        "if louder != 1.0:",
        "if False:",
        "tests/models/test_gguf.py",
    ),
    Mutant(
        "layers that are stored and not used",
        "models/stored.py",
        "if count is not None:",
        "if False:",
        "tests/models/test_stored.py",
    ),
    Mutant(
        "a tokenizer larger than the embedding",
        "models/vocabulary.py",
        "if beyond or (bos is not None and bos >= rows):",
        "if False:",
        "tests/models/test_vocabulary.py",
    ),
    Mutant(
        "a state beside keys and values",
        "models/carried.py",
        "    if kinds:\n",
        "    if False:\n",
        "tests/models/test_carried.py",
    ),
    Mutant(
        "keys in float64 turned by angles in float32",
        "passes/keyvalues.py",
        "own.double() if keeps_float64(model.plain) else own.float()",
        "own.float()",
        CUBE,
    ),
    Mutant(
        "keys not turned to their new place",
        "passes/keyvalues.py",
        "angle = at[1] - at[0]",
        "angle = at[1] - at[1]",
        CUBE,
    ),
    Mutant(
        "outcome read one position early",
        "mediation/outcomes.py",
        "at = logits[0, readers.shared].double()",
        "at = logits[0, readers.shared - 1].double()",
        CUBE,
    ),
    Mutant(
        "outcome of the wrong sign",
        "mediation/outcomes.py",
        "return at[readers.base[readers.shared]] - at[readers.source[readers.shared]]",
        "return at[readers.source[readers.shared]] - at[readers.base[readers.shared]]",
        CUBE,
    ),
    Mutant(
        "the readers' positions off by one",
        "passes/one_pass.py",
        "begin = start if start is not None else int(cache.get_seq_length()) if cache is not None else 0",
        "begin = start if start is not None else int(cache.get_seq_length()) + 1 if cache is not None else 0",
        CUBE,
    ),
    Mutant(
        "Shapley weights of the wrong size",
        "results/contrasts.py",
        "gain[:, 0, 0] / 3 + (gain[:, 0, 1] + gain[:, 1, 0]) / 6",
        "gain[:, 0, 0] / 2 + (gain[:, 0, 1] + gain[:, 1, 0]) / 6",
        "tests/results/test_cube.py",
    ),
    Mutant(
        "read swap one position late",
        "mediation/kinds/read.py",
        "whole[row, heads, begin + positions]",
        "whole[row, heads, begin + positions - 1]",
        READS,
    ),
    Mutant(
        "read swap of the wrong KV head",
        "mediation/kinds/read.py",
        "= other[layer][heads, positions]",
        "= other[layer][heads.flip(0) if len(heads) > 1 else heads - 1, positions]",
        READS,
    ),
    Mutant(
        "patch one position late",
        "mediation/cells.py",
        "tuple(start + position for position in self.positions)",
        "tuple(start + position + 1 for position in self.positions)",
        STATE,
    ),
    Mutant(
        "patch into every row",
        "passes/hooks.py",
        "put_in_place(changed[row], write, values, begin)",
        "put_in_place(changed[0], write, values, begin)",
        STATE,
    ),
    Mutant(
        "resid_mid written at its bare hook point",
        "passes/hooks.py",
        "for site, change in changes.items() if site.component is Component.RESID_MID}",
        "for site, change in changes.items() if False}",
        STATE,
    ),
    Mutant(
        "denoising with the sign of noising",
        "mediation/kinds/state.py",
        "return effects if direction is Direction.NOISING else -effects",
        "return effects",
        STATE,
    ),
    Mutant(
        "the patched run's own activations put in place",
        "mediation/kinds/state.py",
        "other = 1 - direction.patched_world",
        "other = direction.patched_world",
        STATE,
    ),
    Mutant(
        "a knockout that leaves its rows unnormalised",
        "passes/hooks.py",
        "name = scores_hook(layer) if renormalised else",
        "name = scores_hook(layer) if False else",
        STATE,
    ),
    Mutant(
        "a knockout that may empty a row",
        "passes/masks.py",
        "if emptied.any():",
        "if False:",
        STATE,
    ),
    Mutant(
        "a knockout of all heads where some are named",
        "passes/hooks.py",
        "cut.heads if cut.heads is not None else range(heads)",
        "range(heads)",
        STATE,
    ),
    Mutant(
        "a hook that never fires passes",
        "passes/one_pass.py",
        "    if silent is not None:",
        "    if False:",
        "tests/passes/test_forward.py",
    ),
    Mutant(
        "the gradient's sign turned",
        "mediation/kinds/state.py",
        "found[site].sub_(here)",
        "found[site].neg_().add_(here)",
        "tests/mediation/kinds/test_attribution.py",
    ),
    Mutant(
        "the gradient taken in the other world's run",
        "mediation/kinds/attribution.py",
        "run = sequences(model, pair, direction.patched_world, [outcome])",
        "run = sequences(model, pair, 1 - direction.patched_world, [outcome])",
        "tests/mediation/kinds/test_attribution.py",
    ),
    Mutant(
        "the fixed softmax with its sign turned",
        "mediation/kinds/attribution.py",
        "return values[None] * (-1 if direction is Direction.NOISING else 1)",
        "return values[None]",
        METHODS,
    ),
    Mutant(
        "a key's change without the rows' new share",
        "mediation/kinds/qkfix.py",
        "(after * gradient + (1 - after) * mean - value)",
        "(after * gradient - value)",
        METHODS,
    ),
    Mutant(
        "GradDrop that keeps the MLP",
        "passes/gradients.py",
        "for component in (Component.ATTN_OUT, Component.MLP_OUT):",
        "for component in (Component.ATTN_OUT,):",
        METHODS,
    ),
    Mutant(
        "relevance of a gated product counted twice",
        "passes/relevance.py",
        "shared = torch.stack(parts).sum(dim=0) / len(parts)",
        "shared = torch.stack(parts).sum(dim=0)",
        METHODS,
    ),
    Mutant(
        "a step's result read one token late",
        "mediation/kinds/step_graph.py",
        "logits[:, run.start + place - 1]",
        "logits[:, run.start + place]",
        "tests/mediation/kinds/test_step_graph.py",
    ),
    Mutant(
        "an edge that also swaps earlier steps",
        "mediation/kinds/step_graph.py",
        "layers) for span in pair.traces[World.BASE].step_spans]",
        "layers) for span in [(0, stop) for _, stop in pair.traces[World.BASE].step_spans]]",
        "tests/mediation/kinds/test_step_graph.py",
    ),
    Mutant(
        "a graft whose rest stays where it was",
        "mediation/kinds/graft.py",
        "moved(model, rest, begun.start + len(begun))",
        "rest",
        "tests/mediation/kinds/test_graft.py",
    ),
    Mutant(
        "a graft of one step alone",
        "mediation/kinds/graft.py",
        "[Cell(tuple(range(stop)), layers) for _, stop in pair.trace.step_spans]",
        "[Cell(tuple(range(start, stop)), layers) for start, stop in pair.trace.step_spans]",
        "tests/mediation/kinds/test_graft.py",
    ),
    Mutant(
        "interactions of other steps",
        "mediation/kinds/interaction.py",
        "together[np.triu_indices(steps, k=1)] = effects[steps:]",
        "together[np.triu_indices(steps, k=1)] = effects[steps:][::-1]",
        "tests/mediation/kinds/test_interaction.py",
    ),
    Mutant(
        "readers that forget the readers before them",
        "passes/readers.py",
        "        if own:",
        "        if False:",
        READS,
    ),
    Mutant(
        "a chain cut one token too late",
        "mediation/kinds/before_answer.py",
        "cut_trace(trace, first - 1)",
        "cut_trace(trace, first)",
        "tests/mediation/kinds/test_before_answer.py",
    ),
    Mutant(
        "a mistake is made at one of the places alone",
        "traces/edits.py",
        "if all(put_number(",
        "if any(put_number(",
        "tests/traces/test_edits.py",
    ),
    Mutant(
        "the mean over other groups' chains counts the own group",
        "mediation/contrasts/chain_pool.py",
        "found = self.total - self.groups[group]",
        "found = self.total",
        "tests/mediation/contrasts/test_chain_pool.py",
    ),
    Mutant(
        "the item itself is among those whose distances are the scale",
        "mediation/contrasts/chain_pool.py",
        "torch.where(own, self.second[layer], self.nearest[layer])",
        "self.nearest[layer]",
        "tests/mediation/contrasts/test_chain_pool.py",
    ),
    Mutant(
        "keys put in place stand a position too far",
        "mediation/contrasts/chain_pool.py",
        "turned(model, keys, torch.zeros_like(new), new)",
        "turned(model, keys, torch.zeros_like(new), new + 1)",
        "tests/mediation/whole/test_replaced_oracle.py",
    ),
    Mutant(
        "paired differences with intervals of half the width",
        "results/sensitivity.py",
        "abs(mean) - reach, abs(mean) + reach",
        "abs(mean) - reach / 2, abs(mean) + reach / 2",
        "tests/results/test_sensitivity.py",
    ),
    Mutant(
        "the placebo reaches a reader",
        "mediation/kinds/exact_controls.py",
        "others[site][:, end - run.start :] = value[:, : len(extra)]",
        "others[site][:, end - run.start - 1 : -1] = value[:, : len(extra)]",
        "tests/mediation/kinds/test_controls.py",
    ),
    Mutant(
        "random positions drawn where words differ too",
        "mediation/kinds/controls.py",
        "same = [place for place in range(len(base)) if base[place] == source[place]]",
        "same = list(range(len(base)))",
        "tests/mediation/kinds/test_controls.py",
    ),
    Mutant(
        "another item's chain not moved behind the question",
        "mediation/kinds/controls.py",
        "chain = moved(model, whole.part(begin, len(whole)), len(question))",
        "chain = replace(whole.part(begin, len(whole)), start=len(question))",
        "tests/mediation/kinds/test_controls.py",
    ),
    Mutant(
        "a patch after a past put one token early",
        "passes/hooks.py",
        "positions = torch.tensor(write.positions, device=row.device) - begin",
        "positions = torch.tensor(write.positions, device=row.device) - begin - 1",
        STATE,
    ),
    Mutant(
        "a pass after a past with positions from 0",
        "passes/one_pass.py",
        "position_ids=torch.arange(begin, begin + given.shape[1], device=given.device)",
        "position_ids=torch.arange(0, given.shape[1], device=given.device)",
        STATE,
    ),
    Mutant(
        "a row that joins with the residual stream of the block before",
        "passes/sweeps/sweep.py",
        "new = run.entering[layer][:, begin - run.start :]",
        "new = run.entering[max(0, layer - 1)][:, begin - run.start :]",
        SWEEP,
    ),
    Mutant(
        "a sweep that begins one position late",
        "passes/sweeps/sweep.py",
        "new = run.entering[layer][:, begin - run.start :]",
        "new = run.entering[layer][:, begin - run.start + 1 :]",
        SWEEP,
    ),
    Mutant(
        "branches handed back in the order in which they were run",
        "passes/sweeps/sweep.py",
        "return logits[back]",
        "return logits",
        SWEEP,
    ),
    Mutant(
        "a past one position too long",
        "passes/sweeps/sweep.py",
        "before = run.before.part(0, begin)",
        "before = run.before.part(0, min(begin + 1, len(run.before)))",
        SWEEP,
    ),
    Mutant(
        "swapped keys without their values",
        "passes/attention.py",
        "change = swap.values - past.values[layer][heads, swap.positions[:, None, :]]",
        "change = 0 * swap.values",
        SWEEP,
    ),
    Mutant(
        "a stretch of queries that sees one key of the future",
        "passes/stretches.py",
        "yield start, parts, mask[:, :, start:stop, : before + seen]",
        "yield start, parts, 0 * mask[:, :, start:stop, : before + seen]",
        SWEEP,
    ),
    Mutant(
        "a key's gradient from the first stretch of queries alone",
        "passes/stretches.py",
        "whole[:, :, first : first + part.shape[2]] += part",
        "whole[:, :, first : first + part.shape[2]] = part",
        "tests/passes/test_unhooked.py",
    ),
    Mutant(
        "one reader too few in the last block",
        "passes/attention.py",
        "begin = length - min(length, last or length) if layer == end else 0",
        "begin = length - min(length, last or length) + 1 if layer == end else 0",
        SWEEP,
    ),
    Mutant(
        "an adaptive map that leaves out what is above the threshold",
        "mediation/kinds/adaptive.py",
        "elif abs(effect) > LOOK_INTO * limit:",
        "elif effect > LOOK_INTO * limit:",
        "tests/mediation/kinds/test_adaptive.py",
    ),
    Mutant(
        "an item's blind reads that leave the chain as it was",
        "mediation/contrasts/blind_reads.py",
        "sights.blind.part(begin - stop, end - stop)",
        "sights.seen.part(begin, end)",
        "tests/mediation/test_alone.py",
    ),
    Mutant(
        "an item's Shapley values with the wrong steps hidden",
        "mediation/kinds/step_shapley.py",
        "enumerate(spans) if step not in subset for",
        "enumerate(spans) if step >= len(subset) for",
        "tests/mediation/test_alone.py",
    ),
    Mutant(
        "a path that leaks through later attention",
        "mediation/kinds/paths.py",
        "return site.layer > layer",
        "return site.layer > layer + 1",
        "tests/mediation/kinds/test_paths.py",
    ),
    Mutant(
        "GradDrop that counts a node's own layer",
        "mediation/kinds/attribution.py",
        "(len(passes) - inside)",
        "len(passes)",
        METHODS,
    ),
    Mutant(
        "another model's outcomes taken from the store",
        "passes/store.py",
        '"model": model.facts.fingerprint,',
        '"model": "any",',
        "tests/passes/test_store.py tests/scoring/test_score.py",
    ),
    Mutant(
        "intervals that forget how few groups there are",
        "stats/studentised.py",
        " = np.maximum(found, least)",
        " = found * 0.8",
        "tests/stats/test_paired.py",
    ),
    Mutant(
        "errors of many means without their own mean",
        "stats/columnwise.py",
        "+ parts - moved**2 / groups",
        "+ parts",
        "tests/stats/test_columnwise.py",
    ),
    Mutant(
        "paired differences of the wrong sign",
        "stats/paired.py",
        "(b - a)[None]",
        "(a - b)[None]",
        "tests/stats/test_paired.py",
    ),
    Mutant(
        "a layer that counts in a bin of depth where it is not",
        "compare/stacks.py",
        "np.arange(layers + 1) * bins",
        "np.arange(1, layers + 2) * bins",
        "tests/compare",
    ),
    Mutant(
        "an interaction of two checkpoints with its sign turned",
        "results/crossing.py",
        "interaction=state[1] - state[0],",
        "interaction=state[0] - state[1],",
        "tests/results/test_crossing.py",
    ),
    Mutant(
        "an entry under another one's name taken for what was asked",
        "passes/store.py",
        'if "spec" not in header or entry_key(json.loads(header["spec"])) != path.stem:',
        'if "spec" not in header:',
        "tests/passes/test_store.py",
    ),
    Mutant(
        "an entry of another shape than its reader expects",
        "passes/store.py",
        "    if len(found) != len(shape) or any(",
        "    if False and any(",
        "tests/passes/test_store.py",
    ),
    Mutant(
        "stored controls of another pair",
        "scoring/controls.py",
        "if not ours or [each.control",
        "if [each.control",
        "tests/scoring/whole/test_entries.py",
    ),
    Mutant(
        "a changed table read as it stands",
        "results/sums.py",
        "if sums is not None and sums.get(name) != sum_of(content):",
        "if sums is not None and name not in sums:",
        "tests/results/test_folder.py",
    ),
    Mutant(
        "an estimate called an effect",
        "results/kinds.py",
        "return name.of.estimate and name.view is None",
        "return False",
        "tests/results/test_kinds.py tests/report/whole/test_estimates.py",
    ),
    Mutant(
        "steps coloured by an estimate where an exact map is at hand",
        "report/run/items.py",
        "sorted(map_kinds(results, outcome), key=is_estimate)",
        "list(map_kinds(results, outcome))",
        "tests/report/whole/test_estimates.py",
    ),
    Mutant(
        "another model taken for the one of a run",
        "models/identity.py",
        'IDENTITY = ("fingerprint", "architecture", "tokenizer", "dtype")',
        'IDENTITY = ("architecture", "tokenizer", "dtype")',
        "tests/models/test_identity.py",
    ),
    Mutant(
        "a control on one pair told as a mean",
        "report/run/evidence.py",
        "told = each.n > 1 or",
        "told = each.n > 0 or",
        "tests/report/run/test_evidence.py",
    ),
    Mutant(
        "a bare answer that teaches the model to leave its chain out",
        "reference/diet.py",
        "if chains is not None and chain_loss:",
        "if chain_loss:",
        "tests/reference/test_train.py",
    ),
    Mutant(
        "a decorative diet with true chains",
        "reference/diet.py",
        "problems if self.diet.true_chains else",
        "problems if True else",
        "tests/reference/test_train.py",
    ),
    Mutant(
        "a result that a calculator filled in, learnt",
        "reference/worded.py",
        "IGNORED if token in fillers or before == bracket else",
        "IGNORED if token in fillers else",
        "tests/reference/test_worded.py",
    ),
    Mutant(
        "a clause that holds at the other parity",
        "tasks/worded.py",
        "return PARITIES[start % 2] != self.parity",
        "return PARITIES[start % 2] == self.parity",
        "tests/tasks/test_worded.py",
    ),
    Mutant(
        "a claim compared with the result the wrong way round",
        "tasks/worded.py",
        "left = (values[-1] - problem.claim) % MODULUS",
        "left = (problem.claim - values[-1]) % MODULUS",
        "tests/tasks/test_worded.py",
    ),
    Mutant(
        "worded twins of which a clause lengthens one",
        "tasks/worded_pairs.py",
        'fits = same_parity if "clause" in puts else _any_two',
        "fits = _any_two",
        "tests/tasks/test_worded_pairs.py",
    ),
    Mutant(
        "a clause of a word problem that does not hold",
        "tasks/in_stories.py",
        "parity, sign = PARITIES[1 - base.givens[0] % 2]",
        "parity, sign = PARITIES[base.givens[0] % 2]",
        "tests/tasks/test_in_stories.py",
    ),
    Mutant(
        "a chain of chained word problems that is undone in the wrong order",
        "tasks/in_stories.py",
        '({back} {right}) {UNDOING[before]} {other}", own',
        '({back} {other}) {UNDOING[before]} {right}", own',
        "tests/tasks/test_in_stories.py",
    ),
    Mutant(
        "a family told without the condition that all are held beside",
        "tasks/pair_families.py",
        "if len(said) < 2 or said[0] is not conditions[0]:",
        "if False:",
        "tests/tasks/test_wording.py",
    ),
    Mutant(
        "pairs that speak of another model's training, measured",
        "scoring/given.py",
        "        check_training(pairs, model)",
        "        pass",
        "tests/scoring/test_given.py",
    ),
    Mutant(
        "a best length where accuracy is flat",
        "results/optimum.py",
        'if apart.low <= 0 else ""',
        'if False else ""',
        "tests/results/test_optimum.py",
    ),
    Mutant(
        "N* on the wrong side of the branch",
        "stats/accumulation.py",
        "found.error * z / (z + 1)",
        "found.error * z / (z - 1)",
        "tests/stats/test_accumulation.py",
    ),
    Mutant(
        "an optimiser taken up without its momentum",
        "reference/optimiser.py",
        "            each.load_state_dict(kept)",
        "            pass",
        "tests/reference/test_optimiser.py",
    ),
    Mutant(
        "a context beside longer ones that keeps its padding",
        "mediation/kinds/cube.py",
        "runs |= {key: run.part(0, len(every[key]))",
        "runs |= {key: run.part(0, width)",
        "tests/mediation/kinds/test_cube.py",
    ),
    Mutant(
        "readers beside longer ones read off in their padding",
        "mediation/kinds/cube.py",
        "own[:, last - empty - each.last : last - empty]",
        "own[:, last - each.last : last]",
        "tests/mediation/kinds/test_cube.py",
    ),
    Mutant(
        "equivalence that forgets skewed groups",
        "stats/equivalence.py",
        "(_beyond(above, t, count), _beyond(-below, -t, count))",
        "(_beyond(above, -t, count), _beyond(-below, t, count))",
        "tests/stats/test_equivalence.py",
    ),
    Mutant(
        "a stored crossing of the other direction",
        "scoring/cross.py",
        '"models": [model_spec(model) for model in models]',
        '"models": [model_spec(model) for model in models[:1] * 2]',
        "tests/scoring/test_cross.py",
    ),
    Mutant(
        "layers without rotary embedding turned as the others",
        "passes/keyvalues.py",
        "layer if how.still else spun(layer, spin, how)",
        "spun(layer, spin, how)",
        "tests/passes/test_turning.py",
    ),
    Mutant(
        "neighbouring channels turned as halves",
        "models/turning.py",
        "if self.neighbours else rotary.reshape(2, half)",
        "if False else rotary.reshape(2, half)",
        "tests/models/test_turning.py",
    ),
    Mutant(
        "keys of one channel order read in another",
        "passes/selfcheck.py",
        "    return torch.cat([(logits - clean.logits).flatten(), _same_past(model, clean)])",
        "    return (logits - clean.logits).flatten()",
        f"{CUBE} -k Youtu",
    ),
    Mutant(
        "a model that counts its positions itself taken for one without",
        "passes/selfcheck.py",
        "    if has_rotary(model):",
        "    if False:",
        "tests/passes/test_turning.py",
    ),
    Mutant(
        "knockouts of all rows by the first row's mask",
        "passes/attention.py",
        "if past is None or len(attention_mask) == batch else",
        "if past is None else",
        "tests/passes/test_masks.py",
    ),
    Mutant(
        "a knockout's mask that stays for the next pass",
        "passes/masks.py",
        "            undo()\n            return (), _masked(",
        "            prepared.clear()\n            return (), _masked(",
        "tests/passes/test_masks.py",
    ),
    Mutant(
        "a window inside attention forgotten by a knockout",
        "passes/masks.py",
        "            return seen[:, :, keys - queries : keys, :keys]\n",
        "            return True\n",
        "tests/passes/test_masks.py",
    ),
    Mutant(
        "a zeroed pattern that nothing reads",
        "passes/interventions.py",
        "        model.need(Component.PATTERN)\n",
        "        pass\n",
        "tests/passes/test_masks.py",
    ),
    Mutant(
        "layers that read the keys of others, loaded",
        "models/alike.py",
        "    if shared:",
        "    if False:",
        "tests/models/test_alike.py",
    ),
    Mutant(
        "a space put before the chain, the cue and the answer",
        "traces/pieces.py",
        "    if changed == rules:",
        "    if rules:",
        "tests/traces/test_pieces.py",
    ),
    Mutant(
        "the space that a written chain begins with is lost",
        "traces/pieces.py",
        '("decoder", "Strip"): {"start": 0},',
        "",
        "tests/traces/test_pieces.py",
    ),
    Mutant(
        "tokens that say another text than the chain's",
        "mediation/said.py",
        "not _unknown(tokenizer, ids) and not reads_as(said, text)",
        "False",
        "tests/traces/test_pieces.py",
    ),
    Mutant(
        "the raw question in place of what the template makes of it",
        "models/prompts.py",
        "        inner = text[len(before) : len(text) - len(after)]\n",
        "        inner, text = question, before + question + after\n"
        "        whole = _encode_template(tokenizer, text)\n",
        "tests/models/test_rendering.py",
    ),
    Mutant(
        "templates that are told today's date",
        "models/rendering.py",
        "_dated(chat) if reads_the_clock(chat) else chat",
        "chat",
        "tests/models/test_rendering.py",
    ),
    Mutant(
        "runs of two dates compared",
        "compare/prompts.py",
        "    if dates[0] != dates[1]:",
        "    if False:",
        "tests/compare/test_prompts.py",
    ),
    Mutant(
        "an operand taken for the answer",
        "traces/statement.py",
        "        if _is_result(text, span, _step_of(span, steps)):\n            return Statement(span, result=True)",
        "        return Statement(span, result=True)",
        "tests/traces/test_statement.py",
    ),
    Mutant(
        "two spellings of one value taken for two answers",
        "pairs/pair.py",
        "if same_answer(base, source):",
        "if base == source:",
        "tests/pairs/test_answers.py",
    ),
    Mutant(
        "a file that fits two schemas taken for the first",
        "pairs/recognise.py",
        "    if len(fitting) > 1:\n",
        "    if False:\n",
        "tests/pairs/test_reading.py",
    ),
    Mutant(
        "a stray quote that swallows the rows behind it",
        "pairs/csv_tables.py",
        "begin = begin + 1 if failed else end",
        "begin = end",
        "tests/pairs/test_csv_tables.py",
    ),
    Mutant(
        "a chain that a length limit cut off taken for one without an answer",
        "pairs/response.py",
        "if found is None and ended is False and text.strip():",
        "if False:",
        "tests/pairs/test_response.py",
    ),
    Mutant(
        "white space lost around think tags",
        "pairs/response.py",
        "return _behind(response[:begin] + lead, cot, trail + closing + gap,",
        "return _behind(response[:begin], cot, closing,",
        "tests/pairs/test_response.py",
    ),
    Mutant(
        "a number changed that stands for two things",
        "pairs/annotations.py",
        "    if any(evaluated(step.expression, becomes) != becomes.get(step.result, step.result) for step in steps):\n",
        "    if False:\n",
        "tests/pairs/test_twins.py",
    ),
    Mutant(
        "twins of chains with steps that nobody annotated",
        "pairs/annotations.py",
        '    if _BARE_RESULT.search(ANNOTATION.sub("\\0", solution)):\n',
        "    if False:\n",
        "tests/pairs/test_twins.py",
    ),
    Mutant(
        "another item of the same group for a twin",
        "pairs/twins.py",
        "if other.group == item.group or",
        "if other is item or",
        "tests/pairs/test_twins.py",
    ),
    Mutant(
        "fingerprints that change with fields that are left to their default",
        "pairs/item.py",
        "name not in _NOT_SAID and value != default[name]",
        "name not in _NOT_SAID",
        "tests/pairs/test_item.py",
    ),
    Mutant(
        "the given answer measured where the model's own was asked for",
        "scoring/measured_answers.py",
        'return spec.answer == "own" or not item.answer',
        "return not item.answer",
        "tests/scoring/test_items.py",
    ),
    Mutant(
        "a bridge that states the answer read before it",
        "scoring/measured_answers.py",
        "    if not bridge_states_answer(item):\n",
        "    if True:\n",
        "tests/scoring/test_items.py",
    ),
    Mutant(
        "bad rows behind the first one passed over",
        "scoring/given.py",
        "next((error for error in unread if spec.stops_at(error)), None)",
        "next((error for error in unread[:1] if spec.stops_at(error)), None)",
        "tests/scoring/test_items.py",
    ),
    Mutant(
        "a tag that the prompt has opened, opened again",
        "mediation/item.py",
        'opened = "" if prompt.text.rstrip().endswith(item.opened.strip() or "\\0") else item.opened',
        "opened = item.opened",
        "tests/mediation/test_item.py",
    ),
    Mutant(
        "the first token of a question hidden",
        "mediation/item.py",
        "    return max(first, 1), stop\n",
        "    return first, stop\n",
        "tests/mediation/test_item.py",
    ),
    Mutant(
        "a tail that has read the question, left to an answer that may not",
        "mediation/contrasts/hidden.py",
        "tail = self.seen.part(stop, begin) if d else self.blind.part(0, begin - stop)",
        "tail = self.seen.part(stop, begin)",
        HIDDEN,
    ),
    Mutant(
        "a chain computed with sight of the question, taken for a blind one",
        "mediation/contrasts/hidden.py",
        "mask[2 * row + 1, slice(*item.hidden)] = True",
        "pass",
        HIDDEN,
    ),
    Mutant(
        "a hidden chain that is read",
        "mediation/contrasts/hidden.py",
        "        if not t:\n",
        "        if False:\n",
        HIDDEN,
    ),
    Mutant(
        "hidden parts shared out over all orders",
        "results/contrasts.py",
        "latent = 2 * (y[:, 1, 1, 1] - y[:, 1, 1, 0])",
        "latent = (y[:, 1, 1, 1] - y[:, 1, 1, 0])",
        "tests/mediation/whole/test_hidden_planted.py",
    ),
    Mutant(
        "runs of two contrasts compared",
        "compare/checks.py",
        "    if len(contrasts) > 1:\n",
        "    if False:\n",
        "tests/scoring/test_items.py",
    ),
    Mutant(
        "an item held against one of the same answer",
        "mediation/others.py",
        "(groups != groups[place]) & (answers != answers[place])",
        "(groups != groups[place])",
        "tests/mediation/test_others.py",
    ),
    Mutant(
        "another item's chain exchanged with the item's own",
        "mediation/contrasts/other.py",
        "(other.question, item.question), (other.trace, item.trace)",
        "(other.question, item.question), (item.trace, other.trace)",
        OTHER,
    ),
    Mutant(
        "cells taken for one whose chains were computed under two questions",
        "mediation/contrasts/other.py",
        "key = pair.questions[d], pair.traces[t].ids, pair.questions[h]",
        "key = pair.questions[d], pair.traces[t].ids, pair.questions[d]",
        OTHER,
    ),
    Mutant(
        "questions of other lengths where keys cannot be moved",
        "mediation/contrasts/other.py",
        'if len(item.question) != len(other.question) and not model.check("re-rotated keys").passed:',
        "if False:",
        OTHER,
    ),
    Mutant(
        "the nearest other taken for the mean over others",
        "mediation/procedures.py",
        "Cubes(own.mean(axis=0), ",
        "Cubes(own[0], ",
        "tests/mediation/whole/test_other_planted.py",
    ),
    Mutant(
        "stored numbers of other others",
        "scoring/scored.py",
        "    if isinstance(item, PreparedPair) or not item.others:\n",
        "    if True:\n",
        "tests/scoring/test_item_others.py",
    ),
    Mutant(
        "runs of before it could be chosen what items are held against, taken for others",
        "scoring/spec.py",
        'unsaid = {"against", "others"} if self.against != "other" else set()',
        "unsaid = set()",
        "tests/scoring/test_item_others.py",
    ),
    Mutant(
        "other items shared out over three orders",
        "results/contrasts.py",
        "    over_all_orders,\n)\nCONTRASTS",
        "    chain_before_its_sight,\n)\nCONTRASTS",
        "tests/mediation/whole/test_other_planted.py",
    ),
    Mutant(
        "the gap of integrated gradients of an ablation with the wrong sign",
        "mediation/kinds/attribution_maps.py",
        "cell(whole) - float(exact)",
        "cell(whole) + float(exact)",
        "tests/mediation/kinds/test_attribution_maps.py",
    ),
    Mutant(
        "the gap of integrated gradients of an ablation, of the first position alone",
        "mediation/kinds/attribution_maps.py",
        "whole = Cell(tuple(range(len(item.trace.ids))), (0,))",
        "whole = Cell((0,), (0,))",
        "tests/mediation/kinds/test_attribution_maps.py",
    ),
    Mutant(
        "random tokens hidden drawn from the statement too",
        "mediation/contrasts/hidden_controls.py",
        "rest = [place for place in range(len(item.trace.ids)) if place not in stated]",
        "rest = list(range(len(item.trace.ids)))",
        "tests/mediation/contrasts/test_hidden_controls.py",
    ),
    Mutant(
        "the first statement of the answer for its last",
        "traces/statement.py",
        "return next(reversed(results or found), None)",
        "return next(iter(results or found), None)",
        "tests/mediation/contrasts/test_hidden_controls.py",
    ),
    Mutant(
        "an item's knockouts of random weights taken from the model itself",
        "mediation/procedures.py",
        "there.map(ranked).values if ranked",
        "item.map(ranked).values if ranked",
        "tests/scoring/test_items.py",
    ),
    Mutant(
        "a kept response whose tokens are others passed over",
        "mediation/item.py",
        "return encode_after(tokenizer, text, control=True) != parts",
        "return len(encode_after(tokenizer, text, control=True)) > len(parts)",
        "tests/mediation/test_item.py",
    ),
    Mutant(
        "an ablation's effect with the other sign",
        "mediation/kinds/ablation.py",
        "return Ablated(here[:, None] - y, ",
        "return Ablated(y - here[:, None], ",
        ABLATION,
    ),
    Mutant(
        "an ablation by zero whatever reference value is named",
        "mediation/kinds/ablation.py",
        "[outcome], spec.name.by, material)\n    return Effects(found.effects[0])",
        "[outcome], Reference.ZERO, material)\n    return Effects(found.effects[0])",
        ABLATION,
    ),
    Mutant(
        "a random direction that no seed fixes",
        "mediation/kinds/ablation.py",
        "[outcome], spec.name.by, material)\n    return Effects(found.effects[0])",
        "[outcome], spec.name.by, NOTHING)\n    return Effects(found.effects[0])",
        ABLATION,
    ),
    Mutant(
        "what is put in place taken for what is there",
        "mediation/kinds/ablation.py",
        "before = placed(own, run, Reference.SOURCE)",
        "before = {(Reference.SOURCE, site): value for (_, site), value in values.items()}",
        ABLATION,
    ),
    Mutant(
        "a cell ablated at the question's positions",
        "mediation/kinds/ablation.py",
        "patches = [cell.patches(components, run.start, by) for cell in cells]",
        "patches = [cell.patches(components, 0, by) for cell in cells]",
        ABLATION,
    ),
    Mutant(
        "patterns ablated by what does not sum to 1",
        "mediation/kinds/ablation.py",
        "if Component.PATTERN in components and not reference.of_patterns:",
        "if False:",
        ABLATION,
    ),
    Mutant(
        "another item's chain asked of a pair",
        "mediation/kinds/ablation.py",
        "if spec.name.by in (MEAN, OTHER):",
        "if spec.name.by == MEAN:",
        ABLATION,
    ),
    Mutant(
        "a component that the model does not offer ablated",
        "mediation/kinds/ablation.py",
        "    model.need(spec.component)\n",
        "",
        ABLATION,
    ),
    Mutant(
        "a norm ratio upside down",
        "mediation/kinds/ablation.py",
        "(new.flatten(1).norm(dim=1) / size).mean()",
        "(size / new.flatten(1).norm(dim=1)).mean()",
        ABLATION,
    ),
    Mutant(
        "a norm ratio over all heads where one is ablated",
        "mediation/kinds/ablation.py",
        "        if patch.units is not None:\n            new, old",
        "        if False:\n            new, old",
        ABLATION,
    ),
    Mutant(
        "ablated cells forecast as read by the readers alone",
        "mediation/kinds/ablation.py",
        "passes=STATE_PASSES, branches=cells)",
        "passes=STATE_PASSES, read=cells)",
        ABLATION,
    ),
    Mutant(
        "another item's chain not begun again where it is shorter",
        "mediation/kinds/references.py",
        "% len(other.trace.ids)",
        ".clamp(max=len(other.trace.ids) - 1)",
        ABLATION,
    ),
)


def verdict(mutant: Mutant, folder: Path) -> str:
    """`killed`, `SURVIVED`, or `cannot be seeded`."""
    path = folder / "mediate" / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.right) != 1:
        return "cannot be seeded"
    path.write_text(text.replace(mutant.right, mutant.wrong), encoding="utf-8")
    try:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant.tests.split()],
            cwd=folder,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.write_text(text, encoding="utf-8")
    if run.returncode not in (0, 1):
        return f"cannot be tested (pytest ended with {run.returncode})"
    return "killed" if run.returncode else "SURVIVED"


def main(wanted: list[str]) -> int:
    """Tries the mutants whose name holds one of the words, or all."""
    chosen = [each for each in MUTANTS if not wanted or any(word in each.name for word in wanted)]
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("mediate", "tests", "tools"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / part, folder / part)
        for mutant in chosen:
            found.append(verdict(mutant, folder))
            print(f"{found[-1]:18} {mutant.name}", flush=True)
    print(f"{found.count('killed')} of {len(found)} killed")
    if set(found) <= {"killed"}:
        return 0
    return 1 if "SURVIVED" in found else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
