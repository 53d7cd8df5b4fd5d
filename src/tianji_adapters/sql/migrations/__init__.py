"""The history of the schema: linear, forward only, the same files for both engines."""
