"""The catalog: runs, steps, metrics, artifacts with lineage, evidence, and changes, in one SQL database."""

from bloomery.core.catalog.audit import check_chain
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
    "Catalog",
    "Lineage",
    "MetricRecord",
    "PatchRecord",
    "RunRecord",
    "StepRecord",
    "check_chain",
]
