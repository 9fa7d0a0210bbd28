"""What may go wrong with a journal, each kind its own exception that names the file."""


class JournalError(Exception):
    """A journal that cannot be used as asked. `file` names where, `offset` the byte (None: the whole file)."""

    def __init__(self, file: str, offset: int | None, why: str) -> None:
        super().__init__(f"{file}{'' if offset is None else f' at byte {offset}'}: {why}")
        self.file = file
        self.offset = offset
        self.why = why


class Damaged(JournalError):
    """Bytes that had been acknowledged are not as they were written: nothing starts on them."""


class Diverged(JournalError):
    """The commands replay to something else than what was recorded when they were first applied."""


class NotWritten(JournalError):
    """A write or a sync failed: what waited was not acknowledged, and this writer takes nothing more."""


class NotFollowed(JournalError):
    """The log does not end a record at the command up to which a follower knows it: it has to begin anew."""
