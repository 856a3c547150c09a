"""zenoh-ros2-sdk as a peer: topics both ways, an image, a latched topic, services. Usage: peer_sdk.py PORT.

It computes type hashes by itself from the definitions given here. Nested definitions it would fetch from the network, so
all types are flat.
"""

import sys
import threading
import time

from common import report, until
from zenoh_ros2_sdk import ROS2Publisher, ROS2ServiceClient, ROS2ServiceServer, ROS2Subscriber
from zenoh_ros2_sdk.discovery import get_service_names_and_types, get_topic_names_and_types

PORT = int(sys.argv[1])
AT = {"router_ip": "127.0.0.1", "router_port": PORT, "domain_id": 0}
STRING = {"msg_type": "std_msgs/msg/String", "msg_definition": "string data\n"}
LATCHED = ":1:,1:,:,:,,"

texts, latched = [], []
subscriptions = [ROS2Subscriber(topic="/ours/text", callback=texts.append, **STRING, **AT)]
until("our messages", lambda: texts)
# It asks once, when it is made, for what was published earlier (and only for topics without a namespace).
subscriptions.append(ROS2Subscriber(topic="/ours_latched", callback=latched.append, qos=LATCHED, **STRING, **AT))
publisher = ROS2Publisher(topic="/theirs/text", **STRING, **AT)


def answer(request):
    response = server.response_msg_class
    return response(success=request.data, message="from zenoh-ros2-sdk")


SET_BOOL = {
    "srv_type": "std_srvs/srv/SetBool",
    "request_definition": "bool data\n",
    "response_definition": "bool success\nstring message\n",
}
server = ROS2ServiceServer(service_name="/theirs/switch", callback=answer, **SET_BOOL, **AT)


until("our latched message", lambda: latched)
client = ROS2ServiceClient(service_name="/ours/switch", **SET_BOOL, **AT)
switched = client.call(data=True)
# The other side waits for our messages and calls our server: the test ends us by closing stdin.


def listed():
    topics = dict(get_topic_names_and_types(domain_id=0, router_ip="127.0.0.1", router_port=PORT))
    return topics if {"/ours/image", "/theirs/text"} <= topics.keys() else None


topics = until("both sides' topics in its graph", listed)
report(
    text=texts[0].data,
    latched=[message.data for message in latched],
    switched=[bool(switched.success), switched.message],
    topics={name: types for name, types in topics.items() if name.startswith(("/ours/", "/theirs/"))},
)


def keep_talking():
    while True:
        publisher.publish(data="hello from zenoh-ros2-sdk")
        time.sleep(0.05)


threading.Thread(target=keep_talking, daemon=True).start()
sys.stdin.read()
