"""Reads sensor_msgs/Image from rmw_zenoh's keys with eclipse-zenoh: `zenoh_reader.py PORT TOPIC`.

Of each picture a line of JSON: when it was stamped (the first 8 bytes of its pixels) and when it was here as bytes with its
fields decoded, CLOCK_MONOTONIC ns. Ends with its standard input.
"""

import json
import struct
import sys

import zenoh

import protocol


def pixels(cdr):
    """The pixels of an Image in little-endian CDR, which is aligned from its fourth byte on."""

    def aligned(at):
        return 4 + (at - 4 + 3) // 4 * 4

    (length,) = struct.unpack_from("<I", cdr, 12)
    at = aligned(16 + length)
    _height, _width, length = struct.unpack_from("<III", cdr, at)
    at = aligned(at + 12 + length + 1)
    _step, count = struct.unpack_from("<II", cdr, at)
    return memoryview(cdr)[at + 8 : at + 8 + count]


def take(sample):
    data = pixels(sample.payload.to_bytes())
    came = protocol.now()
    (sent,) = struct.unpack_from("<Q", data, 0)
    protocol.say(json.dumps({"sent": sent, "came": came, "bytes": len(data)}))


port, topic = sys.argv[1:3]
config = zenoh.Config()
config.insert_json5("mode", '"peer"')
config.insert_json5("connect/endpoints", f'["tcp/127.0.0.1:{port}"]')
config.insert_json5("listen/endpoints", '["tcp/127.0.0.1:0"]')
config.insert_json5("scouting/multicast/enabled", "false")
with zenoh.open(config) as session:
    subscriber = session.declare_subscriber(f"0/{topic.strip('/')}/sensor_msgs::msg::dds_::Image_/*", take)
    protocol.say("ready")
    sys.stdin.read()
