#!/usr/bin/env python3
"""Shows or mutes a source of OBS Studio while someone sings.

    obs.py --mute "Captions mic"            mute an audio source during singing
    obs.py --show Stage/Lyrics              show the source Lyrics of the scene Stage during singing

OBS 28 or newer has the WebSocket server built in (Tools, WebSocket Server Settings); its password is read from
OBS_PASSWORD. `--stream` chooses streams of vocald; without it anyone's singing counts.
"""

import argparse
import base64
import hashlib
import json
import os

import vocald
from websockets.sync.client import connect


def digest(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def identify(obs, password):
    """The handshake of obs-websocket 5."""
    hello = json.loads(obs.recv())["d"]
    data = {"rpcVersion": 1, "eventSubscriptions": 0}
    if "authentication" in hello:
        salt, challenge = hello["authentication"]["salt"], hello["authentication"]["challenge"]
        data["authentication"] = digest(digest(password + salt) + challenge)
    obs.send(json.dumps({"op": 1, "d": data}))
    obs.recv()


def request(obs, kind, **data):
    """Sends a request and returns its response; an error of OBS ends the program."""
    obs.send(json.dumps({"op": 6, "d": {"requestType": kind, "requestId": kind, "requestData": data}}))
    response = json.loads(obs.recv())["d"]
    if not response["requestStatus"]["result"]:
        raise SystemExit(f"OBS: {kind}: {response['requestStatus'].get('comment', 'refused')}")
    return response.get("responseData", {})


def singing(address, streams):
    """Yields whether someone sings, whenever that changes; not while there is no connection."""
    voices, last = {}, None
    for event in vocald.listen(address, types=["onset", "offset", "state"], streams=streams):
        if isinstance(event, vocald.Hello):
            voices = {status.stream: status.voice for status in event.streams}
            voices = {name: voice for name, voice in voices.items() if streams is None or name in streams}
        elif isinstance(event, (vocald.Onset, vocald.Offset)):
            voices[event.stream] = isinstance(event, vocald.Onset)
        elif isinstance(event, vocald.Disconnected):
            voices = {}
        if any(voices.values()) != last:
            last = any(voices.values())
            yield last


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--obs", default="ws://127.0.0.1:4455", help="address of OBS")
    options.add_argument("--vocald", help="address of vocald")
    options.add_argument("--stream", action="append")
    what = options.add_mutually_exclusive_group(required=True)
    what.add_argument("--mute", metavar="SOURCE")
    what.add_argument("--show", metavar="SCENE/SOURCE")
    chosen = options.parse_args()
    with connect(chosen.obs) as obs:
        identify(obs, os.environ.get("OBS_PASSWORD", ""))
        if chosen.show:
            scene, source = chosen.show.split("/", 1)
            item = request(obs, "GetSceneItemId", sceneName=scene, sourceName=source)["sceneItemId"]
        for on in singing(chosen.vocald, chosen.stream):
            if chosen.mute:
                request(obs, "SetInputMute", inputName=chosen.mute, inputMuted=on)
            else:
                request(obs, "SetSceneItemEnabled", sceneName=scene, sceneItemId=item, sceneItemEnabled=on)


if __name__ == "__main__":
    main()
