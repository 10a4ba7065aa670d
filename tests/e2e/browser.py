"""Headless Chromium, offline but for this machine: what a page looks like after its scripts ran."""

from __future__ import annotations

import subprocess
import tempfile

_FLAGS = (
    "--headless",
    "--no-sandbox",  # containers and root have no user namespaces for it
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def rendered(chromium: str, address: str, *, milliseconds: int = 6000) -> str:
    """Return the document as it stands after its scripts had this much (virtual) time."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        done = subprocess.run(
            [
                chromium,
                *_FLAGS,
                f"--user-data-dir={profile}",
                f"--virtual-time-budget={milliseconds}",
                "--dump-dom",
                address,
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert "</html>" in done.stdout, done.stderr[-2000:]
    return done.stdout
