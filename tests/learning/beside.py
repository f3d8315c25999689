"""Work for processes beside a run; they import it by this file's name."""

import os
import time
from pathlib import Path

from cadrage.errors import DataError


def write_name(folder: Path) -> None:
    """Leave a file that is named after the process."""
    (folder / str(os.getpid())).touch()


def stay(folder: Path) -> None:
    """Leave that file, and do not end."""
    write_name(folder)
    time.sleep(600)


def fail(folder: Path) -> None:
    """Leave that file, and fail as cadrage does."""
    write_name(folder)
    raise DataError("It is not to be seen.")
