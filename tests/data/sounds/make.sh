#!/bin/sh
# Makes the sound files in this folder: half a second of silence, then 0.1 s of a rising tone,
# then silence up to 1 s; 22 050 Hz mono. Needs python3, sox, lame and ffmpeg.
set -eu
cd "$(dirname "$0")"
python3 - <<'PY'
import math, struct, wave
rate, start, length = 22050, 11025, 2205
samples = [0.0] * rate
for n in range(length):
    phase = 2 * math.pi * (200 * n + 0.5 * n * n) / rate
    samples[start + n] = 0.6 * math.sin(phase) * math.sin(math.pi * n / length)
with wave.open("tone.wav", "wb") as out:
    out.setnchannels(1)
    out.setsampwidth(2)
    out.setframerate(rate)
    out.writeframes(b"".join(struct.pack("<h", round(x * 32767)) for x in samples))
PY
lame --quiet -b 64 tone.wav tone.mp3
sox tone.wav -C 3 tone.ogg
sox tone.wav -r 32000 -C 3 faster.ogg
sox tone.wav -C 8 tone.flac
ffmpeg -loglevel error -y -i tone.wav -bitexact tone.aiff
ffmpeg -loglevel error -y -i tone.wav -bitexact -c:a alac tone-alac.m4a
ffmpeg -loglevel error -y -i tone.wav -bitexact -c:a aac -b:a 48k tone-aac.m4a
ffmpeg -loglevel error -y -i tone.wav -bitexact -c:a aac -b:a 48k tone.aac
ffmpeg -loglevel error -y -i tone.wav -bitexact -c:a aac -b:a 48k tone.mkv
ffmpeg -loglevel error -y -i tone.wav -bitexact -c:a libopus -b:a 24k tone.opus
ffmpeg -loglevel error -y -i tone.wav -bitexact -c:a libopus -b:a 24k tone.webm
ffmpeg -loglevel error -y -i tone.wav -bitexact -c:a mp2 -b:a 64k tone.mp2
ffmpeg -loglevel error -y -i tone.wav -bitexact -c:a alac tone.caf
ffmpeg -loglevel error -y -i tone.wav -bitexact -c:a adpcm_ima_wav tone-ima.wav
ffmpeg -loglevel error -y -i tone.wav -bitexact -c:a adpcm_ms tone-ms.wav
ffmpeg -loglevel error -y -i tone.wav -bitexact -c:a ac3 -b:a 64k tone.ac3
rm tone.wav
