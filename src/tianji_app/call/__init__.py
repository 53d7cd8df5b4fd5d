"""The parts of the one way a call travels."""
