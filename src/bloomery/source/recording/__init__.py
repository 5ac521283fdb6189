"""With which arguments functions are called while tests run."""

from bloomery.source.recording.calls import UNPICKLED, Recorded, RecordedCall, record_calls

__all__ = ["UNPICKLED", "Recorded", "RecordedCall", "record_calls"]
