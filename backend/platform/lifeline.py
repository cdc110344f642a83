"""Ends a server when the process that started it dies, however it dies.

A small shell waits on a pipe whose writing end only this process holds; when we are gone the
kernel closes it and the shell signals the server. ``PR_SET_PDEATHSIG`` is no substitute: it fires
when the starting *thread* ends, and setting it between fork and exec is not safe with threads.
"""

import signal
import subprocess

_SCRIPT = 'read -r _; kill -s "$2" "$1" 2>/dev/null'


class Lifeline:
    """Ties the life of process ``pid`` to ours; ``cut`` it once the server was stopped."""

    def __init__(self, pid: int, stop_signal: signal.Signals) -> None:
        name = stop_signal.name.removeprefix("SIG")
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "lifeline", str(pid), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def cut(self) -> None:
        """End the watcher without a signal to the server."""
        self._watcher.kill()
        self._watcher.wait()
        if self._watcher.stdin is not None:
            self._watcher.stdin.close()
