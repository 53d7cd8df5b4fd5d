"""What TianJi decides: values in, values out. No IO, no clock, no randomness."""
