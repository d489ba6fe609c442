#!/usr/bin/env python3
"""Puts a built vocald into a folder tree, with everything that it needs beside ALSA.

usage: install_tree.py --program PROGRAM --libtorch DIR --prefix /usr/local [--destdir DIR]
                       [--unit-dir DIR] [--etc DIR]

Below PREFIX: bin/vocald; lib/vocald with the parts of libtorch that the program links, found by the relative run path
$ORIGIN/../lib/vocald; share/vocald/models; man pages, shell completions and documentation. Beside PREFIX: the systemd
unit, its user and its configuration. An existing configuration is kept.
"""
from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
RUN_PATH = b"$ORIGIN/../lib/vocald"
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE")
# Folders that programs make among the examples.
MADE = {"node_modules", "__pycache__"}
UNIT_BIN = "/usr/local/bin/vocald"
SHELLS = {
    "bash": "share/bash-completion/completions/vocald",
    "zsh": "share/zsh/site-functions/_vocald",
    "fish": "share/fish/vendor_completions.d/vocald.fish",
}


def needed(binary: Path) -> list[str]:
    """The shared libraries that a file names."""
    text = subprocess.run(["readelf", "-d", binary], check=True, capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", text)


def libraries(program: Path, folder: Path) -> list[Path]:
    """The libraries of `folder` that the program links, and those that they link."""
    found: dict[str, Path] = {}
    open_files = [program]
    while open_files:
        for name in needed(open_files.pop()):
            path = folder / name
            if name not in found and path.is_file():
                found[name] = path
                open_files.append(path)
    return sorted(found.values())


def relocated(program: Path) -> bytes:
    """The program without the builder's own folder in its run path, which system libraries would be searched in."""
    data = program.read_bytes()
    start = data.find(RUN_PATH)
    if start < 0:
        sys.exit(f"install: {program} has no relative run path: build it again")
    end = data.index(b"\0", start)
    rest = start + len(RUN_PATH)
    return data[:rest] + bytes(end - rest) + data[end:]


def write(path: Path, data: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.chmod(mode)
    part.replace(path)


def copy(source: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    shutil.copyfile(source, part)
    part.chmod(0o644)
    part.replace(path)


def install_program(program: Path, libtorch: Path, prefix: Path) -> None:
    binary = prefix / "bin/vocald"
    for library in libraries(program, libtorch / "lib"):
        copy(library, prefix / "lib/vocald" / library.name)
    write(binary, relocated(program), 0o755)
    for file in sorted((CHECKOUT / "models").iterdir()):
        copy(file, prefix / "share/vocald/models" / file.name)
    documentation = prefix / "share/doc/vocald"
    pages = [CHECKOUT / name for name in DOCUMENTS]
    for folder in ("docs", "config", "examples"):
        pages += sorted(page for page in (CHECKOUT / folder).rglob("*") if page.is_file() and not MADE & {*page.parts})
    # In folders as in the repository, since they refer to each other.
    for page in pages:
        copy(page, documentation / page.relative_to(CHECKOUT))
    link = documentation / "models"
    if not link.is_symlink():
        link.symlink_to("../../vocald/models")
    for schema in ("events", "requests"):
        copy(CHECKOUT / f"config/{schema}.schema.json", prefix / f"share/vocald/{schema}.schema.json")
    # Written by the installed program itself, which shows that it starts.
    for shell, place in SHELLS.items():
        script = subprocess.run([binary, "completions", shell], check=True, capture_output=True).stdout
        write(prefix / place, script)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([binary, "manual", folder], check=True)
        for page in Path(folder).iterdir():
            packed = gzip.compress(page.read_bytes(), 9, mtime=0)
            write(prefix / "share/man/man1" / f"{page.name}.gz", packed)


def install_service(final_prefix: str, root: Path, unit_dir: str, sysusers_dir: str, etc: str) -> None:
    unit = (CHECKOUT / "config/vocald.service").read_text()
    unit = unit.replace(UNIT_BIN, f"{final_prefix}/bin/vocald")
    write(root / unit_dir.lstrip("/") / "vocald.service", unit.encode())
    copy(CHECKOUT / "config/vocald.sysusers", root / sysusers_dir.lstrip("/") / "vocald.conf")
    configuration = root / etc.lstrip("/") / "vocald/vocald.toml"
    if not configuration.exists():
        copy(CHECKOUT / "config/service.toml", configuration)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--libtorch", type=Path, required=True)
    parser.add_argument("--prefix", default="/usr/local")
    parser.add_argument("--destdir", default="")
    parser.add_argument("--unit-dir", default="/etc/systemd/system")
    parser.add_argument("--sysusers-dir", default="/etc/sysusers.d")
    parser.add_argument("--etc", default="/etc")
    parser.add_argument("--no-service", action="store_true")
    arguments = parser.parse_args()
    os.umask(0o022)
    root = Path(arguments.destdir or "/")
    prefix = root / arguments.prefix.lstrip("/")
    install_program(arguments.program, arguments.libtorch, prefix)
    if not arguments.no_service:
        install_service(
            arguments.prefix.rstrip("/"), root, arguments.unit_dir, arguments.sysusers_dir, arguments.etc
        )


if __name__ == "__main__":
    main()
