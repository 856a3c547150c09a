"""rclpy beside a Peregrine process: it hears, sends and asks, and prints as JSON what it has seen."""

import array
import json
import time

import rclpy
from geometry_msgs.msg import TwistStamped
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Log, Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, ListParameters, SetParameters
from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String
from type_description_interfaces.srv import GetTypeDescription

try:
    from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose
except ImportError:
    Detection2DArray = None
try:
    from tf2_msgs.msg import TFMessage
except ImportError:
    TFMessage = None
try:
    from diagnostic_msgs.msg import DiagnosticArray
except ImportError:
    DiagnosticArray = None

WIDTH, HEIGHT = 640, 480
SECONDS = 3.2
# Fast DDS notices a datagram that was lost when the next heartbeat comes, 3 s later: what was published meanwhile must be kept.
KEPT = QoSProfile(depth=120, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)

rclpy.init()
node = rclpy.create_node("peer")
told = {"heard": {}, "sent": [], "camera": {"images": 0, "infos": 0}, "diagnostics": 0, "latched": []}


def spin_until(done, what, seconds=15.0):
    """Spins until `done()`; says what was waited for when that takes too long."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise SystemExit(f"waited in vain for {what}; so far {told}")
        rclpy.spin_once(node, timeout_sec=0.05)


def call(kind, name, request):
    client = node.create_client(kind, name)
    spin_until(client.service_is_ready, name)
    future = client.call_async(request)
    spin_until(future.done, "an answer of " + name)
    node.destroy_client(client)
    return future.result()


def hear(kind, topic):
    numbers = told["heard"].setdefault(topic, [])
    return node.create_subscription(kind, "/out/" + topic, lambda m: numbers.append(m.header.stamp.nanosec), KEPT)


def first(key, value):
    told.setdefault(key, value)


def on_camera(message):
    told["camera"]["images"] += 1
    told["camera"]["last"] = f"{message.width}x{message.height} {message.encoding} {len(message.data)}"


def on_camera_info(_):
    told["camera"]["infos"] += 1


def on_log(message):
    if message.msg == "thirty more":
        first("rosout", f"{message.name}: {message.msg}")


def on_tf(message):
    transform = message.transforms[0]
    first("tf", f"{transform.header.frame_id} -> {transform.child_frame_id}")


def on_diagnostics(_):
    told["diagnostics"] += 1


class Sender:
    """One message of each type, numbered in its stamp."""

    def __init__(self):
        self.image = Image(width=WIDTH, height=HEIGHT, encoding="rgb8", step=WIDTH * 3)
        self.image.data = array.array("B", bytes(WIDTH * HEIGHT * 3))
        self.info = CameraInfo(width=WIDTH, height=HEIGHT, d=[0.25] * 5)
        self.info.k[0] = 500.0
        self.twist = TwistStamped()
        self.messages = {"image": self.image, "info": self.info, "twist": self.twist}
        if Detection2DArray:
            thing = Detection2D(results=[ObjectHypothesisWithPose()])
            thing.results[0].hypothesis.class_id = "car"
            self.messages["detections"] = Detection2DArray(detections=[thing])
        self.publishers = {
            topic: node.create_publisher(type(message), "/in/" + topic, KEPT)
            for topic, message in self.messages.items()
        }
        self.frames = node.create_publisher(Image, "/in/frames", qos_profile_sensor_data)
        self.mixed = node.create_publisher(TwistStamped, "/in/mixed", KEPT)

    def matched(self):
        publishers = [*self.publishers.values(), self.frames]
        return all(p.get_subscription_count() > 0 for p in publishers) and self.mixed.get_subscription_count() > 1

    def send(self, number):
        for message in self.messages.values():
            message.header.stamp.sec = 7
            message.header.stamp.nanosec = number
        self.image.data[:4] = array.array("B", number.to_bytes(4, "little"))
        self.twist.twist.linear.x = float(number)
        if Detection2DArray:
            self.messages["detections"].detections[0].id = str(number)
        for topic, publisher in self.publishers.items():
            publisher.publish(self.messages[topic])
        self.frames.publish(self.image)
        self.mixed.publish(self.twist)
        told["sent"].append(number)


# What is latched is published before anybody reads it.
late = TwistStamped()
late.header.stamp.nanosec = 41
early = node.create_publisher(TwistStamped, "/in/latched", LATCHED)
early.publish(late)

# Both ways at once, 30 Hz.
sender = Sender()
kinds = {"image": Image, "info": CameraInfo, "twist": TwistStamped}
if Detection2DArray:
    kinds["detections"] = Detection2DArray
subscriptions = [hear(kind, topic) for topic, kind in kinds.items()]
subscriptions.append(node.create_subscription(Image, "/front/image_raw", on_camera, qos_profile_sensor_data))
subscriptions.append(node.create_subscription(CameraInfo, "/front/camera_info", on_camera_info, 10))
subscriptions.append(node.create_subscription(Log, "/rosout", on_log, 10))
subscriptions.append(node.create_subscription(String, "/out/latched", lambda m: told["latched"].append(m.data), LATCHED))
if DiagnosticArray:
    subscriptions.append(node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, 10))
if TFMessage:
    subscriptions.append(node.create_subscription(TFMessage, "/tf", on_tf, 10))
spin_until(sender.matched, "our subscriptions")
spin_until(lambda: all(told["heard"].values()), "the first of every topic")
begun = time.monotonic()
number = 0
while time.monotonic() - begun < SECONDS:
    if time.monotonic() - begun >= number / 30.0:
        number += 1
        sender.send(number)
    rclpy.spin_once(node, timeout_sec=0.002)
# It goes on reading meanwhile, or its own history overflows.
for publisher in [*sender.publishers.values(), sender.mixed]:
    spin_until(lambda: publisher.wait_for_all_acked(Duration(nanoseconds=1)), "the end of " + publisher.topic_name)
spin_until(lambda: all(len(numbers) >= 80 for numbers in told["heard"].values()), "eighty of every topic")
spin_until(lambda: "rosout" in told and (told["diagnostics"] or not DiagnosticArray), "the log and diagnostics", 5.0)

# How the graph has them.
told["qos"] = {}
for topic in ["/out/latched", "/front/image_raw", "/front/camera_info", "/rosout"]:
    info = node.get_publishers_info_by_topic(topic)
    qos = next(i.qos_profile for i in info if i.node_name != "peer")
    told["qos"][topic] = f"{qos.reliability.name} {qos.durability.name}"
told["graph"] = {
    "nodes": [f"{space.rstrip('/')}/{name}" for name, space in node.get_node_names_and_namespaces()],
    "talker publishes": node.get_publisher_names_and_types_by_node("talker", "/"),
    "listener reads": node.get_subscriber_names_and_types_by_node("listener", "/"),
    "camera serves": [name for name, _ in node.get_service_names_and_types_by_node("camera", "/front")],
}
# Readers that ended must not keep the process publishing.
for subscription in subscriptions[:4]:
    node.destroy_subscription(subscription)


def set_parameter(name, value):
    request = SetParameters.Request(parameters=[Parameter(name=name, value=value)])
    return call(SetParameters, "/talker/set_parameters", request).results[0].reason


def gain():
    return call(GetParameters, "/talker/get_parameters", GetParameters.Request(names=["gain"])).values[0].double_value


def double(value):
    return ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value)


text = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value="other")
told["parameters"] = {
    "talker": call(ListParameters, "/talker/list_parameters", ListParameters.Request()).result.names,
    "gain before": gain(),
    "set gain": set_parameter("gain", double(2.5)),
    "gain after": gain(),
    "set label": set_parameter("label", text),
    "set gain to 99": set_parameter("gain", double(99.0)),
}
width = call(GetParameters, "/front/camera/get_parameters", GetParameters.Request(names=["width"]))
told["parameters"]["camera width"] = width.values[0].integer_value


def state():
    return call(GetState, "/front/camera/get_state", GetState.Request()).current_state.label


def change(transition):
    request = ChangeState.Request()
    request.transition.id = transition
    return call(ChangeState, "/front/camera/change_state", request).success


DEACTIVATE, ACTIVATE = 4, 3
told["lifecycle"] = [
    state(), f"deactivate: {change(DEACTIVATE)}", state(), f"activate: {change(ACTIVATE)}", state(),
]
publishers = node.get_publishers_info_by_topic("/front/image_raw")
request = GetTypeDescription.Request(type_name="sensor_msgs/msg/Image", type_hash=str(publishers[0].topic_type_hash))
described = call(GetTypeDescription, "/front/camera/get_type_description", request)
good = described.successful and described.type_description.type_description.type_name == "sensor_msgs/msg/Image"
told["type_description"] = "ok" if good else described.failure_reason

node.destroy_node()
rclpy.shutdown()
print(json.dumps(told))
