"""Reads sensor_msgs/Image off a data key, with or without Zenoh's shared memory, and says of each what it was.

Usage: image_reader.py PORT KEY shm|network KEEP. It keeps the last KEEP payloads, as a slow node does, and then decodes none.
Decoding is that of `rosbags`. Ends with its stdin.
"""

import collections
import struct
import sys

import zenoh

from common import report

port, key, way, keep = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])

decode = None
if keep == 0:
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)

    def decode(payload):
        image = store.deserialize_cdr(payload, "sensor_msgs/msg/Image")
        return {
            "size": [image.width, image.height, image.step],
            "encoding": image.encoding,
            "frame": image.header.frame_id,
            "pixel": int(image.data[0]),
            "whole": bool((image.data == image.data[0]).all()),
        }


config = zenoh.Config()
config.insert_json5("mode", '"peer"')
config.insert_json5("connect/endpoints", f'["tcp/127.0.0.1:{port}"]')
config.insert_json5("listen/endpoints", '["tcp/127.0.0.1:0"]')
config.insert_json5("scouting/multicast/enabled", "false")
config.insert_json5("transport/shared_memory/enabled", "true" if way == "shm" else "false")

kept = collections.deque(maxlen=keep)


def take(sample):
    (sequence,) = struct.unpack_from("<q", sample.attachment.to_bytes(), 0)
    found = {"sequence": sequence, "shm": sample.payload.as_shm() is not None}
    if decode:
        found.update(decode(sample.payload.to_bytes()))
    else:
        kept.append(sample.payload)
    report(**found)


with zenoh.open(config) as session:
    subscriber = session.declare_subscriber(key, take)
    sys.stdin.read()
