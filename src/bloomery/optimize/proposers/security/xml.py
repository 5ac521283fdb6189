"""XML that cannot grow without end or fetch what it names."""

import importlib.util
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.security.fix import Fix, calls, fix, replaced

PARSERS = {
    "xml.etree.ElementTree": ("defusedxml.ElementTree", ("parse", "iterparse", "fromstring", "XML")),
    "xml.dom.minidom": ("defusedxml.minidom", ("parse", "parseString")),
    "xml.sax": ("defusedxml.sax", ("parse", "parseString")),
}


def defused(source: Source) -> Iterator[Fix]:
    """The standard library's parsers by those of defusedxml, which take the same; only where it is there."""
    if importlib.util.find_spec("defusedxml") is None:
        return
    for module, (other, names) in PARSERS.items():
        for call in calls(source, *(f"{module}.{name}" for name in names)):
            name = source.full_name(call.func).rpartition(".")[2]
            edit = replaced(source, call.func, f"{other}.{name}")
            why = "a document could name what is to be fetched, or grow without end"
            yield fix(source, call, why, edit, imports=f"import {other}")
