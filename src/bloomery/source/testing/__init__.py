"""Tests as something to be made, judged and made better."""

from bloomery.source.testing.generated import Generated, GeneratedTest, Request, WriteBy
from bloomery.source.testing.generating import generate

__all__ = ["Generated", "GeneratedTest", "Request", "WriteBy", "generate"]
