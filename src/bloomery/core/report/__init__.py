"""A run as data, and as one page of HTML that needs nothing else."""

from bloomery.core.report.data import report_data
from bloomery.core.report.page import render_html

__all__ = ["render_html", "report_data"]
