"""What every Python child does alike: the stamp in the payload, the pace, the notebook, the words on the pipes.

The counterpart of stamp.rs, drive.rs and record.rs.
"""

import json
import struct
import sys
import time

WARM, MEASURED, OVER = 0, 1, 2
WARM_FRAMES = 10


def now():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def write_stamp(buffer, sequence, phase):
    """The present time into the first 24 bytes, the sequence once more into the last 8."""
    struct.pack_into("<Q", buffer, len(buffer) - 8, sequence)
    struct.pack_into("<QQQ", buffer, 0, sequence, phase, now())


class Recorder:
    def __init__(self):
        self.latencies, self.frames, self.torn = [], 0, 0
        self.start = self.over = None

    def frame(self, buffer):
        at = now()
        sequence, phase, sent = struct.unpack_from("<QQQ", buffer, 0)
        if phase == MEASURED:
            if self.start is None:
                self.start = time.process_time_ns()
            self.frames += 1
            (tail,) = struct.unpack_from("<Q", buffer, len(buffer) - 8)
            self.torn += tail != sequence
            self.latencies.append(at - sent)
        elif phase == OVER and self.over is None:
            self.over = time.process_time_ns()

    def result(self):
        start = self.start or 0
        return {
            "frames": self.frames,
            "torn": self.torn,
            "cpu_ns": (self.over or start) - start,
            "allocations": 0,
            "latencies_ns": sorted(self.latencies),
        }


def drive(send, hz, seconds):
    """Warms up and publishes through the window. `send(sequence, phase)` publishes one frame."""
    period, due, sequence = int(1e9 / hz), now(), 0

    def one(phase):
        nonlocal due, sequence
        due += period
        time.sleep(max(0, due - now()) / 1e9)
        sequence += 1
        send(sequence, phase)

    for _ in range(WARM_FRAMES):
        one(WARM)
    first, start, cpu = sequence, now(), time.process_time_ns()
    for _ in range(round(seconds * hz)):
        one(MEASURED)
    window = now() - start
    time.sleep(0.2)
    return {
        "frames": sequence - first,
        "failed_loans": 0,
        "cpu_ns": time.process_time_ns() - cpu,
        "allocations": 0,
        "window_ns": window,
    }


def say(line):
    print(line, flush=True)


def tell(result):
    say(json.dumps(result))


def hear_go():
    if sys.stdin.readline().strip() != "go":
        raise SystemExit("the parent is gone")
