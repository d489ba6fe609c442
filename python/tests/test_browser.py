"""The frontend of the browser example, in Node, against the numpy frontend."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from conftest import REPOSITORY
from vocald.frontend import Frontend

SCRIPT = """
import fs from "node:fs";
import { Frontend } from "%s";
const [settings, file, out] = process.argv.slice(2);
const bytes = fs.readFileSync(file);
const samples = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const frontend = new Frontend(JSON.parse(settings));
const windows = [];
for (let at = 0; at < samples.length; at += 777) windows.push(...frontend.push(samples.subarray(at, at + 777)));
windows.forEach((window, place) => { if (window.number !== place) throw new Error("a window is out of order"); });
fs.writeFileSync(out, Buffer.concat(windows.map(({ values }) => Buffer.from(values.buffer))));
"""


def test_windows_equal_those_of_numpy(tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    noise = np.random.default_rng(3).uniform(-0.1, 0.1, 40_000).astype(np.float32)
    noise.tofile(tmp_path / "sound")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    # Outside the repository a `.js` file would not be a module.
    shutil.copy(REPOSITORY / "examples/browser/frontend.js", tmp_path / "frontend.js")
    (tmp_path / "check.js").write_text(SCRIPT % (tmp_path / "frontend.js"))
    frontend = Frontend()
    settings = json.dumps(dataclasses.asdict(frontend))
    subprocess.run(["node", "check.js", settings, "sound", "windows"], cwd=tmp_path, check=True)
    windows = np.fromfile(tmp_path / "windows", dtype="<f4").reshape(-1, 80, 80)
    expected = frontend.windows(frontend.log_mel(noise))
    assert windows.shape == expected.shape and len(expected) > 5
    np.testing.assert_allclose(windows, expected, atol=1e-4)
