"""Listens to everything on Zenoh, and to every packet of the loopback interface that goes to or from the meeting point, for some
seconds; prints as JSON what came, and whether any of the needles (hexadecimal) was in it.

    sniff.py PORT SECONDS NEEDLE...
"""

import json
import socket
import sys
import threading
import time

import zenoh

port, seconds, needles = int(sys.argv[1]), float(sys.argv[2]), [bytes.fromhex(text) for text in sys.argv[3:]]
keys, found, lock = {}, set(), threading.Lock()


def hear(sample):
    data = bytes(sample.payload.to_bytes())
    with lock:
        count, largest = keys.get(str(sample.key_expr), (0, 0))
        keys[str(sample.key_expr)] = (count + 1, max(largest, len(data)))
        if any(needle in data for needle in needles):
            found.add(str(sample.key_expr))


packets = {"bytes": 0, "found": 0, "sniffed": False}
over = threading.Event()


def sniff():
    try:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
        wire.bind(("lo", 0))
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        wire.settimeout(0.2)
    except OSError:
        return
    packets["sniffed"] = True
    while not over.is_set():
        try:
            frame = wire.recv(1 << 18)
        except TimeoutError:
            continue
        # Ethernet, IPv4, TCP.
        if len(frame) < 54 or frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        start = 14 + (frame[14] & 15) * 4
        ports = int.from_bytes(frame[start : start + 2], "big"), int.from_bytes(frame[start + 2 : start + 4], "big")
        # Peers find each other at the meeting point and then speak directly: every stream of TCP is looked at.
        if 22 in ports:
            continue
        packets["bytes"] += len(frame)
        packets["found"] += any(needle in frame for needle in needles)


thread = threading.Thread(target=sniff)
thread.start()
config = zenoh.Config()
config.insert_json5("mode", '"peer"')
config.insert_json5("connect/endpoints", f'["tcp/127.0.0.1:{port}"]')
config.insert_json5("listen/endpoints", '["tcp/127.0.0.1:0"]')
config.insert_json5("scouting/multicast/enabled", "false")
# All comes over the wire, where the packets are read.
config.insert_json5("transport/shared_memory/enabled", "false")
with zenoh.open(config) as session:
    subscriber = session.declare_subscriber("**", hear)
    time.sleep(seconds)
over.set()
thread.join()
with lock:
    print(json.dumps({"keys": keys, "found": sorted(found), "packets": packets}))
