"""Documents and weights read without building whatever objects they name."""

import ast
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.security.fix import Fix, added, calls, fix, is_plain, keyword, replaced

LOADERS = {"yaml.Loader", "yaml.FullLoader", "yaml.UnsafeLoader", "yaml.CLoader", "yaml.CFullLoader"}


def loaded(source: Source) -> Iterator[Fix]:
    """`yaml.load` with a loader that builds objects, or none: `yaml.safe_load`. Other loaders stay."""
    for call in calls(source, "yaml.load"):
        loader = call.args[1] if len(call.args) == 2 else keyword(call, "Loader")
        known = {one.arg for one in call.keywords} <= {"Loader"} and 1 <= len(call.args) <= 2
        if is_plain(call) and known and (loader is None or source.full_name(loader) in LOADERS):
            stream = source.segment(call.args[0])
            text = replaced(source, call, f"yaml.safe_load({stream})")
            why = "yaml.load builds any object that a document names"
            yield fix(source, call, why, text, imports="import yaml")


def weights(source: Source) -> Iterator[Fix]:
    """`torch.load` without saying what may be in the file."""
    for call in calls(source, "torch.load"):
        free = keyword(call, "pickle_module") is None and keyword(call, "weights_only") is None
        if is_plain(call) and free and len(call.args) <= 2 and isinstance(call.func, ast.Attribute):
            edit = added(source, call, "weights_only=True")
            yield fix(source, call, "torch.load unpickles any object that a file names", edit)
