"""Draws figures: Vega-Lite specifications over records that `figures` computed. Decides nothing about the numbers.

Colours of text, axes and grid are left to the page, which knows whether it is light or dark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacetraders_lab.core.market import Activity, Operation, Supply
from spacetraders_lab.core.sayable import sayable
from spacetraders_lab.report.figures import NO_ACTIVITY
from spacetraders_lab.report.table import Record

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
Spec = dict[str, Any]

_SIDES = {Operation.BUY.value: "#c2573a", Operation.SELL.value: "#2c7a99"}
# From empty to full, readable on white and on black.
_SUPPLIES = {"SCARCE": "#b5532a", "LIMITED": "#d98b3a", "MODERATE": "#8a8f98", "HIGH": "#5b9bc4", "ABUNDANT": "#2f6fa3"}
_ACTIVITIES = [*(activity.value for activity in Activity), NO_ACTIVITY]
_HEAT = ["#f3ead8", "#e0a35c", "#a8402a"]
_QUIET = "#8a8f98"
# What a log axis is labelled with: round numbers, and no line between them.
_ROUND = {"values": [step * 10**power for power in range(-2, 5) for step in (1, 2, 5)]}
# Factors around 1; one beyond 4 is drawn at the edge.
_AROUND_1 = {"type": "log", "nice": False, "clamp": True, "domain": [0.25, 4]}
_FACTORS = {"values": [0.25, 0.5, 1, 2, 4]}
_FIVE = ["#6b9e78", "#d98b3a", "#b5532a", "#7a5ea8", _QUIET]


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawing: a specification without its data, the records it shows, and what to say of it.

    Layers over the data `overlay` show the second records: a fit.
    """

    name: str
    title: str
    caption: str
    spec: Spec
    records: tuple[Record, ...]
    overlay: tuple[Record, ...] = ()

    def whole(self) -> Spec:
        """The specification with its data in it; a figure that the data do not give is null, which is not drawn."""
        data = {"data": {"values": _short(self.records)}, "datasets": {"overlay": _short(self.overlay)}}
        whole: Spec = sayable({"$schema": SCHEMA} | data | self.spec)
        return whole


def heat_map_spec() -> Spec:
    """Supply x activity; the colour is the move on a log scale that every heat map shares."""
    heat = {
        "field": "percent",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [0.2, 40], "range": _HEAT, "clamp": True},
        "legend": None,
    }
    tooltip = _tooltip("supply", "activity", "percent", "low", "high", "markets", "trades")
    place = {
        "x": _ordinal("activity", _ACTIVITIES, axis={"orient": "top", "labelAngle": 0, "title": None}),
        "y": _ordinal("supply", [supply.value for supply in Supply], axis={"title": None}),
    }
    # on a thin cell, which is not filled, text has the colour of the page's
    colour = {
        "condition": [
            {"test": "!datum.thin && datum.percent > 9", "value": "#ffffff"},
            {"test": "!datum.thin", "value": "#2b2320"},
        ]
    }
    return {
        "width": "container",
        "height": {"step": 42},
        "encoding": place,
        "layer": [
            {
                "transform": [{"filter": "!datum.thin"}],
                "mark": {"type": "rect", "cornerRadius": 3},
                "encoding": {"fill": heat, "tooltip": tooltip},
            },
            {
                "transform": [{"filter": "datum.thin"}],
                "mark": {"type": "rect", "cornerRadius": 3, "fillOpacity": 0, "strokeWidth": 2, "strokeDash": [4, 3]},
                "encoding": {"stroke": heat, "tooltip": tooltip},
            },
            {
                "mark": {"type": "text", "fontSize": 13, "fontWeight": 600, "dy": -6},
                "encoding": {"text": {"field": "label"}, "color": colour},
            },
            {
                "mark": {"type": "text", "fontSize": 10, "dy": 9},
                "encoding": {"text": {"field": "range"}, "color": colour},
            },
        ],
    }


def curves_spec(exponent: float) -> Spec:
    """Raw runs as faint lines, the fit of each supply level as a line in a band; sizes count by their power."""
    counted = "" if exponent == 1 else f", each trade's to the power {exponent:.2f}"
    x = _number("volumes", f"tradeVolumes traded in the visit{counted}")
    colour = _colour("supply", _SUPPLIES)
    return {
        "width": "container",
        "height": 260,
        "layer": [
            {
                "mark": {"type": "line", "strokeWidth": 1, "opacity": 0.5},
                "encoding": {"x": x, "y": _number("percent", "move, %"), "detail": {"field": "run"}, "color": colour},
            },
            {
                "data": {"name": "overlay"},
                "mark": {"type": "area", "opacity": 0.18},
                "encoding": {
                    "x": x,
                    "y": _number("percent_low", "move, %"),
                    "y2": {"field": "percent_high"},
                    "color": colour,
                },
            },
            {
                "data": {"name": "overlay"},
                "mark": {"type": "line", "strokeWidth": 2.4},
                "encoding": {"x": x, "y": _number("percent", "move, %"), "color": colour},
            },
        ],
    }


def both_sides_spec() -> Spec:
    """A dumbbell for each cell: buying and selling, with intervals."""
    y = {"field": "cell", "type": "nominal", "axis": {"title": None, "labelLimit": 240}, "sort": None}
    x_title = "move by one tradeVolume, % (log scale)"
    log = {"type": "log", "nice": False}
    return {
        "width": "container",
        "height": {"step": 24, "for": "position"},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 1.2, "opacity": 0.7},
                "encoding": {
                    "y": y,
                    "yOffset": {"field": "side", "sort": list(_SIDES)},
                    "x": _number("percent_low", x_title, scale=log, axis=_ROUND),
                    "x2": {"field": "percent_high"},
                    "color": _colour("side", _SIDES),
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 46, "opacity": 1},
                "encoding": {
                    "y": y,
                    "yOffset": {"field": "side", "sort": list(_SIDES)},
                    "x": _number("percent", x_title, scale=log, axis=_ROUND),
                    "color": _colour("side", _SIDES),
                    "tooltip": _tooltip("cell", "side", "percent", "percent_low", "percent_high"),
                },
            },
        ],
    }


def forest_spec() -> Spec:
    """The ratio of both sides of each listing, with intervals and a line at 1."""
    y = {"field": "listing", "type": "nominal", "sort": None, "axis": {"title": None, "labelLimit": 220}}
    x = _number("ratio", "slope by buying / slope by selling (log scale)", scale=_AROUND_1, axis=_FACTORS)
    return {
        "width": "container",
        "height": {"step": 14},
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [3, 3], "color": _QUIET}, "encoding": {"x": {"datum": 1}}},
            {
                "mark": {"type": "rule", "strokeWidth": 1.2, "clip": True},
                "encoding": {"y": y, "x": x | {"field": "low"}, "x2": {"field": "high"}, "color": {"value": _QUIET}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 30, "opacity": 1},
                "encoding": {
                    "y": y,
                    "x": x,
                    "color": _colour("type", {"EXPORT": "#c2573a", "IMPORT": "#2c7a99", "EXCHANGE": _QUIET}),
                    "tooltip": _tooltip("listing", "type", "ratio", "low", "high"),
                },
            },
        ],
    }


def remaining_spec() -> Spec:
    """What was left of displacements against time, as points with a rug, and the fitted curve with its band."""
    x = _number("hours", "hours since the last trade of the visit", scale={"nice": False})
    fit: Spec = {"data": {"name": "overlay"}}
    line: Spec = {"color": _QUIET, "clip": True}
    return {
        "width": "container",
        "height": 260,
        "layer": [
            {
                "mark": {"type": "point", "filled": True, "size": 14, "opacity": 0.35, "clip": True},
                "encoding": {
                    "x": x,
                    "y": _number("share", "share of the move that is left", scale={"domain": [-0.5, 1.5]}),
                    "color": _colour("activity", dict(zip(_ACTIVITIES, _FIVE, strict=True))),
                    "tooltip": _tooltip("type", "activity", "side", "hours", "share"),
                },
            },
            {
                "mark": line | {"type": "tick", "thickness": 1, "opacity": 0.35, "size": 7, "y": "height"},
                "encoding": {"x": x},
            },
            fit
            | {
                "mark": line | {"type": "area", "opacity": 0.15},
                "encoding": {"x": x, "y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
            },
            fit
            | {
                "mark": line | {"type": "line", "strokeWidth": 2},
                "encoding": {"x": x, "y": {"field": "share", "type": "quantitative"}},
            },
        ],
    }


def scatter_spec(field: str, title: str, *, log: bool = False) -> Spec:
    """Standardised residuals against one thing, with a line at 0."""
    scale = {"type": "log", "nice": False} if log else {"zero": False, "nice": False}
    return {
        "width": "container",
        "height": 170,
        "layer": [
            {"mark": {"type": "rule", "color": _QUIET, "strokeDash": [3, 3]}, "encoding": {"y": {"datum": 0}}},
            {
                "mark": {"type": "point", "filled": True, "size": 10, "opacity": 0.4, "clip": True},
                "encoding": {
                    "x": _number(field, title, scale=scale, axis=_ROUND if log else None),
                    "y": _number("residual", "residual, SD", scale={"domain": [-5, 5]}),
                    "color": _colour("side", _SIDES),
                },
            },
        ],
    }


def diagonal_spec(x: str, y: str, x_title: str, y_title: str, span: Sequence[float]) -> Spec:
    """Points against each other, with the line on which both are equal."""
    line = {"values": [{"at": span[0]}, {"at": span[1]}]}
    return {
        "width": "container",
        "height": 220,
        "layer": [
            {
                "data": line,
                "mark": {"type": "line", "color": _QUIET, "strokeDash": [3, 3]},
                "encoding": {"x": _number("at", x_title), "y": _number("at", y_title)},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 26, "opacity": 0.75},
                "encoding": {"x": _number(x, x_title), "y": _number(y, y_title), "color": _colour("side", _SIDES)},
            },
        ],
    }


def caterpillar_spec() -> Spec:
    """Each listing's factor with its interval, by rank, and a line at 1."""
    x = {"field": "rank", "type": "quantitative", "axis": {"title": "listings, by rank"}, "scale": {"nice": False}}
    return {
        "width": "container",
        "height": 220,
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [3, 3], "color": _QUIET}, "encoding": {"y": {"datum": 1}}},
            {
                "mark": {"type": "rule", "strokeWidth": 1, "opacity": 0.6},
                "encoding": {
                    "x": x,
                    "y": _number("low", "factor on its cells (log scale)", scale=_AROUND_1, axis=_FACTORS),
                    "y2": {"field": "high"},
                    "color": _colour("side", _SIDES),
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 16, "opacity": 1},
                "encoding": {
                    "x": x,
                    "y": _number("factor", "factor on its cells (log scale)", scale=_AROUND_1, axis=_FACTORS),
                    "color": _colour("side", _SIDES),
                    "tooltip": _tooltip("listing", "side", "factor", "low", "high"),
                },
            },
        ],
    }


def form_errors_spec() -> Spec:
    """How far each form of the law is off, in tolerances, on a log scale, with a line at 1."""
    log = {"type": "log", "nice": False}
    return {
        "width": "container",
        "height": {"step": 26},
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [3, 3], "color": _QUIET}, "encoding": {"x": {"datum": 1}}},
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {
                    "y": {"field": "form", "type": "nominal", "sort": None, "axis": {"title": None}},
                    "x": _number("error", "mean error, in tolerances (log scale)", scale=log, axis=_ROUND),
                    "color": _colour("predicted", {"new listings": "#2c7a99", "later trades": "#c2573a"}),
                    "tooltip": _tooltip("form", "predicted", "error"),
                },
            },
        ],
    }


def precision_spec() -> Spec:
    """The share of cells within the target as trades came in."""
    x = _number("transactions", "transactions", scale={"nice": False, "domainMin": 0})
    y = _number("share", "cells within the target", scale={"domain": [0, 1]}, axis={"format": "%"})
    return {
        "width": "container",
        "height": 220,
        "encoding": {"x": x, "y": y},
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2, "color": _SIDES["SELL"]}},
            {
                "mark": {"type": "point", "filled": True, "size": 40, "opacity": 1, "color": _SIDES["SELL"]},
                "encoding": {"tooltip": _tooltip("transactions", "within", "cells")},
            },
        ],
    }


def _number(field: str, title: str, *, scale: Spec | None = None, axis: Spec | None = None) -> Spec:
    return {"field": field, "type": "quantitative", "axis": {"title": title} | (axis or {}), "scale": scale or {}}


def _ordinal(field: str, order: Sequence[str], *, axis: Spec) -> Spec:
    quiet = {"domain": False, "ticks": False, "labelPadding": 6}
    return {
        "field": field,
        "type": "ordinal",
        "sort": list(order),
        "axis": axis | quiet,
        "scale": {"paddingInner": 0.06, "paddingOuter": 0.02},
    }


def _colour(field: str, colours: dict[str, str]) -> Spec:
    """A colour for each word; the legend shows those that occur."""
    scale = {"domain": list(colours), "range": list(colours.values())}
    legend = {"orient": "top", "title": None, "columns": 3, "symbolOpacity": 1}
    return {"field": field, "type": "nominal", "scale": scale, "legend": legend}


def _tooltip(*fields: str) -> list[Spec]:
    return [{"field": field, "title": field.replace("_", " ")} for field in fields]


def _short(records: Sequence[Record]) -> list[Record]:
    """Records with six significant digits, more than any eye can tell apart."""
    return [{k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in record.items()} for record in records]
