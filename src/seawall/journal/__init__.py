"""The venue's log on disk: what was applied, in order, so that a crash loses nothing that was acknowledged.

`record` is the format, `packing` how rows are written, `disk` and `memory` where, `scan` reads and tells damage,
`writer` appends, `commit` gathers and syncs for many callers, `snapshot` and `recover` bring a venue back. Start
reading in `writer`.
"""
