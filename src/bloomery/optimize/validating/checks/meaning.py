"""Whether a change means the same as the original: differential and property tests of both versions."""

from collections.abc import Sequence
from dataclasses import replace

from bloomery.core.errors import UserError
from bloomery.core.evidence import not_run
from bloomery.optimize.equivalence import Effort, verify
from bloomery.optimize.validating.calls import for_trials
from bloomery.optimize.validating.checks.reading import files_of_tests
from bloomery.optimize.validating.levels import EQUIVALENCE
from bloomery.optimize.validating.site import Answer, Site

EFFORTS = {"basic": 1, "standard": 1, "strict": 2, "paranoid": 4}  # circumstances beside the first


def meaning(site: Site) -> Sequence[Answer]:
    checks = [site.asked(check) for check in EQUIVALENCE]
    gone = [path for path, text in site.change.texts.items() if text is None]
    reason = f"it removes {gone[0]}, which cannot be tried" if gone else ""
    reason = reason or ("" if site.python else "no Python file is changed")
    if reason:
        return [Answer(not_run(check, reason)) for check in checks]
    effort = Effort(seed=site.seed, circumstances=EFFORTS[site.level])
    proposal = replace(site.proposal, texts=site.texts)
    allowed = {path for path in site.texts if not site.judges(path)}
    recorded = for_trials(site.recorded)
    try:
        found = verify(
            site.target, proposal, tests=files_of_tests(site), allowed=allowed, effort=effort,
            recorded=recorded,
        )  # fmt: skip
    except UserError as error:
        return [Answer(not_run(check, str(error)), _IMPORTABLE) for check in checks]
    said = str(found.findings[0]) if found.findings else "; ".join(found.verdict.reasons)
    by_name = {check.name: check for check in checks}
    how = f"{found.calls} calls compared, {found.recorded} inputs of them recorded from tests"
    told = [
        replace(one, required=by_name[one.check].required, how=f"{one.how}: {how}") for one in found.evidence
    ]
    return [Answer(one, said if one.state != "passed" else "") for one in told]


_IMPORTABLE = "make it a module that can be imported by name from the project's folder"
