"""A real client as a child process of a test: it is told one call a line, and answers one line, both JSON."""

import json
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

PATIENCE = 60.0


class ClientError(Exception):
    """What the client raised: its kind and its words."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(f"{kind}: {words}")
        self.kind = kind
        self.words = words


class Child:
    """Calls methods of the objects that it has by name. What the client prints goes to the log."""

    def __init__(self, command: list[str], log: Path, **more: Any) -> None:
        self.log = log
        self.issues: list[str] = []  # what is wrong with the last answer by the client's own schemas, where it has any
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, **more
            )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, **request: Any) -> Any:
        """What one line is answered. ClientError for what the client raised."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        try:
            line = self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"no answer to {request}: {self.log.read_text()[-2_000:]}") from None
        assert line, f"the client ended: {self.log.read_text()[-2_000:]}"
        answer = json.loads(line)
        if "kind" in answer:
            raise ClientError(answer["kind"], answer["words"])
        self.issues = answer.get("issues", [])
        return answer["told"]

    def call(self, target: str, method: str, *values: Any, **named: Any) -> Any:
        """`target.method(*values, **named)`."""
        return self.ask(target=target, method=method, values=values, named=named)

    def end(self) -> None:
        """Ends the child, also one that hangs."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")
