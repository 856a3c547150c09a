"""rclpy on Fast DDS, behind zenoh-bridge-ros2dds: topics both ways, latched ones too. It knows nothing of Zenoh.

Reports what came from our node, and publishes until its stdin ends.
"""

import json
import sys
import threading
import time

import rclpy
from geometry_msgs.msg import TwistStamped
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import Int32, String

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
LOSSY = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)

rclpy.init()
node = rclpy.create_node("dds_peer", namespace="/theirs")
found = {}


def image_came(m):
    total = sum((i % 251 + 1) * b for i, b in enumerate(bytes(m.data)[:1000]))
    found["image"] = [m.width, m.height, m.step, m.encoding, m.header.frame_id, len(m.data), total]


node.create_subscription(String, "/ours/text", lambda m: found.setdefault("text", m.data), 10)
node.create_subscription(
    TwistStamped, "/ours/twist", lambda m: found.setdefault("twist", [m.twist.linear.x, m.header.frame_id]), 10
)
node.create_subscription(String, "/ours_latched", lambda m: found.setdefault("latched", []).append(m.data), LATCHED)
node.create_subscription(Image, "/ours/image", image_came, qos_profile_sensor_data)

text = node.create_publisher(String, "text", 10)
latched = node.create_publisher(String, "latched", LATCHED)
twist = node.create_publisher(TwistStamped, "twist", 10)
image = node.create_publisher(Image, "image", qos_profile_sensor_data)
# What our node cannot take: it wants the one reliably, and the other as a string.
lossy = node.create_publisher(String, "lossy", LOSSY)
odd = node.create_publisher(Int32, "odd", 10)

latched.publish(String(data="kept by rclpy"))
picture = Image(width=640, height=480, step=1920, encoding="rgb8")
picture.header.frame_id = "their_camera"
picture.data = bytes(i * 7 % 256 for i in range(640 * 480 * 3))


def tick():
    text.publish(String(data="hello from rclpy"))
    stamped = TwistStamped()
    stamped.header.frame_id = "base_link"
    stamped.header.stamp.sec = 7
    stamped.twist.linear.x = 0.5
    twist.publish(stamped)
    image.publish(picture)


node.create_timer(0.1, tick)
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
told = False
end = time.monotonic() + 30
while not over.is_set():
    rclpy.spin_once(node, timeout_sec=0.1)
    complete = {"text", "twist", "latched", "image"} <= found.keys()
    if not told and (complete or time.monotonic() > end):
        told = True
        print(json.dumps(found), flush=True)
