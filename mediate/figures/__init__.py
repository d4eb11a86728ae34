"""Figures of what a run found: matplotlib, `ax` in and `ax` out."""

from mediate.figures.channels import channels_size, plot_channels
from mediate.figures.conditions import plot_conditions
from mediate.figures.difference import DepthLine, plot_difference, plot_difference_by_depth
from mediate.figures.grafts import plot_grafts
from mediate.figures.graph import plot_interactions, plot_step_graph
from mediate.figures.ladder import LadderLine, plot_ladder
from mediate.figures.layers import layer_means, plot_layers
from mediate.figures.paired import group_ratios, plot_paired
from mediate.figures.shares import plot_shares
from mediate.figures.steps import plot_step_layer
from mediate.figures.style import CHANNEL_COLOURS, detached
from mediate.figures.text import label, visible

__all__ = [
    "CHANNEL_COLOURS",
    "DepthLine",
    "LadderLine",
    "channels_size",
    "detached",
    "group_ratios",
    "label",
    "layer_means",
    "plot_channels",
    "plot_conditions",
    "plot_difference",
    "plot_difference_by_depth",
    "plot_grafts",
    "plot_interactions",
    "plot_ladder",
    "plot_layers",
    "plot_paired",
    "plot_shares",
    "plot_step_graph",
    "plot_step_layer",
    "visible",
]
