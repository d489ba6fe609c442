#!/usr/bin/env python3
"""Prints the path of the program that other scripts measure or test, and its version to standard error.

usage: built_program.py [PROGRAM]        (default: what `make build` built)
"""
from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys


def built_program(given: str | None = None) -> str:
    """The program at the path, or of the name, `given`. Ends the script with one sentence where it does not start."""
    wanted = given or str(target() / "release" / "vocald")
    program = shutil.which(wanted)
    if program is None:
        sys.exit(f"there is no program {wanted}: build it with `make build`, or name another one")
    version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if version.returncode:
        sys.exit(f"{program} does not start: {version.stderr.strip()}")
    print(f"{program}: {version.stdout.strip()}", file=sys.stderr, flush=True)
    return program


def target() -> pathlib.Path:
    """Cargo's folder, as the Makefile has it."""
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or pathlib.Path(cache, "vocald", "target"))


if __name__ == "__main__":
    print(built_program(*sys.argv[1:2]))
