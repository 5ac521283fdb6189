"""What was found out once and is not asked again: documents in the store, by a key of what they are about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from bloomery.core.config import canonical_json
from bloomery.core.evidence import Evidence
from bloomery.core.workspace import Workspace
from bloomery.optimize.proposal import Proposal
from bloomery.optimize.validating.verdict import Verdict

VERSION = 1  # of what the documents say


@dataclass
class Memory:
    """Documents of a workspace by kind and key; of several under one key the newest counts."""

    workspace: Workspace
    _index: dict[str, dict[str, str]] = field(default_factory=dict)

    def recall(self, kind: str, key: str) -> Any:
        """What was kept last; None where there is nothing, or a clean-up took it."""
        cid = self._known(kind).get(key)
        if cid is None or not self.workspace.store.has(cid):
            return None
        return json.loads(self.workspace.store.read(cid))["value"]

    def keep(self, kind: str, key: str, value: Any, *, name: str) -> str:
        known = self._known(kind)
        plain = {"key": key, "value": value, "before": known.get(key)}
        data = json.dumps(plain, sort_keys=True, allow_nan=False).encode()
        cid = self.workspace.store.put_bytes(data)
        facts = {"key": key}
        self.workspace.catalog.add_artifact(cid, kind=kind, size_bytes=len(data), name=name, facts=facts)
        known[key] = cid
        return cid

    def history(self, kind: str, key: str) -> list[Any]:
        """Everything that was kept under a key, the oldest first."""
        cid, found = self._known(kind).get(key), []
        while cid is not None and self.workspace.store.has(cid):
            plain = json.loads(self.workspace.store.read(cid))
            found.append(plain["value"])
            cid = plain["before"]
        return found[::-1]

    def _known(self, kind: str) -> dict[str, str]:
        if kind not in self._index:
            records = self.workspace.catalog.artifacts(kind)
            self._index[kind] = {record.facts["key"]: record.cid for record in records}
        return self._index[kind]


def key_of(**values: Any) -> str:
    return sha256(canonical_json({"version": VERSION, **values}).encode()).hexdigest()


def proposal_to_plain(proposal: Proposal) -> dict[str, Any]:
    return {
        "proposer": proposal.proposer,
        "operator": proposal.operator,
        "why": proposal.why,
        "texts": dict(proposal.texts),
        "function": proposal.function,
        "safety": proposal.safety,
        "facts": dict(proposal.facts),
    }


def proposal_from_plain(plain: Mapping[str, Any]) -> Proposal:
    return Proposal(**plain)


def verdict_to_plain(verdict: Verdict) -> dict[str, Any]:
    return {
        "level": verdict.level,
        "evidence": [one.to_plain() | {"inputs": list(one.inputs)} for one in verdict.evidence],
        "suggestions": dict(verdict.suggestions),
        "claims": sorted(verdict.claims),
    }


def verdict_from_plain(plain: Mapping[str, Any]) -> Verdict:
    return Verdict(
        plain["level"],
        tuple(Evidence.from_plain(one) for one in plain["evidence"]),
        plain["suggestions"],
        frozenset(plain["claims"]),
    )
