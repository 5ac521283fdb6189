"""Generated tests: made for the original, and proved on it, then run on the changed version."""

from collections.abc import Sequence
from pkgutil import resolve_name

from bloomery.core.errors import CapabilityMissing, UserError
from bloomery.core.evidence import judge, not_run
from bloomery.optimize.validating.levels import GENERATED
from bloomery.optimize.validating.site import Answer, Site
from bloomery.optimize.validating.testing import try_tests

DOOR = "bloomery.source.testing:generate"


def generated(site: Site) -> Sequence[Answer]:
    check = site.asked(GENERATED)
    try:
        files = _written(site)
    except (CapabilityMissing, UserError) as error:
        return [Answer(not_run(check, str(error)), str(error))]
    if not files:
        reason = f"no test could be generated for {', '.join(site.python) or 'what is changed'}"
        return [Answer(not_run(check, reason), "write a test by hand")]
    before = try_tests(site.trees.before, list(files), added=files).statuses()
    tried = try_tests(site.trees.after, list(files), added=files)
    now = tried.statuses()
    counted = [node for node, status in before.items() if status == "passed"]
    if not counted:
        return [Answer(not_run(check, "no generated test passes on the original"), "write a test by hand")]
    worse = [node for node in counted if now.get(node) != "passed"]
    reasons = {one.node: one.reason for one in tried.results.outcomes}
    how = f"{len(counted)} tests generated from the original; failing: {', '.join(worse[:5]) or 'none'}"
    mend = f"{worse[0]}: {' '.join(reasons.get(worse[0], 'it is gone').split())[:300]}" if worse else ""
    return [Answer(judge(check, len(worse), how=how, duration_s=0.0), mend)]


def _written(site: Site) -> dict[str, str]:
    """Texts of test files by path. Raises: CapabilityMissing without the generator; UserError."""
    try:
        generate = resolve_name(DOOR)
    except (ImportError, AttributeError) as error:
        raise CapabilityMissing(f"tests cannot be generated here: {error}") from None
    files: dict[str, str] = {}
    for path in site.python:
        if (site.trees.before / path).is_file() and path in site.texts:
            made = generate(site.trees.before, path, seed=site.seed)
            if made.text:
                files[made.path] = made.text
    return files
