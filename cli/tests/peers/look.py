"""rclpy beside `peregrine run camera`: waits for the node, one image and one parameter, and prints them. Another of its
subscriptions wants more than a camera offers."""

import sys
import time

import rclpy
from rcl_interfaces.srv import GetParameters
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

rclpy.init()
node = rclpy.create_node("look")
images = []
node.create_subscription(Image, "/front/image_raw", images.append, qos_profile_sensor_data)
node.create_subscription(Image, "/front/image_raw", lambda _: None, 10)
client = node.create_client(GetParameters, "/front/camera/get_parameters")


def nodes():
    return [f"{space.rstrip('/')}/{name}" for name, space in node.get_node_names_and_namespaces()]


end = time.monotonic() + float(sys.argv[1] if len(sys.argv) > 1 else 20.0)
future = None
while time.monotonic() < end and not (images and future and future.done() and "/front/camera" in nodes()):
    if future is None and client.service_is_ready():
        future = client.call_async(GetParameters.Request(names=["width"]))
    rclpy.spin_once(node, timeout_sec=0.05)
print("/front/camera" in nodes(), images[0].width if images else 0, future.result().values[0].integer_value)
node.destroy_node()
rclpy.shutdown()
