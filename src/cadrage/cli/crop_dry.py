"""``cadrage crop --dry-run``: what would be read and written, from headers alone."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cadrage.batch.jobs import Job, planned
from cadrage.cli.console import Rows, complain
from cadrage.cli.crop_call import CropCall
from cadrage.cli.files import Found
from cadrage.errors import CadrageError
from cadrage.imaging.photo import printable


def run_dry(call: CropCall, found: Found, jobs: Sequence[Job]) -> int:
    """Print a row or a line of JSON for each photograph and return the exit code of the command."""
    for error in found.errors.values():
        complain(error)
    failed = len(found.errors)
    rows = None if call.as_json else Rows("photograph", "size", *(["file"] if call.out else []))
    for job in jobs:
        try:
            photo = job.open()
            files = [str(file) for file in planned(job, photo, call.task)]
        except CadrageError as error:
            complain(error)
            failed += 1
            continue
        if rows is None:
            print(json.dumps({"source": job.source, "size": photo.size_wh, "files": files}), flush=True)
            continue
        size = f"{photo.size_wh[0]}x{photo.size_wh[1]}"
        for cells in [[printable(file)] for file in files] or [[]]:
            rows.add(printable(job.source), size, *cells)
    if rows:
        rows.finish()
    if not failed:
        return 0
    return 1 if failed < len(jobs) + len(found.errors) else 2
