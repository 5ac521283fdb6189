"""Whether a change survives faults: the same ones are injected into both versions."""

from collections.abc import Sequence

from bloomery.core.errors import CapabilityMissing, UserError
from bloomery.core.evidence import judge, not_run
from bloomery.optimize.validating.levels import FAULTS, STURDIER
from bloomery.optimize.validating.site import Answer, Site, not_made


def faults(site: Site) -> Sequence[Answer]:
    from bloomery.optimize.faults import compare_under_faults

    checks = [site.asked(FAULTS), *([STURDIER] if site.claim is STURDIER else [])]
    path = next((one for one in site.python if one in site.texts), None)
    if path is None:
        return [Answer(not_run(check, "no Python file is changed")) for check in checks]
    try:
        found = compare_under_faults(site.trees.before, path, site.texts, tests=site.tests, seed=site.seed)
    except (CapabilityMissing, UserError) as error:
        return [not_made(check, error) for check in checks]
    if found.evidence.state == "not_run":
        return [Answer(not_run(check, found.evidence.reason), found.evidence.reason) for check in checks]
    how = f"{found.schedules} schedules of faults; worse: {_said(found.worse)}; better: {_said(found.better)}"
    worse = f"it newly breaks: {found.worse[0]}" if found.worse else ""
    better = "" if found.better else "nothing that broke before is mended"
    return [
        Answer(judge(checks[0], len(found.worse), how=how, duration_s=0.0), worse),
        *(Answer(judge(one, len(found.better), how=how, duration_s=0.0), better) for one in checks[1:]),
    ]


def _said(found: Sequence[object]) -> str:
    return "; ".join(str(one) for one in found[:3]) or "none"
