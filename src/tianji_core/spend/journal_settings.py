"""How a journal on disk behaves."""

import msgspec

from tianji_core.spend.replay import InterruptedBilling


class JournalSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The journal's knobs.

    Attributes:
        sync_interval_seconds: How often bytes are brought to the disk itself, for a loss of power. 0: an answer's last byte waits for it.
            None: never; the end of the process loses nothing all the same.
        segment_bytes, segment_seconds: When the next file begins.
        copy_forward_seconds: An opened call older than this is noted again in the newest file, so that the old one can go.
        max_bytes: With more than this unflushed, new calls are refused.
        min_free_bytes: With less than this free on the file system, the journal is degraded.
        memory_rows: So many settled rows are kept in memory; others are read again from the files.
        adopt_seconds: How often the folders of processes that are gone are looked for.
        allow_network_fs: Whether to write to a file system whose locks do not end with their process; nothing is taken over then.
        interrupted_billing: What a call costs whose process ended before it: what was received, its reservation, or nothing.
    """

    sync_interval_seconds: float | None = 0.1
    segment_bytes: int = 16 << 20
    segment_seconds: float = 300.0
    copy_forward_seconds: float = 600.0
    max_bytes: int = 1 << 30
    min_free_bytes: int = 64 << 20
    memory_rows: int = 5_000
    adopt_seconds: float = 30.0
    allow_network_fs: bool = False
    interrupted_billing: InterruptedBilling = "received"
