"""How one TianJi is put together and run: use cases, container, server, command line."""
