"""An autopilot as far as the link can tell: pymavlink's own codec on a socket or a pseudo-terminal.

    peer.py udp|tcp|serial|ardupilot SECONDS [DROP BACK]

Prints `READY LINK` (the `link` parameter for the node), then plays PX4: heartbeats, odometry, battery, answers to TIMESYNC,
and garbage between the frames. From DROP to BACK seconds a TCP peer is gone. As `ardupilot` (over UDP)
it sends no odometry, and its parts only when SET_MESSAGE_INTERVAL has asked for them. A companion computer of the same system
speaks too, of another place. At the end it prints one line of JSON: all
that it heard, with the second of arrival.
"""
import json
import os
import random
import select
import socket
import sys
import time
import tty

os.environ["MAVLINK20"] = "1"
from pymavlink.dialects.v20 import common as m  # noqa: E402

KIND, SECONDS = sys.argv[1], float(sys.argv[2])
DROP, BACK = (float(sys.argv[3]), float(sys.argv[4])) if len(sys.argv) > 3 else (1e9, 1e9)
dice = random.Random(7)


class Udp:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.link = f"udpout:127.0.0.1:{self.socket.getsockname()[1]}"
        self.peer = None

    def read(self, wait):
        if not select.select([self.socket], [], [], wait)[0]:
            return b""
        data, self.peer = self.socket.recvfrom(65536)
        return data

    def write(self, data):
        if self.peer:
            self.socket.sendto(data, self.peer)


class Tcp:
    def __init__(self, port=0):
        self.listen(port)
        self.link = f"tcpout:127.0.0.1:{self.port}"

    def listen(self, port):
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(1)
        self.port = self.listener.getsockname()[1]
        self.stream = None

    def close(self):
        if self.stream:
            self.stream.close()
        self.listener.close()
        self.stream = None

    def read(self, wait):
        if self.stream is None:
            if select.select([self.listener], [], [], wait)[0]:
                self.stream = self.listener.accept()[0]
            return b""
        if not select.select([self.stream], [], [], wait)[0]:
            return b""
        try:
            data = self.stream.recv(65536)
        except ConnectionResetError:
            # The node closed the link with bytes of ours unread.
            data = b""
        if not data:
            # The node has ended, or comes again.
            self.stream = None
        return data

    def write(self, data):
        try:
            if self.stream:
                self.stream.sendall(data)
        except OSError:
            self.stream = None


class Serial:
    def __init__(self):
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.slave = slave
        self.link = f"serial:{os.ttyname(slave)}:921600"

    def read(self, wait):
        if not select.select([self.master], [], [], wait)[0]:
            return b""
        return os.read(self.master, 65536)

    def write(self, data):
        os.write(self.master, data)


def main():
    wire = {"udp": Udp, "tcp": Tcp, "serial": Serial, "ardupilot": Udp}[KIND]()
    ardupilot, asked = KIND == "ardupilot", set()
    companion = m.MAVLink(None, srcSystem=1, srcComponent=197)
    print("READY", wire.link, flush=True)
    mav = m.MAVLink(None, srcSystem=1, srcComponent=1)
    mav.robust_parsing = True
    start, last, heard, garbage, gone = time.monotonic(), -1.0, [], 0, False
    tick = 0
    while (now := time.monotonic() - start) < SECONDS:
        if KIND == "tcp" and DROP <= now < BACK:
            if not gone:
                wire.close()
                gone = True
            time.sleep(0.01)
            continue
        if gone:
            wire.listen(wire.port)
            gone = False
        for message in mav.parse_buffer(wire.read(0.005)) or []:
            kind = message.get_type()
            if kind == "BAD_DATA":
                garbage += 1
                continue
            heard.append([time.monotonic() - start, kind, message.to_dict(), message.get_srcComponent()])
            if kind == "COMMAND_LONG" and message.command == m.MAV_CMD_SET_MESSAGE_INTERVAL:
                known = int(message.param1) != m.MAVLINK_MSG_ID_ODOMETRY or not ardupilot
                asked |= {int(message.param1)} if known else set()
                verdict = m.MAV_RESULT_ACCEPTED if known else m.MAV_RESULT_DENIED
                wire.write(mav.command_ack_encode(message.command, verdict).pack(mav))
            if kind == "TIMESYNC" and message.tc1 == 0:
                boot = int((time.monotonic() - start + 100.0) * 1e9)
                wire.write(mav.timesync_encode(boot, message.ts1).pack(mav))
        if now - last < 0.05:
            continue
        last, tick = now, tick + 1
        if tick % 4 == 0:
            noise = bytes(dice.choice(b"\x00\x55\xfd\xfe\xff") for _ in range(25))
            # A frame with one wrong byte.
            broken = bytearray(mav.sys_status_encode(0, 0, 0, 0, 15200, 1250, 87, 0, 0, 0, 0, 0, 0).pack(mav))
            broken[15] ^= 0x40
            wire.write(noise + bytes(broken) + b"\x00" * 300)
        kind = m.MAV_AUTOPILOT_ARDUPILOTMEGA if ardupilot else m.MAV_AUTOPILOT_PX4
        wire.write(mav.heartbeat_encode(m.MAV_TYPE_QUADROTOR, kind, 0x81, 0x60000, m.MAV_STATE_ACTIVE).pack(mav))
        boot_us = int((now + 100.0) * 1e6)
        # Heading north, level.
        pose = [1.0, 0.0, 0.0, 0.0], 1.5, 0.5, -0.25, 0.1, 0.2, 0.3, [0.1] * 21, [float("nan")] * 21
        frames = m.MAV_FRAME_LOCAL_NED, m.MAV_FRAME_BODY_FRD
        wire.write(companion.odometry_encode(boot_us, *frames, 99.0, 99.0, -99.0, *pose, 3).pack(companion))
        if not ardupilot:
            # The estimator begins anew after a second.
            wire.write(mav.odometry_encode(boot_us, *frames, 10.0, 20.0, -5.0, *pose, int(now > 1.0)).pack(mav))
        if m.MAVLINK_MSG_ID_ATTITUDE_QUATERNION in asked:
            wire.write(mav.attitude_quaternion_encode(boot_us // 1000, 1.0, 0.0, 0.0, 0.0, 0.1, 0.2, 0.3).pack(mav))
        if m.MAVLINK_MSG_ID_LOCAL_POSITION_NED in asked:
            wire.write(mav.local_position_ned_encode(boot_us // 1000, 10.0, 20.0, -5.0, 1.5, 0.5, -0.25).pack(mav))
        wire.write(mav.sys_status_encode(0, 0, 0, 0, 15200, 1250, 87, 0, 0, 0, 0, 0, 0).pack(mav))

    def plain(value):
        if isinstance(value, float) and value != value:
            return "NaN"
        return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value

    heard = [[t, kind, {k: plain(v) for k, v in fields.items()}, component] for t, kind, fields, component in heard]
    print(json.dumps({"heard": heard, "garbage": garbage}), flush=True)


main()
