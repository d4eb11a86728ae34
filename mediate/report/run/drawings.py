"""The figures of a run that a user asks for by name, each with the table that it is drawn from."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from mediate.figures.agreement import agreement_data, plot_agreement_of_maps
from mediate.figures.along import along_kinds_data, plot_along
from mediate.figures.arcs import arcs_data, plot_arcs
from mediate.figures.attributed_item import attribution_data, plot_attribution
from mediate.figures.before_answer import before_answer_data, plot_before_answer
from mediate.figures.by_step import by_step_data, plot_by_step
from mediate.figures.channels import channels_data
from mediate.figures.conditions import conditions_data, plot_conditions
from mediate.figures.controls import controls_data, plot_controls
from mediate.figures.grafts import grafts_data, plot_grafts
from mediate.figures.graph import graph_data, plot_interactions, plot_step_graph
from mediate.figures.grid import grid_data, plot_grid
from mediate.figures.layers import layers_data
from mediate.figures.over import Align
from mediate.figures.positions import plot_positions, positions_data
from mediate.figures.sensitivity import plot_sensitivity, sensitivity_data
from mediate.figures.share_spread import plot_share_spread, share_spread_data
from mediate.figures.shares import shares_data
from mediate.figures.steps import plot_step_layer, steps_data
from mediate.figures.style import Place
from mediate.figures.waterfall import plot_waterfall, waterfall_data
from mediate.report.analysis import analysis_of
from mediate.report.drawing import drawing
from mediate.report.run.chosen_maps import STEP_LAYER, WITH_HEADS, WITH_POSITIONS, ChosenMaps, end_for, one_of
from mediate.report.run.conditions import conditions_found
from mediate.report.run.drawn_maps import asked_of, origins, said_of
from mediate.report.run.evidence import control_summaries
from mediate.report.run.sensitivity import replaced_of
from mediate.results import Results
from mediate.results.outcomes import unit_of


@dataclass(frozen=True)
class Plots:
    """The figures of a run; each takes `ax` and returns the axes, and shows itself in a notebook.

    Each has its numbers as a data frame, `plot.steps.data()`, with the same arguments but `ax`. `outcome` is the first
    one where none is named, `kind` the first kind of map that the figure draws, and `align` from which end steps are
    counted: from the first, 0, or where chains differ in length to the last, -1.
    """

    results: Results

    @property
    def _of(self) -> ChosenMaps:
        return ChosenMaps(self.results)

    @drawing
    def shares(self, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """The set's shares; see `mediate.figures.plot_shares`."""
        return analysis_of(self.results).draw_shares(self.results.cube(outcome), ax)

    def _shares_data(self, outcome: str | None = None) -> pd.DataFrame:
        return shares_data(self.results.cube(outcome), **self._of.shared(outcome))

    @drawing
    def waterfall(self, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """From Y000 to Y111, channel by channel; see `mediate.figures.waterfall.plot_waterfall`."""
        return plot_waterfall(self.results.cube(outcome), ax=ax, **self._of.drawn())

    def _waterfall_data(self, outcome: str | None = None) -> pd.DataFrame:
        return waterfall_data(self.results.cube(outcome), **self._of.drawn())

    @drawing
    def channels(self, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Each item's channels; see `mediate.figures.plot_channels`."""
        return analysis_of(self.results).draw_channels(self.results.cube(outcome), ax)

    def _channels_data(self, outcome: str | None = None) -> pd.DataFrame:
        return channels_data(self.results.cube(outcome))

    @drawing
    def spread(self, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """The mediated share of each item, outliers by name; see `mediate.figures.share_spread`."""
        return plot_share_spread(self.results.cube(outcome), ax=ax, **self._of.shared(outcome))

    def _spread_data(self, outcome: str | None = None) -> pd.DataFrame:
        return share_spread_data(self.results.cube(outcome), min_te=self._of.shared(outcome)["min_te"])

    @drawing
    def before_answer(self, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """The shares with whole chains and with chains cut before the answer; see `mediate.figures.before_answer`."""
        return plot_before_answer(*self._of.cut(outcome), ax=ax, **self._of.shared(outcome))

    def _before_answer_data(self, outcome: str | None = None) -> pd.DataFrame:
        return before_answer_data(*self._of.cut(outcome), **self._of.shared(outcome))

    @drawing
    def controls(self, *, ax: Axes | None = None) -> Axes:
        """Each control beside the real effect; see `mediate.figures.controls.plot_controls`."""
        unit = unit_of(self.results.controls[0].outcome) if self.results.controls else ""
        return plot_controls(control_summaries(self.results, analysis_of(self.results)), unit=unit, ax=ax)

    def _controls_data(self) -> pd.DataFrame:
        return controls_data(control_summaries(self.results, analysis_of(self.results)))

    @drawing
    def sensitivity(self, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """What the answer loses with each replacement of the chain; see `mediate.figures.sensitivity`."""
        cube = self.results.cube(outcome)
        found = replaced_of(analysis_of(self.results), self.results, cube)
        return plot_sensitivity(found, outcome=cube.outcome, ax=ax)

    def _sensitivity_data(self, outcome: str | None = None) -> pd.DataFrame:
        return sensitivity_data(replaced_of(analysis_of(self.results), self.results, self.results.cube(outcome)))

    @drawing
    def conditions(self, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """The mediated share under each condition; see `mediate.figures.plot_conditions`."""
        cube = self.results.cube(outcome)
        return plot_conditions(conditions_found(self.results, cube), unit=unit_of(cube.outcome), ax=ax)

    def _conditions_data(self, outcome: str | None = None) -> pd.DataFrame:
        return conditions_data(conditions_found(self.results, self.results.cube(outcome)))

    @drawing
    def steps(
        self, outcome: str | None = None, *, kind: str | None = None, align: Align | None = None, ax: Axes | None = None
    ) -> Axes:
        """Mean effect by step and layer as a heat map; see `mediate.figures.plot_step_layer`."""
        maps = self._of.maps(outcome, kind, STEP_LAYER)
        return plot_step_layer(maps, align=end_for(maps, align), ax=ax, **self._of.drawn())

    def _steps_data(
        self, outcome: str | None = None, *, kind: str | None = None, align: Align | None = None
    ) -> pd.DataFrame:
        maps = self._of.maps(outcome, kind, STEP_LAYER)
        return steps_data(maps, align=end_for(maps, align), **self._of.drawn())

    @drawing
    def layers(
        self, outcome: str | None = None, *, kind: str | None = None, align: Align | None = None, ax: Axes | None = None
    ) -> Axes:
        """Mean effect by layer, a line a step; see `mediate.figures.plot_layers`."""
        maps = self._of.maps(outcome, kind, STEP_LAYER)
        return analysis_of(self.results).draw_layers(maps, ax, align=end_for(maps, align))

    def _layers_data(
        self, outcome: str | None = None, *, kind: str | None = None, align: Align | None = None
    ) -> pd.DataFrame:
        maps = self._of.maps(outcome, kind, STEP_LAYER)
        return layers_data(maps, align=end_for(maps, align), **self._of.drawn())

    @drawing
    def by_step(self, outcome: str | None = None, *, align: Align | None = None, ax: Axes | None = None) -> Axes:
        """Mean effect of each step in all layers at once, a line a kind; see `mediate.figures.by_step`."""
        kinds = self._of.kinds(outcome, ("step",), "knockout:step")
        return plot_by_step(kinds, align=end_for(kinds[0], align), ax=ax, **self._of.drawn())

    def _by_step_data(self, outcome: str | None = None, *, align: Align | None = None) -> pd.DataFrame:
        kinds = self._of.kinds(outcome, ("step",), "knockout:step")
        return by_step_data(kinds, align=end_for(kinds[0], align), **self._of.drawn())

    @drawing
    def components(self, outcome: str | None = None, *, axis: str = "layer", ax: Axes | None = None) -> Axes:
        """Mean effect of each layer (or head), a bar a component; see `mediate.figures.along.plot_along`."""
        return plot_along(self._of.kinds(outcome, (axis,), f"state.mlp_out:{axis}"), ax=ax, **self._of.drawn())

    def _components_data(self, outcome: str | None = None, *, axis: str = "layer") -> pd.DataFrame:
        return along_kinds_data(self._of.kinds(outcome, (axis,), f"state.mlp_out:{axis}"), **self._of.drawn())

    @drawing
    def heads(self, outcome: str | None = None, *, kind: str | None = None, ax: Axes | None = None) -> Axes:
        """Mean effect by layer and head; see `mediate.figures.grid.plot_grid`."""
        return plot_grid(self._of.maps(outcome, kind, WITH_HEADS), ax=ax, **self._of.drawn())

    def _heads_data(self, outcome: str | None = None, *, kind: str | None = None) -> pd.DataFrame:
        return grid_data(self._of.maps(outcome, kind, WITH_HEADS), **self._of.drawn())

    @drawing
    def positions(self, outcome: str | None = None, *, kind: str | None = None, ax: Axes | None = None) -> Axes:
        """Mean effect of CoT tokens, from where the answer is stated; see `mediate.figures.positions`."""
        maps = self._of.maps(outcome, kind, WITH_POSITIONS)
        return plot_positions(maps, origins(self.results), ax=ax, **self._of.drawn())

    def _positions_data(self, outcome: str | None = None, *, kind: str | None = None) -> pd.DataFrame:
        return positions_data(self._of.maps(outcome, kind, WITH_POSITIONS), origins(self.results), **self._of.drawn())

    @drawing
    def attribution(
        self,
        item: str | None = None,
        outcome: str | None = None,
        *,
        kind: str | None = None,
        layer: int | None = None,
        figure: Place | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """One item: tokens or steps down, layers across, both sides' marginals, and a layer's heads.

        The map over tokens where there is one, else over steps; see `mediate.figures.attributed_item`.

        Args:
            item: Its id; the first item that has a map by default.
            outcome: Of what the effects are.
            kind: The kind of map.
            layer: The layer whose heads are shown; by default that of the largest effect.
            figure: Where to draw, a figure or part of one.
            ax: Axes whose place the panels take, such as those of `pyplot.subplots`.
        """
        shown, beside, said = self._of.of_item(item, outcome, kind)
        asked = asked_of(self.results, shown.item)
        return plot_attribution(shown, beside, said=said, asked=asked, layer=layer, figure=ax or figure)

    def _attribution_data(
        self, item: str | None = None, outcome: str | None = None, *, kind: str | None = None
    ) -> pd.DataFrame:
        shown, beside, said = self._of.of_item(item, outcome, kind)
        return attribution_data(shown, beside, said=said)

    @drawing
    def graph(self, kind: str = "step_graph.read", *, align: Align | None = None, ax: Axes | None = None) -> Axes:
        """Mean effect of each step on what each later one states; see `mediate.figures.plot_step_graph`."""
        maps = self._of.graphs(kind)
        return plot_step_graph(maps, align=end_for(maps, align), ax=ax, **self._of.drawn())

    def _graph_data(self, kind: str = "step_graph.read", *, align: Align | None = None) -> pd.DataFrame:
        maps = self._of.graphs(kind)
        return graph_data(maps, align=end_for(maps, align), **self._of.drawn())

    @drawing
    def arcs(self, item: str | None = None, kind: str = "step_graph.read", *, ax: Axes | None = None) -> Axes:
        """One item's step graph as arcs over its text; see `mediate.figures.arcs.plot_arcs`."""
        graph = one_of(self._of.graphs(kind), item)
        return plot_arcs(graph, said_of(self.results, graph.item), ax=ax)

    def _arcs_data(self, item: str | None = None, kind: str = "step_graph.read") -> pd.DataFrame:
        return arcs_data(one_of(self._of.graphs(kind), item))

    @drawing
    def grafts(self, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """What is lost as more of the chain is the source's; see `mediate.figures.plot_grafts`."""
        return plot_grafts(self._of.grafts(outcome), ax=ax, **self._of.drawn())

    def _grafts_data(self, outcome: str | None = None) -> pd.DataFrame:
        return grafts_data(self._of.grafts(outcome), **self._of.drawn())

    @drawing
    def interactions(self, outcome: str | None = None, *, align: Align | None = None, ax: Axes | None = None) -> Axes:
        """What two steps do together beyond each alone; see `mediate.figures.plot_interactions`."""
        maps = self._of.interactions(outcome)
        return plot_interactions(maps, align=end_for(maps, align), ax=ax, **self._of.drawn())

    def _interactions_data(self, outcome: str | None = None, *, align: Align | None = None) -> pd.DataFrame:
        maps = self._of.interactions(outcome)
        return graph_data(maps, align=end_for(maps, align), **self._of.drawn())

    @drawing
    def agreement(self, outcome: str | None = None, *, kind: str | None = None, ax: Axes | None = None) -> Axes:
        """An estimate against exact patching; see `mediate.figures.agreement.plot_agreement_of_maps`."""
        return plot_agreement_of_maps(*self._of.estimated(outcome, kind), ax=ax)

    def _agreement_data(self, outcome: str | None = None, *, kind: str | None = None) -> pd.DataFrame:
        return agreement_data(*self._of.estimated(outcome, kind))
