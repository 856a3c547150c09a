"""A Zenoh router that hears what a bag's player publishes, with eclipse-zenoh, and decodes it with rosbags.

Usage: hear_bag.py PORT. Prints "ready", then one JSON object when the last text has come: topic -> what came, in order; under
"late", what a reader got of the latched topic that joined long after it was published.
"""
import json
import sys
import time

import zenoh
from rosbags.typesys import Stores, get_typestore

TYPES = get_typestore(Stores.ROS2_JAZZY)
heard = {}
late = []


def decode(key, payload):
    _, *topic, dds, _ = str(key).split("/")
    package, _, _, name = dds.split("::")
    message = TYPES.deserialize_cdr(payload.to_bytes(), f"{package}/msg/{name.removesuffix('_')}")
    if name == "Image_":
        pixels = set(message.data.tolist())
        what = [message.header.stamp.nanosec, message.header.frame_id, message.width, message.height, message.encoding]
        return "/".join(["", *topic]), [*what, len(message.data), *sorted(pixels)]
    if name == "CameraInfo_":
        return "/".join(["", *topic]), [message.header.stamp.nanosec, message.k[0], message.distortion_model]
    return "/".join(["", *topic]), message.data


def take(sample):
    topic, what = decode(sample.key_expr, sample.payload)
    heard.setdefault(topic, []).append(what)


config = zenoh.Config()
config.insert_json5("mode", '"router"')
config.insert_json5("listen/endpoints", f'["tcp/127.0.0.1:{sys.argv[1]}"]')
config.insert_json5("scouting/multicast/enabled", "false")
config.insert_json5("timestamping/enabled", "true")
with zenoh.open(config) as session:
    keys = ["0/chatter/**", "0/camera/image_raw/**", "0/camera/camera_info/**"]
    readers = [session.declare_subscriber(key, take) for key in keys]
    print("ready", flush=True)
    end = time.monotonic() + 50
    joined = None
    while time.monotonic() < end and len(heard.get("/chatter", [])) < 40:
        if joined is None and len(heard.get("/chatter", [])) >= 10:
            joined = zenoh.ext.declare_advanced_subscriber(
                session,
                "0/robot/name/**",
                lambda sample: late.append(decode(sample.key_expr, sample.payload)[1]),
                history=zenoh.ext.HistoryConfig(detect_late_publishers=True, max_samples=10),
                recovery=zenoh.ext.RecoveryConfig(heartbeat=True),
                subscriber_detection=True,
            )
        time.sleep(0.02)
    time.sleep(0.3)
    print(json.dumps({**heard, "late": late}), flush=True)
    sys.stdin.read()
