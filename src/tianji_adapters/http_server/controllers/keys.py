"""Routes of virtual keys."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import SkipValidation

from tianji_adapters.http_server.management_errors import MANAGEMENT_BODY_BYTES, call_of, respond
from tianji_core.ports.management import BlockKey, DeleteKeys, GenerateKey, KeyInfo, ListKeys, UnblockKey, UpdateKey

Answer = Response[bytes]
Call = Request[Any, Any, Any]


class KeyController(Controller):
    """Bodies and queries go on as they came: the core reads them, so that every fault is told in one envelope."""

    path = "/key"
    tags = ("keys",)
    request_max_body_size = MANAGEMENT_BODY_BYTES

    @post("/generate", status_code=200, summary="Make a virtual key; its text is in this answer only")
    async def generate(self, request: Call, generate_key: SkipValidation[GenerateKey]) -> Answer:
        """Make a key."""
        return respond(await generate_key(await call_of(request)))

    @get("/info", summary="Show one virtual key, or the caller's own")
    async def info(self, request: Call, key_info: SkipValidation[KeyInfo]) -> Answer:
        """Show a key."""
        return respond(await key_info(await call_of(request)))

    @get("/list", summary="List virtual keys, newest first")
    async def list_keys(self, request: Call, list_keys: SkipValidation[ListKeys]) -> Answer:
        """List keys."""
        return respond(await list_keys(await call_of(request)))

    @post("/update", status_code=200, summary="Change the given fields of a virtual key")
    async def update(self, request: Call, update_key: SkipValidation[UpdateKey]) -> Answer:
        """Change a key."""
        return respond(await update_key(await call_of(request)))

    @post("/delete", status_code=200, summary="Delete virtual keys, all or none")
    async def delete(self, request: Call, delete_keys: SkipValidation[DeleteKeys]) -> Answer:
        """Delete keys."""
        return respond(await delete_keys(await call_of(request)))

    @post("/block", status_code=200, summary="Refuse every call of a virtual key from now on")
    async def block(self, request: Call, block_key: SkipValidation[BlockKey]) -> Answer:
        """Block a key."""
        return respond(await block_key(await call_of(request)))

    @post("/unblock", status_code=200, summary="Let a blocked virtual key call again")
    async def unblock(self, request: Call, unblock_key: SkipValidation[UnblockKey]) -> Answer:
        """Unblock a key."""
        return respond(await unblock_key(await call_of(request)))
