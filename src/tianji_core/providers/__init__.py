"""One file a provider: dialect, address, auth, quirks. Each exports `PROVIDER`. Plain OpenAI-compatible ones are rows of a table."""
