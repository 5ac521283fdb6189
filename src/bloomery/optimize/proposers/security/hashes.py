"""Broken hashes that are checksums say so."""

import ast
from collections.abc import Iterator

from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.security.fix import Fix, added, calls, fix, is_plain, keyword, says

CHECKSUM = (
    r"check ?sums?|etags?|cache(?: key)?s?|finger ?prints?|dedup\w*|duplicates?|content hash|bucket|shard"
)
SECRET = r"passwords?|passwd|tokens?|secrets?|sign\w*|auth\w*|hmac|login|credentials?|keys? derivation|salt"


def checksums(source: Source) -> Iterator[Fix]:
    """Only where it is said to be a checksum, and nothing says that it is a secret; results are equal."""
    for call in calls(source, "hashlib.md5", "hashlib.sha1"):
        free = is_plain(call) and keyword(call, "usedforsecurity") is None and len(call.args) <= 1
        if free and says(source, call, CHECKSUM) and not says(source, call, SECRET):
            why = f"{ast.unparse(call.func)} is broken for all but checksums, and this is one"
            yield fix(source, call, why, added(source, call, "usedforsecurity=False"), proven=True)
