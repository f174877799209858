"""The Textual app on tms_engine."""
