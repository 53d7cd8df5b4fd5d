"""One file a revision; `revision` and `down_revision` in them give the order."""
