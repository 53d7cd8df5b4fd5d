"""What was spent, and how it is remembered."""
