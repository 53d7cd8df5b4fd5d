"""Framing without meaning: bytes in, frames out."""
