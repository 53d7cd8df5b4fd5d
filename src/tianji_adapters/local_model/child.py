"""The child process: serves the model on a free port of the loopback until its standard input ends.

It prints one line of JSON when it is ready. Standard input is the lifeline: it ends when the parent does, however the parent ends.
"""

import json
import sys

from tianji_adapters.local_model.files import NAME, model_file

CONTEXT_TOKENS = 2048
PARALLEL = 2


def main() -> int:
    """Serve."""
    import xllamacpp  # noqa: PLC0415 - a hundred megabytes, for this process only

    path = model_file()
    if path is None:
        print(json.dumps({"error": "the model's wheel is not installed"}), flush=True)  # noqa: T201 - the protocol with the parent
        return 1
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = CONTEXT_TOKENS * PARALLEL
    params.n_parallel = PARALLEL
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.cpuparams.n_threads = 1
    params.model_alias = {NAME}
    server = xllamacpp.Server(params)
    print(json.dumps({"address": server.listening_address}), flush=True)  # noqa: T201
    sys.stdin.buffer.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
