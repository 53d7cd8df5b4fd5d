"""What an integration must look like."""
