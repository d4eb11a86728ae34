import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_hex

from mediate.errors import InputError
from mediate.figures import CHANNEL_COLOURS, channels_size, detached, plot_channels
from mediate.figures.channels import MOST_BARS, stacked
from mediate.results import CHANNELS, Cube, set_effects, shapley, total_effect
from mediate.results.cube import select
from tests.figures.artists import faults
from tests.figures.records import fake_results


def bars_by_channel(ax: matplotlib.axes.Axes) -> dict[str, list[matplotlib.patches.Rectangle]]:
    bars: dict[str, list[matplotlib.patches.Rectangle]] = {}
    for container in ax.containers:
        bars[container.get_label()] = list(container)
    return bars


def test_bars_are_the_shapley_values_and_end_at_the_total_effect() -> None:
    cube = fake_results().cubes[0]
    values, te = shapley(cube.y), total_effect(cube.y)
    with detached(channels_size(cube)) as (_, ax):
        plot_channels(cube, ax=ax)
    bars = bars_by_channel(ax)
    assert tuple(bars) == CHANNELS
    for column, channel in enumerate(CHANNELS):
        widths = [bar.get_width() for bar in bars[channel]]
        np.testing.assert_allclose(widths[:-1], values[:, column])
        np.testing.assert_allclose(widths[-1], values[:, column].mean())
        assert {to_hex(bar.get_facecolor()) for bar in bars[channel]} == {CHANNEL_COLOURS[channel].lower()}
    for row in range(len(te)):
        ends = [bar for channel in CHANNELS for bar in [bars[channel][row]]]
        high = max(0.0, *(bar.get_x() + bar.get_width() for bar in ends if bar.get_width() > 0))
        low = min(0.0, *(bar.get_x() + bar.get_width() for bar in ends if bar.get_width() < 0), 0.0)
        assert high + low == pytest.approx(te[row])


def test_stacked_bars_neither_overlap_nor_leave_gaps() -> None:
    starts = stacked(np.array([[1.0, -2.0, 3.0], [-1.0, -1.0, -1.0], [0.0, 2.0, 0.5]]))
    np.testing.assert_allclose(starts, [[0.0, 0.0, 1.0], [0.0, -1.0, -2.0], [0.0, 0.0, 2.0]])


def test_items_without_a_share_have_a_hollow_mark() -> None:
    cube = fake_results().cubes[0]
    with detached(channels_size(cube)) as (_, ax):
        plot_channels(cube, min_te=0.1, ax=ax)
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert [list(line.get_xdata()) for line in hollow] == [[pytest.approx(total_effect(cube.y)[4])]]
    assert hollow[0].get_label() == "|TE| ≤ 0.1: no share of its own"
    with detached(channels_size(cube)) as (_, ax):
        plot_channels(cube, min_te=0.0, ax=ax)
    assert not [line for line in ax.lines if line.get_markerfacecolor() == "white"]


def test_the_mean_has_the_bootstrap_interval() -> None:
    cube = fake_results().cubes[0]
    with detached(channels_size(cube)) as (_, ax):
        plot_channels(cube, seed=3, level=0.8, ax=ax)
    mean = set_effects(cube, seed=3, level=0.8)["te"]
    (segment,) = [each.get_segments()[0] for each in ax.collections if "interval" in str(each.get_label())]
    np.testing.assert_allclose(segment[:, 0], [mean.low, mean.high])
    one_group = select(cube, [item for item, group in zip(cube.items, cube.groups, strict=True) if group == "apples"])
    with detached(channels_size(one_group)) as (_, ax):
        plot_channels(one_group, ax=ax)
    assert not ax.collections


def test_labels_name_the_unit_and_every_item() -> None:
    cube = fake_results().cubes[0]
    with detached(channels_size(cube)) as (_, ax):
        plot_channels(cube, ax=ax)
    assert ax.get_xlabel() == "effect on logit_diff (nats; positive: towards the base answer)"
    assert [text.get_text() for text in ax.get_yticklabels()] == [*cube.items, "mean, n = 12"]


def test_more_items_than_bars_are_all_points() -> None:
    cube = fake_results(MOST_BARS + 30).cubes[0]
    with detached(channels_size(cube)) as (figure, ax):
        plot_channels(cube, ax=ax)
        assert faults(figure) == []
    values = dict(zip(CHANNELS, shapley(cube.y).T, strict=True)) | {"te": total_effect(cube.y)}
    clouds = {line.get_label(): np.sort(line.get_xdata()) for line in ax.lines if line.get_label() in values}
    assert clouds.keys() == values.keys()
    for name, value in values.items():
        np.testing.assert_allclose(clouds[name], np.sort(value))
    assert "n = 60 items, 1 with |TE| ≤ 0.1" in [each.get_text() for each in ax.get_legend().get_texts()]


@pytest.mark.parametrize("count", [1, 2, 12, MOST_BARS])
def test_nothing_is_cut_or_overlaps(count: int) -> None:
    cube = fake_results(count).cubes[0]
    long = tuple(f"$\\frac{{$ {item} with a long name" for item in cube.items)
    with detached(channels_size(cube)) as (figure, ax):
        plot_channels(Cube(cube.y, long, cube.groups, "$\\frac{$ with _a_ long name"), ax=ax)
        assert faults(figure) == []


def test_no_items_is_an_error_and_leaves_no_figure() -> None:
    before = pyplot.get_fignums()
    with pytest.raises(InputError, match="no item was measured"):
        plot_channels(select(fake_results().cubes[0], []))
    assert pyplot.get_fignums() == before


def test_new_axes_are_pyplots_and_settings_stay_as_they_were() -> None:
    before, settings = pyplot.get_fignums(), dict(matplotlib.rcParams)
    ax = plot_channels(fake_results().cubes[0])
    assert [pyplot.figure(number) for number in pyplot.get_fignums() if number not in before] == [ax.figure]
    assert dict(matplotlib.rcParams) == settings
    pyplot.close(ax.figure)


def test_given_axes_are_used_and_pyplot_hears_nothing() -> None:
    before = pyplot.get_fignums()
    with detached((4.0, 3.0)) as (_, ax):
        assert plot_channels(fake_results().cubes[0], ax=ax) is ax
    assert pyplot.get_fignums() == before


def test_a_failure_while_drawing_leaves_no_figure_open(monkeypatch: pytest.MonkeyPatch) -> None:
    before = pyplot.get_fignums()
    monkeypatch.setattr("mediate.figures.channels.effect_label", lambda outcome: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        plot_channels(fake_results().cubes[0])
    assert pyplot.get_fignums() == before


def test_channel_colours_are_told_apart_in_grey() -> None:
    grey = sorted(np.dot(matplotlib.colors.to_rgb(each), [0.2126, 0.7152, 0.0722]) for each in CHANNEL_COLOURS.values())
    assert min(np.diff(grey)) > 0.08
