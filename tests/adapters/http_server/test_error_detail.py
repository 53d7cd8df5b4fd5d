"""`compat_error_detail`, through the server."""

from pathlib import Path

import msgspec
import pytest
from litestar.testing import TestClient

from support.containers import app_of, container_of
from support.gateway_parts import MASTER_KEY, deployment, snapshot_of
from tianji_app.container import resolve
from tianji_app.snapshot import SnapshotHolder
from tianji_core.config.gateway_config import GeneralSettings


@pytest.mark.parametrize("wanted", [True, False])
def test_detail_of_management_errors_follows_the_configuration(wanted: bool, tmp_path: Path) -> None:
    container = container_of(tmp_path)
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    with TestClient(app_of(container)) as client:
        assert "detail" in client.post("/key/generate", content=b"[", headers=headers).json()
        general = GeneralSettings(compat_error_detail=wanted)
        resolve(container, SnapshotHolder).replace(snapshot_of([deployment("a")], general=general))
        answer = client.post("/key/generate", content=b"[", headers=headers)
    body = msgspec.json.decode(answer.content)
    assert ("detail" in body) == wanted
    assert body["error"]["code"] == "400"
