"""The shapes of what is outside. One protocol a file; every driven port has an in-memory adapter and one contract suite."""
