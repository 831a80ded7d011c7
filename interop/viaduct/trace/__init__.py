"""The trace: whatever happened on any leg, as one ordered list of events."""
