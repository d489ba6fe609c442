#!/usr/bin/env python3
"""Presses a button of a light program while someone sings, by the protocol OS2L.

    os2l.py 127.0.0.1:9996                   buttons named as the streams: "lead", "backing", ...
    os2l.py 127.0.0.1:9996 --button Voice    one button for whoever sings

QLC+ listens on port 9996 once its OS2L plug-in has an input patched; Daslight and others show their port. A light
program that is not there yet, or restarts, is tried again.
"""

import argparse
import json
import socket
import time

import vocald


def presses(address, button):
    """Yields (button, on) whenever that changes."""
    voices, pressed = {}, {}
    for event in vocald.listen(address, types=["onset", "offset", "state"]):
        if isinstance(event, vocald.Hello):
            voices = {status.stream: status.voice for status in event.streams}
        elif isinstance(event, (vocald.Onset, vocald.Offset)):
            voices[event.stream] = isinstance(event, vocald.Onset)
        elif isinstance(event, vocald.Disconnected):
            voices = dict.fromkeys(voices, False)
        now = {button: any(voices.values())} if button else voices
        for name, on in now.items():
            if pressed.get(name, False) != on:
                yield name, on
        pressed = dict(now)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("lights", metavar="HOST:PORT")
    options.add_argument("--vocald", help="address of vocald")
    options.add_argument("--button")
    chosen = options.parse_args()
    host, port = chosen.lights.rsplit(":", 1)
    lights = None
    for name, on in presses(chosen.vocald, chosen.button):
        event = {"evt": "btn", "name": name, "state": "on" if on else "off"}
        while True:
            try:
                lights = lights or socket.create_connection((host, int(port)), 5)
                lights.sendall(json.dumps(event).encode() + b"\n")
                break
            except OSError as error:
                print(f"{chosen.lights}: {error}; trying again", flush=True)
                lights = None
                time.sleep(1)


if __name__ == "__main__":
    main()
