"""The identities that an exact causal toolkit satisfies, as properties, and a Llama by hand to compare everything with.

`plain` is the hand-written Llama, `test_plain` what mediate measures on it, `draws` the generators. Tolerances: B
bitwise; F 1e-10 in float64 and else 1e-5, times the size of the logits; C convergence.

| identity | where |
| --- | --- |
| I01-I04, I06-I10 | test_composition |
| I05 | test_hygiene |
| I11 | test_cut_sets, at what enters the first block: no site is offered at the embeddings |
| I12-I18 | test_cut_sets; I17's `hook_result` is not offered, its sum is of `z` head by head |
| I19 | test_cut_sets, with the final norm by hand: no site is offered after it |
| I20-I24 | test_causality; bitwise between passes of one shape, F between rows of one pass |
| I25-I35 | test_knockout; I27, I29 and I33 on fixed seeds |
| I36-I41, I43-I45 | test_mediation; I37 on fixed seeds; I41 without the bridge's compatibility mode |
| I42 | test_mediation with drawn weights; tests/mediation/kinds/test_cube with named ones |
| I46 | test_attribution, at the logits themselves: no site is offered after the final norm |
| I47-I52 | test_attribution; I51 without edges; all cells: tests/mediation/kinds/test_attribution |
| I53, I56-I61, I64 | test_execution; I59 on the CPU, as its steps on a GPU need one |
| I54, I55 | test_execution: answers are padded at the end of their rows, prompts at the front in generation, contexts |
|  | never. Values that are NaN are refused, so that the garbage in the pads is finite |
| I62 | test_execution for the order of items; Ray is not used yet |
| I63 | tests/scoring/test_score: an interrupted run is taken up again |
| I65 | test_execution; tests/scoring/test_score with equal bits |
| I66 | tests/traces/test_trace and test_steps; parts are tokenised on their own, so that their ids are not those |
|  | of the whole text, by design |
| metamorphic | test_mediation: scaled unembedding, permuted heads |
"""
