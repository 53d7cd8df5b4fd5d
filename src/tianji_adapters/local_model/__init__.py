"""A small real language model in a child process: llama.cpp's own OpenAI-compatible server, from a wheel."""
