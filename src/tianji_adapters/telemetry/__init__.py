"""Logs and metrics, both made from the one event of each call."""
