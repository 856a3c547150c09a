"""Plays ArduPilot's SITL with a JSON model: ardupilot_peer.py PORT HEIGHT RATE CHANNELS SECONDS.

Sends servo packets, reads the state, hovers at HEIGHT metres for so many simulated seconds. Loses an answer, sends rubbish and sends one
packet twice on the way. Prints one line of JSON.
"""

import json
import math
import socket
import struct
import sys

from hover import Controller

port, target, rate, channels = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
seconds = float(sys.argv[5])
magic = {16: 18458, 32: 29569}[channels]
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.settimeout(0.5)
to = ("127.0.0.1", port)
controller = Controller()
pulses, times, rest, tilts, heights, offs, again = [1000] * channels, [], [], [], [], [], 0


def packet(count):
    return struct.pack(f"<HHI{channels}H", magic, rate, count, *pulses)


def ask(count):
    """The state after one more frame; asks again while none comes, as SITL does."""
    for _ in range(40):
        link.sendto(packet(count), to)
        try:
            text = link.recv(4096)
        except (TimeoutError, ConnectionRefusedError):
            continue
        assert text.startswith(b"\n") and text.endswith(b"\n"), text
        return json.loads(text)
    raise SystemExit("no answer from the simulator")


count = 0
while True:
    state = ask(count)
    if count == 50:
        # Not ours, cut, and of a wrong magic number: no answer to any, and no step.
        for rubbish in (b"hello", packet(count + 1)[:-1], b"\0\0" + packet(count + 1)[2:], b""):
            link.sendto(rubbish, to)
        # As if the answer had been lost: the same answer again.
        link.sendto(packet(count), to)
        assert json.loads(link.recv(4096)) == state
        again += 1
    count += 1
    now = state["timestamp"]
    times.append(now)
    w, x, y, z = state["quaternion"]
    attitude = (
        math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)),
        math.asin(max(-1.0, min(1.0, 2 * (w * y - z * x)))),
        math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)),
    )
    if now > seconds - 1e-4:
        break
    if now < 0.5:
        if now > 0.3:
            rest.append(state["imu"]["accel_body"])
        continue
    throttle = controller.throttle(
        attitude, state["imu"]["gyro"], state["position"], state["velocity"], target)
    pulses[:4] = [round(1000 + 1000 * t) for t in throttle]
    tilts.append(max(abs(attitude[0]), abs(attitude[1])))
    offs.append(math.hypot(*state["position"][:2]))
    heights.append(-state["position"][2])

steps = [b - a for a, b in zip(times, times[1:])]
print(json.dumps({
    "steps": count,
    "step": [min(steps), max(steps)],
    "rest": [sum(a[k] for a in rest) / len(rest) for k in range(3)],
    "height": [min(heights[-2 * rate:]), max(heights[-2 * rate:])],
    "off": max(offs),
    "tilt": max(tilts),
    "again": again,
}))
