#!/usr/bin/env python3
"""Passes captions on, line by line, but not while someone sings.

    captioner | pause_captions.py | viewer

Speech recognition writes nonsense about songs. Lines that arrive during singing, or within a second after it, are
dropped; a single note stands for them.
"""

import argparse
import sys
import threading
import time

import vocald

AFTER_S = 1.0


class Singing:
    """Follows vocald in a thread of its own."""

    def __init__(self, address):
        self._voices = {}
        self._until = 0.0
        threading.Thread(target=self._follow, args=[address], daemon=True).start()

    def now(self):
        return any(self._voices.values()) or time.monotonic() < self._until

    def _follow(self, address):
        for event in vocald.listen(address, types=["onset", "offset", "state"]):
            was = any(self._voices.values())
            if isinstance(event, vocald.Hello):
                self._voices = {status.stream: status.voice for status in event.streams}
            elif isinstance(event, (vocald.Onset, vocald.Offset)):
                self._voices[event.stream] = isinstance(event, vocald.Onset)
            elif isinstance(event, vocald.Disconnected):
                # Better captions of a song than none of a speech.
                self._voices = {}
            if was and not any(self._voices.values()):
                self._until = time.monotonic() + AFTER_S


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--vocald", help="address of vocald")
    singing = Singing(options.parse_args().vocald)
    noted = False
    for line in sys.stdin:
        if singing.now():
            if not noted:
                print("♪", flush=True)
            noted = True
            continue
        noted = False
        print(line, end="", flush=True)


if __name__ == "__main__":
    main()
