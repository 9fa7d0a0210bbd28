"""Structured logs: one JSON object a line on stderr, without secrets.

What is logged are sentences with fields (`log.info("...", extra={...})`). Payloads of actions, signatures, keys and
targets of alerts are never handed to a logger; should one get there all the same, in a message or in the text of an
exception, what looks like one is blotted out.
"""

import logging
import re
import sys
import time
from typing import Any, Final

import msgspec

from seawall.venue import config

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
BLOT: Final = "[blotted out]"
SECRETS: Final = (
    re.compile(r"0x[0-9a-fA-F]{64,}"),  # keys, and the numbers of a signature
    re.compile(r"(?<=://)[^\s'\"]+"),  # what follows the scheme of a URL: hosts, tokens, passwords
    re.compile(r"(?i)(?<=bearer )[^\s'\"]+"),
    re.compile(r"""(?i)(?<=["']signature["']:)\s*\{[^{}]*\}"""),
    re.compile(r"""(?i)(?<=["']action["']:)\s*\{.*"""),
)
OWN: Final = frozenset((*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"))
ROOT: Final = ""


def blotted(text: str) -> str:
    """The text without what looks like a secret."""
    for pattern in SECRETS:
        text = pattern.sub(BLOT, text)
    return text


class Lines(logging.Formatter):
    """One JSON object a record: time, level, logger, message, its fields, and an exception's last words."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time_of(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": blotted(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in OWN and not name.startswith("_"):
                line[name] = value if isinstance(value, int | float | bool) else blotted(str(value))
        if record.exc_info is not None and record.exc_info[0] is not None:
            line["exception"] = blotted(self.formatException(record.exc_info))
        return msgspec.json.encode(line).decode()


class Plain(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        fields = [f"{name}={value}" for name, value in vars(record).items() if name not in OWN and name[0] != "_"]
        words = " ".join([_time_of(record), record.levelname, record.name, record.getMessage(), *fields])
        if record.exc_info is not None and record.exc_info[0] is not None:
            words = f"{words}\n{self.formatException(record.exc_info)}"
        return blotted(words)


def _time_of(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


def start_logs(terms: config.Logs, stream: Any = None) -> logging.Handler:
    """Sends everything that is logged in this process to one stream, stderr unless told otherwise.

    Loggers of libraries that hand out requests or URLs are held to warnings.
    """
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(Lines() if terms.format == "json" else Plain())
    root = logging.getLogger(ROOT)
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(LEVELS[terms.level])
    for name in ("uvicorn.access", "uvicorn.error", "apprise", "urllib3", "ccxt", "httpx", "websockets"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(logging.WARNING, LEVELS[terms.level]))
    return handler
