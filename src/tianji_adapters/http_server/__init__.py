"""The HTTP server: Litestar for the management plane, raw ASGI callables for the calls."""
