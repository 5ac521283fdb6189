"""Tests that cannot fail, whatever the code under test does; only what the text decides."""

from bloomery.source.unfailing.finding import Finding, unfailing, unfailing_tests

__all__ = ["Finding", "unfailing", "unfailing_tests"]
