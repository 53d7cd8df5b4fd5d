"""One file an inbound format: dialect, paths, error envelope. Each exports `SURFACE`."""
