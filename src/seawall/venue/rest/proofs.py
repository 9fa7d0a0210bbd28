"""What can be checked against a copy of the journal: hashes of the log and of the state."""

import asyncio

from seawall.journal.disk import Disk
from seawall.journal.faults import JournalError
from seawall.journal.snapshot import read_head, snapshot_files
from seawall.venue.rest.market_shapes import ProofsView, SnapshotView
from seawall.venue.service import Service


class Heads:
    """What the snapshots in the journal's folder say of themselves; each is read once."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._known: dict[str, SnapshotView] = {}

    async def all(self) -> tuple[SnapshotView, ...]:
        """Newest first. One that is damaged, or being removed, is left out."""
        return await asyncio.get_running_loop().run_in_executor(None, self._read)

    def _read(self) -> tuple[SnapshotView, ...]:
        names = snapshot_files(self._disk)
        for name in names:
            if name not in self._known:
                self._add(name)
        self._known = {name: head for name, head in self._known.items() if name in names}
        return tuple(self._known[name] for name in names if name in self._known)

    def _add(self, name: str) -> None:
        try:
            head, _ = read_head(self._disk.read(name), name)
        except (JournalError, OSError, KeyError):
            return
        self._known[name] = SnapshotView(
            sequence=head.sequence, state_hash=head.state, chain=head.chain, record_hash=head.hash
        )


async def proofs_view(service: Service, heads: Heads) -> ProofsView:
    """The hashes of now; the state's are those of the snapshots, for it takes a second to compute one."""
    snapshots = await heads.all()
    await service.desk.settled()
    return ProofsView(
        time=service.now,
        sequence=service.desk.sequence,
        chain=service.desk.venue.chain.hex(),
        journal_head=service.desk.writer.hash.hex(),
        durable=service.desk.writer.durable,
        snapshots=snapshots,
    )
