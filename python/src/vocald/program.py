"""The program ``vocald``: where it is, and the options that several uses share."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

NAME = "vocald"
#: Names the program if it is not in ``PATH``.
VARIABLE = "VOCALD"


class ProgramNotFound(FileNotFoundError):
    """The program is not installed, or ``VOCALD`` names a file that is none."""


class ProgramError(RuntimeError):
    """The program reported an error; the message is its own."""


def find(program: str | os.PathLike[str] | None = None) -> str:
    """The program's path: ``program``, ``$VOCALD``, beside this package, beside Python, in ``PATH``.

    Raises :class:`ProgramNotFound`.
    """
    named = os.fspath(program) if program is not None else os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise ProgramNotFound(f"{named} is not a program that can be run")
        return found
    for folder in (Path(__file__).parent / "bin", Path(sys.executable).parent):
        found = shutil.which(NAME, path=str(folder))
        if found is not None:
            return found
    found = shutil.which(NAME)
    if found is None:
        raise ProgramNotFound(
            f"the program {NAME} is not in PATH; install it, or name it in the environment variable {VARIABLE}"
        )
    return found


def options(model: str | os.PathLike[str] | None, lookahead: float | None, threshold: float | None) -> Iterator[str]:
    """Options of ``run`` and ``detect``, as arguments."""
    if model is not None:
        yield f"--model={os.fspath(model)}"
    if lookahead is not None:
        yield f"--lookahead={lookahead}"
    if threshold is not None:
        yield f"--threshold={threshold}"


def error_text(stderr: str) -> str:
    """The program's error without its own name and its log."""
    lines = [line for line in stderr.splitlines() if line.startswith(f"{NAME}: ")]
    return lines[-1].removeprefix(f"{NAME}: ") if lines else stderr.strip()
