"""The catalog: runs, steps, metrics, artifacts with lineage, evidence, and changes, in one SQL database."""

from bloomery.core.catalog.audit import check_chain
from bloomery.core.catalog.calls import CallRecord, Calls, LimitReached, SpendLimit, Spent
from bloomery.core.catalog.conflicts import ConflictRecord, OfferRecord
from bloomery.core.catalog.database import Catalog
from bloomery.core.catalog.queue import TaskRecord
from bloomery.core.catalog.records import (
    ApplicationRecord,
    ApprovalRecord,
    ArtifactRecord,
    AuditRecord,
    Lineage,
    MetricRecord,
    PatchRecord,
    RunRecord,
    StepRecord,
)
from bloomery.core.catalog.working import AgentRecord, EventRecord

__all__ = [
    "AgentRecord",
    "ApplicationRecord",
    "ApprovalRecord",
    "ArtifactRecord",
    "AuditRecord",
    "CallRecord",
    "Calls",
    "Catalog",
    "ConflictRecord",
    "EventRecord",
    "LimitReached",
    "Lineage",
    "MetricRecord",
    "OfferRecord",
    "PatchRecord",
    "RunRecord",
    "SpendLimit",
    "Spent",
    "StepRecord",
    "TaskRecord",
    "check_chain",
]
