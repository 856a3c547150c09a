"""Reads lines of hex, a CDR sensor_msgs/msg/Image each, and says what rclpy makes of it. Run by rclpy.rs."""

import hashlib
import sys

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image

for line in sys.stdin:
    m = deserialize_message(bytes.fromhex(line), Image)
    data = bytes(m.data)
    stamp = m.header.stamp
    print(
        m.width, m.height, m.step, m.encoding, m.is_bigendian, stamp.sec, stamp.nanosec, m.header.frame_id,
        len(data), hashlib.md5(data).hexdigest(),
    )
