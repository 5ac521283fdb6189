"""The catalog: runs, steps, metrics, artifacts with lineage, evidence, and changes, in one SQL database."""

from bloomery.core.catalog.audit import check_chain
from bloomery.core.catalog.calls import CallRecord, Calls, LimitReached, SpendLimit, Spent
from bloomery.core.catalog.database import Catalog
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

__all__ = [
    "ApplicationRecord",
    "ApprovalRecord",
    "ArtifactRecord",
    "AuditRecord",
    "CallRecord",
    "Calls",
    "Catalog",
    "LimitReached",
    "Lineage",
    "MetricRecord",
    "PatchRecord",
    "RunRecord",
    "SpendLimit",
    "Spent",
    "StepRecord",
    "check_chain",
]
