"""Every command of README, docs, models' cards and examples: run as it stands there, run by another test, or listed here with the reason."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from conftest import DEMO, REPOSITORY

FOLDERS = ["docs", "models", "client", "python", "config/experiments", "examples/archive", "examples/browser"]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"]
PAGES += [page for folder in FOLDERS for page in sorted((REPOSITORY / folder).glob("*.md"))]
SOUNDS = REPOSITORY / "tests/data/sounds"
# A daemon runs as it stands there; without its sound card it waits, which shows nothing but that it started.
DAEMON_S = 3
EXCERPT_S = 8

# Commands that begin so are not run here.
NOT_RUN = {
    "make ": "builds, tests or measures for minutes; .ci/run and the commands themselves are the test",
    "UPDATE_": "changes files of the repository; the tests that it names compare them",
    "pip install ./python": "python/tests/test_wheel.py installs the wheel",
    "pip install './python": "python/tests/test_wheel.py installs the wheel",
    "pip install ray": "needs a network",
    "python examples/archive/ray_detect.py": "python/tests/test_archive.py runs it",
    "sbatch ": "needs Slurm; python/tests/test_archive.py runs the script",
    "echo '{\"types\"": "needs socat; tests/rigs/docs_clients.rs runs it where it is installed",
    "echo '{\"request\"": "needs socat; tests/rigs/docs_clients.rs runs it where it is installed",
    "vocald control": "needs a running daemon with these streams; tests/cli/control.rs tests it",
    "nc ": "tests/rigs/docs_clients.rs runs it where nc is installed",
    "websocat ": "tests/rigs/docs_clients.rs runs it where websocat is installed",
    "curl ": "tests/rigs/docs_clients.rs runs it",
    "mosquitto_sub ": "tests/rigs/docs_clients.rs runs it where mosquitto is installed",
    "ffmpeg -loglevel error -i http": "needs a web radio; python/tests/test_recipes.py runs it on a file",
    "captioner ": "a stand-in for the user's programs; python/tests/test_integrations.py runs pause_captions.py",
    "ssh ": "needs another machine",
    "sudo": "changes the system; tried by hand in a container, docs/operations.md has the transcript",
    "VOCALD_TOKEN=secret vocald watch": "needs a terminal and another machine; tests/cli/watch.rs tests it",
    "vocald watch": "needs a terminal; tests/cli/watch.rs tests it",
    "vocald reproduce": "needs the paper's corpora; tests/cli/reproduce.rs tests it on a made one",
    "vocald train ": "trains for minutes to days; tests/cli/train_folder.rs and reproduce.rs train for seconds",
    "vocald evaluate paper-mir1k": "needs MIR-1K",
    "vocald evaluate EXPERIMENT": "needs the corpora of an experiment",
    "vocald evaluate $P": "needs the validation corpora",
    "vocald calibrate paper-mir1k": "needs MIR-1K",
    "vocald calibrate $P": "needs the validation corpora",
    "vocald evaluate $S": "needs the validation corpora",
    "vocald evaluate config/experiments/validation": "needs the validation corpora",
    "vocald evaluate DIR/musdb7": "needs MUSDB's excerpts",
    "vocald evaluate ~/.cache/vocald/music": "needs the songs that scripts/fetch-music fetches",
    "vocald calibrate EXPERIMENT": "needs the corpora of an experiment",
    "scripts/compare-reports": "needs two reports of the validation corpora",
    "scripts/compare-variants": "needs reports of the validation corpora",
    "scripts/make-stand-ins": "needs the annotation of RWC and Jamendo; tests/cli/stand_ins.rs runs it where that is",
    "scripts/fetch-talk": "needs a network",
    "ln -s MIR-1K": "needs MIR-1K",
    "scripts/compare-systems": "needs reports of the validation corpora",
    "scripts/fetch-music": "needs a network, and fetches gigabytes",
    "scripts/reference-labels": "needs other detectors",
    "scripts/teach-labels": "needs another detector",
    "scripts/train-recipe": "trains for days",
    "npm install": "needs a network; tried by hand, with the commands beside it",
    "python3 -m http.server": "serves until it is ended",
    "cd examples/browser": "python/tests/test_browser.py runs the frontend there",
    "cargo run -p vocald-client": "compiles; cargo test and clippy build the example",
    "P=": "sets a variable for the commands after it",
    "S=": "sets a variable for the commands after it",
    "E=": "sets a variable for the commands after it",
    "vocald average": "needs two trained networks; tests/model/ensemble.rs tests it",
    "vocald ensemble": "needs two trained networks; tests/model/ensemble.rs tests it",
    "python -c \"import onnxruntime": "tests/model/export.rs reads the description",
    "mkfifo ": "the command after it needs its FIFO; tests/audio/sources.rs tests one",
    "export XDG_RUNTIME_DIR": "needs PulseAudio; tests/rigs/run_capture.rs plays through it where it is installed",
}


def commands(page: Path) -> list[str]:
    """The commands of a page, continuation lines joined, comments left out; of here-documents the first line."""
    found = []
    for block in re.findall(r"^```sh[^\n]*\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        if "<<" in block:
            found.append(block.splitlines()[0])
            continue
        block = re.sub(r"\\\n\s*", "", block)
        block = re.sub(r"\|\n\s*", "| ", block)
        lines = (re.sub(r"\s{2,}#.*|\s# .*", "", line).strip() for line in block.splitlines())
        found += [line for line in lines if line]
    return found


ALL = [(page.name, command) for page in PAGES for command in commands(page)]


def reason(command: str) -> str | None:
    return next((reason for start, reason in NOT_RUN.items() if command.startswith(start)), None)


# In the order of the pages: later commands use what earlier ones wrote.
RUN = list(dict.fromkeys(command for _, command in ALL if reason(command) is None))


def test_every_command_is_run_or_listed() -> None:
    assert len(ALL) > 100
    unknown = [command for command in RUN if "vocald " not in command and not command.startswith(("cat ", "jq ", "openssl "))]
    assert not unknown, "nobody knows how to run these"
    unused = [start for start in NOT_RUN if not any(command.startswith(start) for _, command in ALL)]
    assert not unused, "these are in no page any more"


@pytest.fixture(scope="module")
def folder(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Everything that the commands name."""
    folder = tmp_path_factory.mktemp("commands")
    samples, rate = soundfile.read(DEMO, frames=EXCERPT_S * 44_100)
    labels = [line.split() for line in DEMO.with_suffix(".lab").read_text().splitlines()]
    kept = [(start, min(float(end), EXCERPT_S), word) for start, end, word in labels if float(start) < EXCERPT_S]
    text = "".join(f"{start} {end} {word}\n" for start, end, word in kept)
    sounds = ["song.ogg", "concert.flac", "mixer.wav", "albums/one/song.flac", "albums/two.wav", "archive/a.wav"]
    sounds += [f"{kind}/{name}.ogg" for kind in ["songs", "rehearsals"] for name in ["a", "b"]]
    sounds += ["instrumentals/x/a.wav", "speakers/y/a.wav"]
    for name in sounds:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, samples, rate)
    for name in ["songs/a", "songs/b", "rehearsals/a", "rehearsals/b", "other-labels/a", "other-labels/b"]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / f"{name}.lab").write_text(text)
    shutil.copy(SOUNDS / "tone.mp3", folder / "song.mp3")
    shutil.copy(SOUNDS / "tone.mkv", folder / "concert.mkv")
    (folder / "files.txt").write_text("archive\nsongs\n")
    shutil.copy(REPOSITORY / "models/live-14.safetensors", folder / "mine.safetensors")
    (folder / "models").symlink_to(REPOSITORY / "models")
    for page in ["recipes.md", "live-sound.md"]:
        text = (REPOSITORY / "docs" / page).read_text()
        for name, content in re.findall(r"```toml file=(\S+)\n(.*?)```", text, re.DOTALL):
            (folder / name).write_text(content)
    page = (REPOSITORY / "docs/live-sound.md").read_text()
    (script,) = re.findall(r"```text\n(format [^`]*)```\s*```sh\nvocald run sim:faults.txt", page)
    (folder / "faults.txt").write_text(script)
    # At the rate of the script; nobody listens.
    soundfile.write(folder / "song.wav", samples, 48_000)
    (folder / "bin").mkdir()
    (folder / "bin/vocald").symlink_to(program)
    fifo = Path("/tmp/desk")
    made = not fifo.exists()
    if made:
        os.mkfifo(fifo)
    yield folder
    if made:
        fifo.unlink()


def is_daemon(command: str) -> bool:
    ends = any(word in command for word in ["--pace max", "vocald run - ", "song.mp3"])
    return re.search(r"\bvocald run\b", command) is not None and not ends


@pytest.mark.parametrize("command", RUN)
def test_a_command_runs_as_it_is_written(folder: Path, command: str) -> None:
    for tool in ["ffmpeg", "jq", "openssl", "mosquitto_sub"]:
        if re.search(rf"(^|[|'] *){tool} ", command) and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if command.startswith(("cat labels", "jq -r")):
        subprocess.run([folder / "bin/vocald", "detect", "--list", "files.txt", "--out", "labels", "--shard", "1/2"], cwd=folder)
    environment = dict(os.environ, PATH=f"{folder}/bin:{os.environ['PATH']}", XDG_RUNTIME_DIR=str(folder))
    for name in ["VOCALD", "VOCALD_TOKEN"]:
        environment.pop(name, None)
    command = command.replace("~/.cache/vocald/target/release/vocald", "vocald")
    process = subprocess.Popen(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    if is_daemon(command):
        time.sleep(DAEMON_S)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
    try:
        _, output = process.communicate(timeout=300)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    ended = [0, -signal.SIGTERM, 128 + signal.SIGTERM] if is_daemon(command) else [0]
    assert process.returncode in ended, output
