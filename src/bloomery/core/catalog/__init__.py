"""The catalog: runs, steps, metrics, artifacts with lineage, and evidence, in one SQL database."""

from bloomery.core.catalog.database import Catalog
from bloomery.core.catalog.records import ArtifactRecord, Lineage, MetricRecord, RunRecord, StepRecord

__all__ = ["ArtifactRecord", "Catalog", "Lineage", "MetricRecord", "RunRecord", "StepRecord"]
