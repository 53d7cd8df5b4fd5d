"""Every secret of a configuration, so that logs can be kept free of them."""

from collections.abc import Iterator

from tianji_app.snapshot import Snapshot
from tianji_core.calls.secret import Secret


def known_secrets(snapshot: Snapshot) -> tuple[Secret, ...]:
    """Return the secrets that stand in the snapshot."""
    return tuple(secret for secret in _all(snapshot) if secret)


def _all(snapshot: Snapshot) -> Iterator[Secret]:
    general = snapshot.config.general
    for secret in (general.master_key, general.database_url, general.metrics_token):
        if secret is not None:
            yield secret
    yield from snapshot.config.environment_to_set.values()
    for deployment in snapshot.config.deployments:
        for secret in (deployment.auth_secret, deployment.transport.proxy):
            if secret is not None:
                yield secret
