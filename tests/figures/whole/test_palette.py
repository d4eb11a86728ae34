"""No figure has a channel's colour for anything but that channel."""

import ast
from pathlib import Path

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import mediate.figures
from mediate.figures.style import CHANNEL_COLOURS, OTHER_COLOURS, run_colours
from mediate.report import Scores
from mediate.report.run.figures import run_figures
from mediate.results import Results
from tests.figures.test_crossing import fake_crossing
from tests.report.run.test_drawings import NAMES, results

__all__ = ["results"]
CHANNELS = {to_hex(each).lower() for each in CHANNEL_COLOURS.values()}
# Figures of channels, which alone have their colours.
OF_CHANNELS = {"shares", "channels", "waterfall", "before_answer"}


def colours(figure: Figure) -> set[str]:
    """The colours of all lines, bars, texts and collections."""
    found: set[str] = set()
    for axes in figure.axes:
        for line in axes.lines:
            found.add(to_hex(line.get_color()))
        for patch in axes.patches:
            found.add(to_hex(patch.get_facecolor()))
        for text in axes.texts:
            found.add(to_hex(text.get_color()))
        for each in axes.collections:
            found |= {to_hex(one) for one in np.atleast_2d(each.get_facecolor()) if len(one)}
            found |= {to_hex(one) for one in np.atleast_2d(each.get_edgecolor()) if len(one)}
    return found


def test_only_channels_have_their_colours(results: Results) -> None:
    plot = Scores(results).plot
    for name in (name for name in NAMES if name not in ("sensitivity", "conditions")):
        figure = Figure((7, 4))
        if name == "attribution":
            plot.attribution(figure=figure)
        else:
            getattr(plot, name)(ax=figure.subplots())
        assert bool(CHANNELS & colours(figure)) == (name in OF_CHANNELS), name


def test_what_is_split_of_a_change_has_no_channels_colour() -> None:
    from mediate.figures.crossing import plot_crossing

    figure = Figure((7, 4))
    plot_crossing(fake_crossing(), ax=figure.subplots())
    assert not CHANNELS & colours(figure)


def test_the_two_palettes_have_nothing_in_common() -> None:
    for count in range(1, 12):
        assert not CHANNELS & {to_hex(each) for each in run_colours(count)}
    assert not CHANNELS & {to_hex(each) for each in OTHER_COLOURS}


def test_a_channels_colour_is_spelt_in_one_place() -> None:
    for path in Path(mediate.figures.__path__[0]).glob("*.py"):
        if path.stem != "style":
            nodes = ast.walk(ast.parse(path.read_text("utf-8")))
            texts = {str(node.value).lower() for node in nodes if isinstance(node, ast.Constant)}
            assert not CHANNELS & texts, path.name


def test_every_figure_of_a_page_says_where_it_comes_from(results: Results) -> None:
    figures = run_figures(results)
    assert {"before-answer", "controls", "share-spread", "heads-state.z"} <= {each.name for each in figures}
    figure = Figure((7, 4))
    next(each for each in figures if each.name == "heads-state.z").draw(ax=figure.subplots())
    assert figure.get_supxlabel() == "smollm2-135m-instruct, 12 items measured, 2026-11-21"
