"""TianJi as it is installed: virtual keys with a budget and limits, the journal and the ledger on, SQLite."""

import http.client
import importlib.metadata
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from benchmarks.peers.exchange import BrokenExchangeError
from benchmarks.peers.peer import KEY, MODEL, PROVIDER_KEY, Peer, Site, bearer, by_model
from benchmarks.peers.question import Request, Way, anthropic_stream
from benchmarks.peers.servers import Command

_ROOT = Path(__file__).parents[2]
_LIMITS = {"max_budget": 1_000_000, "rpm_limit": 100_000_000, "tpm_limit": 1_000_000_000_000}
_BOOKED_SECONDS = 30.0


class TianJi(Peer):
    """The default: our own connections to the provider."""

    name = "tianji"
    note = "virtual key, accounting on"
    parameters: Mapping[str, object] = MappingProxyType({})

    def __init__(self, source: Path = _ROOT / "src") -> None:
        """Measure the code in this folder."""
        self.source = source

    def install(self) -> str:
        commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=self.source, capture_output=True, text=True, check=False)
        return f"{importlib.metadata.version('tianji')} {commit.stdout.strip()}".strip()

    def command(self, site: Site) -> Command:
        ways: tuple[Way, ...] = ("burst", "split", "paced")
        models = [
            {
                "model_name": f"{MODEL}-{way}",
                "tianji_params": {
                    "model": f"openai/{MODEL}",
                    "api_base": site.upstream(way),
                    "api_key": PROVIDER_KEY,
                    **self.parameters,
                },
            }
            for way in ways
        ]
        file = site.folder / "tianji.yaml"
        file.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": KEY}}))  # JSON is YAML
        words = [sys.executable, "-m", "tianji_app", "serve", "--config", str(file), "--port", str(site.port)]
        return Command([*words, "--data-dir", str(site.folder / "data")], site.folder, {"PYTHONPATH": str(self.source)})

    def question(self, site: Site, way: Way, *, streamed: bool, key: str | None = None) -> Request:
        return by_model(site, way, streamed=streamed, key=key)

    def translated(self, site: Site) -> Request | None:
        return anthropic_stream(f"http://127.0.0.1:{site.port}/v1/messages", f"{MODEL}-burst", bearer(site.key))

    def first(self, site: Site) -> Request:
        return self.question(site, "burst", streamed=False, key=KEY)

    def set_up(self, site: Site) -> None:
        """Make the virtual key: with a budget and limits that no run reaches, if this version has them."""
        status, made = _manage(site, "POST", "/key/generate", _LIMITS)
        if status != 200:
            site.remarks.append("no budget and no limits, this version has none")
            status, made = _manage(site, "POST", "/key/generate", {})
        if status != 200:
            raise BrokenExchangeError(f"no virtual key: {status} {made}")
        site.key = str(made["key"])

    def check(self, site: Site) -> None:
        """Hold that the calls were booked on the key."""
        end = time.monotonic() + _BOOKED_SECONDS
        while True:
            status, told = _manage(site, "GET", f"/key/info?key={site.key}", None)
            info = told.get("info", told)
            if status == 200 and isinstance(info, dict) and float(info.get("spend") or 0) > 0:
                return
            if time.monotonic() > end:
                raise BrokenExchangeError(f"nothing was booked on the key: {status} {told}")
            time.sleep(0.2)


class TianJiByHttpx(TianJi):
    """The same over the general transport, which a deployment gets that asks for more than plain TLS."""

    name = "tianji-httpx"
    note = "the same over the general transport"
    connections = (8, 64)
    streams = False
    parameters = MappingProxyType({"ssl_verify": False})


def _manage(site: Site, method: str, path: str, body: object) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    try:
        connection.request(
            method, path, json.dumps(body) if body is not None else None, {**bearer(KEY), "content-type": "application/json"}
        )
        answer = connection.getresponse()
        told = json.loads(answer.read())
        if ignored := answer.getheader("x-tianji-ignored-fields"):
            site.remarks.append(f"ignored on the key: {ignored}")
        return answer.status, told if isinstance(told, dict) else {"answer": told}
    finally:
        connection.close()
