"""The report as one HTML page: no script, no request, light and dark, readable aloud and on paper."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bloomery.core.report.curves import Points, chart, curve_groups
from bloomery.core.report.drawn import drawn
from bloomery.core.report.graph import graphs_of_steps, lineage_graph

STATES = {"passed": "passed", "failed": "failed", "not_run": "not run"}


def render_html(data: Mapping[str, Any], *, charts: Path | None = None) -> str:
    """The page for what `report_data` gave; with a folder `charts`, those are not drawn twice."""
    draw = chart if charts is None else partial(drawn, charts)
    template = _environment().get_template("page.html.j2")
    slowest = max((step["duration_s"] for step in data["steps"]), default=0.0)
    return template.render(
        data,
        charts=[
            (step["name"], list(_charts(step, draw)))
            for step in data["steps"]
            if curve_groups(step["metrics"])
        ],
        figures=list(_figures(data)),
        graph=lineage_graph(data["artifacts"]),
        step_graphs=list(graphs_of_steps(data["artifacts"])),
        settings=list(flattened(data["config"])),
        evidence=[item for step in data["steps"] for item in step["evidence"]],
        slowest=slowest or 1.0,
        headline=_headline(data["summary"]["evidence"]),
    )


def flattened(values: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Each leaf of a config by its dotted key."""
    if isinstance(values, Mapping) and values:
        for key, value in values.items():
            yield from flattened(value, f"{where}.{key}" if where else str(key))
    else:
        yield where, values if isinstance(values, str) else json.dumps(values)


def number(value: float | None, digits: int = 4) -> str:
    """A figure as a person writes it; what is absent or not finite shows as a dash."""
    if value is None or not math.isfinite(value):
        return "–"
    if float(value).is_integer() and abs(value) < 1e12:
        return f"{int(value):,}".replace(",", "\u202f")
    return f"{value:.{digits}g}" if 1e-4 <= abs(value) < 1e6 else f"{value:.{digits - 1}e}"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 0.001:
        return "< 1 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: int | None) -> str:
    if count is None:
        return "–"
    if count < 1024:
        return f"{count} B"
    power = min(4, int(math.log(count, 1024)))
    return f"{count / 1024**power:.1f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


def short(cid: str) -> str:
    """The end of a CID or hash: its beginning is the same for all."""
    return cid if len(cid) <= 12 else f"…{cid[-8:]}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("bloomery.core.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, duration=duration, size=size, short=short)
    environment.globals.update(STATES=STATES)
    return environment


def _headline(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    if not total:
        return "Nothing was measured in this run."
    words = [f"{counts['passed']} of {total} checks passed"]
    if counts["failed"]:
        words.append(f"{counts['failed']} failed")
    if counts["not_run"]:
        words.append(f"{counts['not_run']} {'was' if counts['not_run'] == 1 else 'were'} not run")
    return ", ".join(words) + "."


def _charts(
    step: Mapping[str, Any], draw: Callable[[str, Mapping[str, Points]], str]
) -> Iterator[dict[str, Any]]:
    for group, curves in curve_groups(step["metrics"]).items():
        yield {
            "name": group,
            "svg": Markup(draw(f"{step['name']}: {group}", curves)),  # our own drawing, text escaped there
            "curves": [_described(name, points) for name, points in curves.items()],
        }


def _described(name: str, points: Points) -> dict[str, Any]:
    values = [value for _, value in points if value is not None]
    first, last, low, high = values[0], values[-1], min(values), max(values)
    label = name.partition("/")[2] or name
    return {"name": label, "count": len(points), "first": first, "last": last, "low": low, "high": high}


def _figures(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Metrics of a single point: no curve, a line in a table."""
    for step in data["steps"]:
        for name, points in step["metrics"].items():
            if sum(value is not None for _, value in points) < 2:
                index, value = points[-1]
                yield {"step": step["name"], "name": name, "index": index, "value": value}
