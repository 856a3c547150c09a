"""Plays PX4 for a simulator that listens: px4_peer.py PORT HEIGHT [truth].

Takes off after a second and hovers at HEIGHT metres, by the sensors alone, or with `truth` by HIL_STATE_QUATERNION (for
simulators without compass, barometer and satellites). Checks what it is told; prints one line of JSON when the simulator ends.
"""

import json
import math
import socket
import sys
import time

from hover import Controller, Estimator, G, wrap
from pymavlink.dialects.v20 import common as mavlink

port, target, by_truth = int(sys.argv[1]), float(sys.argv[2]), "truth" in sys.argv[3:]
link = None
for _ in range(200):
    try:
        link = socket.create_connection(("127.0.0.1", port), timeout=20)
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Out:
    def write(self, data):
        link.sendall(data)


mav = mavlink.MAVLink(Out(), srcSystem=1, srcComponent=1)
mav.robust_parsing = True
mav.heartbeat_send(mavlink.MAV_TYPE_QUADROTOR, mavlink.MAV_AUTOPILOT_PX4, 0, 0, mavlink.MAV_STATE_ACTIVE)
# As PX4 does at its start.
mav.command_long_send(0, 0, mavlink.MAV_CMD_SET_MESSAGE_INTERVAL, 0, 115, 8000, 0, 0, 0, 0, 0)

estimator, controller = Estimator(math.radians(3.3)), Controller()
last, start, state, armed_at = None, None, None, None
seen = {"sensor": 0, "gps": 0, "state": 0, "heartbeat": 0, "ack": 0, "mag": 0, "baro": 0}
steps, heights, offs, tilts, heading_errors, rest, slept = [], [], [], [], [], [], False
attitude, position, velocity = (0.0, 0.0, 0.0), [0.0] * 3, [0.0] * 3


def on_state(m):
    global state
    w, x, y, z = m.attitude_quaternion
    roll = math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    pitch = math.asin(max(-1.0, min(1.0, 2 * (w * y - z * x))))
    yaw = math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    if state is None:
        on_state.home = (m.lat, m.lon, m.alt)
    home = on_state.home
    north = math.radians((m.lat - home[0]) * 1e-7) * 6371000.0
    east = math.radians((m.lon - home[1]) * 1e-7) * 6371000.0 * math.cos(math.radians(home[0] * 1e-7))
    state = ((roll, pitch, yaw), [north, east, (home[2] - m.alt) * 1e-3], [m.vx * 0.01, m.vy * 0.01, m.vz * 0.01])


def on_sensor(m):
    global last, start, armed_at, attitude, position, velocity, slept
    now = m.time_usec * 1e-6
    start = now if start is None else start
    dt = 0.0 if last is None else now - last
    if last is not None:
        steps.append(m.time_usec - round(last * 1e6))
    last = now
    armed = now - start >= 1.0
    accel, gyro = (m.xacc, m.yacc, m.zacc), (m.xgyro, m.ygyro, m.zgyro)
    if 0.5 < now - start < 1.0:
        rest.append(accel)
    if by_truth:
        attitude, position, velocity = state
    else:
        if m.fields_updated & 0x1C0:
            seen["mag"] += 1
            estimator.compass(m.xmag, m.ymag, m.zmag)
        estimator.imu(accel, gyro, dt)
        if m.fields_updated & 0x1A00:
            seen["baro"] += 1
            assert m.fields_updated & 0x1A00 == 0x1A00
            estimator.height(m.pressure_alt, not armed)
        attitude, position, velocity = (
            (estimator.roll, estimator.pitch, estimator.yaw or 0.0), estimator.position, estimator.velocity)
    controls = [0.0] * 16
    if armed:
        controls[:4] = controller.throttle(attitude, gyro, position, velocity, target)
        true_attitude, true_position, _ = state
        tilts.append(max(abs(true_attitude[0]), abs(true_attitude[1])))
        heading_errors.append(abs(wrap(true_attitude[2] - attitude[2])))
        heights.append((now - start, -true_position[2]))
        offs.append(math.hypot(true_position[0], true_position[1]))
    if now - start > 2.0 and not slept and not by_truth:
        # Whoever does not wait for us would be far ahead by now.
        slept = True
        time.sleep(0.3)
    mode = mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED | (mavlink.MAV_MODE_FLAG_SAFETY_ARMED if armed else 0)
    mav.hil_actuator_controls_send(m.time_usec, controls, mode, 1)


handlers = {
    "HIL_STATE_QUATERNION": ("state", on_state),
    "HIL_SENSOR": ("sensor", on_sensor),
    "HEARTBEAT": ("heartbeat", lambda m: None),
    "COMMAND_ACK": ("ack", lambda m: None),
    "HIL_GPS": ("gps", lambda m: estimator.satellites(
        m.lat * 1e-7, m.lon * 1e-7, (m.vn * 0.01, m.ve * 0.01, m.vd * 0.01), last is None or last - start < 1.0)),
}
garbage = 0
while True:
    try:
        data = link.recv(4096)
    except ConnectionResetError:
        break
    if not data:
        break
    for message in mav.parse_buffer(data) or []:
        if message.get_type() == "BAD_DATA":
            garbage += 1
            continue
        name, handle = handlers[message.get_type()]
        seen[name] += 1
        try:
            handle(message)
        except (BrokenPipeError, ConnectionResetError):
            break

late = [h for t, h in heights if t > heights[-1][0] - 3.0]
mean = lambda values: sum(values) / max(1, len(values))
print(json.dumps({
    "seen": seen,
    "garbage": garbage,
    "step_us": [min(steps), max(steps)],
    "rest": [mean([a[k] for a in rest]) for k in range(3)],
    "height": [min(late), max(late)],
    "off": max(offs),
    "tilt": max(tilts),
    "heading_error": max(heading_errors),
    "height_at": [next((h for t, h in heights if t >= when), None) for when in (1.5, 2.0, 2.5, 3.0, 4.0)],
}))
