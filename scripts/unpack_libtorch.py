#!/usr/bin/env python3
"""Makes a libtorch folder out of downloaded PyPI wheels.

usage: unpack_libtorch.py WHEEL_DIR OUT_DIR cpu|cuda

Only what a C++ program needs is unpacked. OUT_DIR appears whole or not at all, with a
`manifest` of its files, one `SIZE PATH` per line, by which a damaged folder is recognised.
"""
from __future__ import annotations

import os
import shutil
import sys
import zipfile

TORCH_VERSION = "2.11.0"
CPU_LIBRARIES = {"libtorch_cpu.so", "libc10.so", "libgomp.so.1", "libcudart.so.13", "libcupti.so.13"}
# What libtorch_cpu.so links beside these on aarch64.
CPU_LIBRARIES |= {
    "libarm_compute.so",
    "libarm_compute_graph.so",
    "libnvpl_blas_core.so.0",
    "libnvpl_blas_lp64_gomp.so.0",
    "libnvpl_lapack_core.so.0",
    "libnvpl_lapack_lp64_gomp.so.0",
}


def wanted(name: str, kind: str) -> str | None:
    """The place inside OUT_DIR for a wheel's file, or None if it is not needed."""
    if name.startswith("torch/include/"):
        return name[len("torch/") :]
    base = os.path.basename(name)
    is_library = ".so" in base and (name.startswith("torch/lib/") or name.startswith("nvidia/"))
    if not is_library:
        return None
    if kind == "cpu":
        return f"lib/{base}" if base in CPU_LIBRARIES else None
    # The Python bindings are the one part of the CUDA set that needs an interpreter.
    return None if base.startswith("libtorch_python") else f"lib/{base}"


def unpack(wheel: str, out_dir: str, kind: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for item in archive.infolist():
            place = wanted(item.filename, kind)
            if place is None or item.is_dir():
                continue
            target = os.path.join(out_dir, place)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with archive.open(item) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)


def write_text(path: str, text: str) -> None:
    with open(path, "w") as out:
        out.write(text)


def write_manifest(out_dir: str) -> None:
    files = [
        os.path.relpath(os.path.join(folder, name), out_dir)
        for folder, _, names in os.walk(out_dir)
        for name in names
    ]
    lines = [f"{os.path.getsize(os.path.join(out_dir, path))} {path}\n" for path in sorted(files)]
    write_text(os.path.join(out_dir, "manifest"), "".join(lines))


def main() -> None:
    wheel_dir, out_dir, kind = sys.argv[1:4]
    partial = out_dir + ".partial"
    shutil.rmtree(partial, ignore_errors=True)
    for wheel in sorted(os.listdir(wheel_dir)):
        if wheel.endswith(".whl"):
            unpack(os.path.join(wheel_dir, wheel), partial, kind)
    if kind == "cpu":
        # The wheel's libtorch.so pulls in libtorch_cuda; this linker script stands in for it.
        write_text(os.path.join(partial, "lib", "libtorch.so"), "INPUT(-ltorch_cpu -lc10)\n")
    # torch-sys compares this with the version it was generated for.
    write_text(os.path.join(partial, "build-version"), TORCH_VERSION + "\n")
    write_manifest(partial)
    shutil.rmtree(out_dir, ignore_errors=True)
    os.rename(partial, out_dir)


if __name__ == "__main__":
    main()
