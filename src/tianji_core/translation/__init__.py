"""What lies between two dialects."""
