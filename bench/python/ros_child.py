"""rclpy on Fast DDS: `ros_child.py publisher|reader JOB`. Shared memory and best effort, as in the profile beside it."""

import array
import json
import select
import sys
import time

import rclpy
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

import protocol

QOS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


def publisher(node, job):
    size = job["size"]
    message = Image(width=size["width"], height=size["height"], encoding="rgb8", step=size["width"] * 3)
    message.header.frame_id = "camera_optical"
    message.data = array.array("B", bytes(size["width"] * size["height"] * 3))
    topic = node.create_publisher(Image, "bench_image", QOS)

    def send(sequence, phase):
        protocol.write_stamp(message.data, sequence, phase)
        topic.publish(message)

    protocol.say("ready")
    protocol.hear_go()
    while topic.get_subscription_count() < job["readers"]:
        time.sleep(0.01)
    protocol.tell(protocol.drive(send, job["hz"], job["seconds"]))
    # Until the parent closes the pipe.
    while not select.select([sys.stdin], [], [], 0.05)[0]:
        send(0, protocol.OVER)


def reader(node, _job):
    recorder = protocol.Recorder()
    subscription = node.create_subscription(Image, "bench_image", lambda m: recorder.frame(m.data), QOS)
    protocol.say("ready")
    executor = rclpy.executors.SingleThreadedExecutor()
    executor.add_node(node)
    while recorder.over is None:
        executor.spin_once(timeout_sec=0.1)
    protocol.tell(recorder.result())
    node.destroy_subscription(subscription)


def main():
    part, job = sys.argv[1], json.loads(sys.argv[2])
    rclpy.init()
    node = rclpy.create_node(f"bench_{part}")
    {"publisher": publisher, "reader": reader}[part](node, job)
    node.destroy_node()
    rclpy.shutdown()


main()
