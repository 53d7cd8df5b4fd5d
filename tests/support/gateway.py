"""The real gateway as a child process, started as a user starts it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
MASTER_KEY = "sk-test-master-key-0123456789"
_START_SECONDS = 60.0
_STOP_SECONDS = 45.0


@dataclass(slots=True)
class GatewayProcess:
    """A running gateway. `banner` is what it printed until it was ready; `output` grows."""

    process: subprocess.Popen[str]
    base_url: str
    master_key: str
    banner: str
    virtual_key: str | None = None
    lines: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        """Everything that was written so far, on both streams, after the banner."""
        return "".join(self.lines)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask for the end and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(_STOP_SECONDS)


def command(*arguments: str, variant: str | None = None) -> list[str]:
    """Return the command line of `tianji`, run by this interpreter; of one of `support.variants` where one is named."""
    program = ["tianji_app"] if variant is None else ["support.variants", variant]
    return [sys.executable, "-m", *program, *arguments]


def environment(data_dir: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables of a child: ours, without any of the caller's own settings or provider keys."""
    kept = {name: value for name, value in os.environ.items() if not re.search(r"TIANJI|LITELLM|_API_KEY|DATABASE_URL|_PROXY|_proxy", name)}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT / "tests"))),
        "TIANJI_DATA_DIR": str(data_dir),
        "TIANJI_SHUTDOWN_DELAY": "0",
        **(extra or {}),
    }


@contextlib.contextmanager
def running_gateway(
    data_dir: Path, *arguments: str, config: str | None = None, extra: Mapping[str, str] | None = None, variant: str | None = None
) -> Iterator[GatewayProcess]:
    """Run a gateway on a free port until the block ends.

    Args:
        config: Text of a configuration file; `{master_key}` in it is replaced.
        variant: One of `support.variants`: the gateway with one part replaced.
    """
    given = list(arguments)
    if config is not None:
        file = data_dir.parent / f"{data_dir.name}.yaml"
        file.write_text(config.replace("{master_key}", MASTER_KEY))
        given += ["--config", str(file)]
    process = subprocess.Popen(
        command("serve", "--port", "0", *given, variant=variant),
        env=environment(data_dir, extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    gateway = _wait_until_ready(process)
    reader = threading.Thread(target=_read_on, args=(gateway,), daemon=True)
    reader.start()
    try:
        yield gateway
    finally:
        if process.poll() is None:
            gateway.stop()
        reader.join(5)
        if process.stdout is not None:
            process.stdout.close()


def _wait_until_ready(process: subprocess.Popen[str]) -> GatewayProcess:
    timer = threading.Timer(_START_SECONDS, process.kill)
    timer.start()
    text = ""
    try:
        if process.stdout is None:
            raise RuntimeError("the gateway has no output")
        for line in process.stdout:
            text += line
            ended = line.startswith(("curl ", "  Prices"))
            if ended and ("curl " in text or "--config" in process.args):  # type: ignore[operator]
                break
        else:
            raise RuntimeError(f"the gateway did not start:\n{text}")
    finally:
        timer.cancel()
    address = re.search(r"Address +(\S+)", text)
    if address is None:
        raise RuntimeError(f"the banner shows no address:\n{text}")
    master = re.search(r"Master key +(sk-\S+)", text)
    key = re.search(r"Bearer (sk-[^']+)'", text)
    return GatewayProcess(process, address[1], master[1] if master else MASTER_KEY, text, key[1] if key else None)


def _read_on(gateway: GatewayProcess) -> None:
    with contextlib.suppress(ValueError):
        for line in gateway.process.stdout or ():
            gateway.lines.append(line)
