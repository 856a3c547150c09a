"""A node on Cyclone DDS with services in the form of rmw_cyclonedds, behind zenoh-bridge-ros2dds.

There is no wheel of rmw_cyclonedds_cpp, and services of Fast DDS are not what the bridge understands: so this is the node that
rmw_cyclonedds would be: requests and replies begin with the client's id and a number, and `ros_discovery_info` tells who has
which reader and writer. Calls our services, answers ours, reports; ends with its stdin.
"""

import json
import sys
import threading
import time
from dataclasses import dataclass, field

from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import array, float64, int64, sequence, uint8, uint32, uint64
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

SERVICE = Qos(Policy.Reliability.Reliable(duration(seconds=1)), Policy.History.KeepLast(10))
KEPT = Qos(
    Policy.Reliability.Reliable(duration(seconds=1)), Policy.Durability.TransientLocal, Policy.History.KeepLast(1)
)


@dataclass
class Gid(IdlStruct, typename="rmw_dds_common::msg::dds_::Gid_"):
    data: array[uint8, 16]


@dataclass
class NodeEntities(IdlStruct, typename="rmw_dds_common::msg::dds_::NodeEntitiesInfo_"):
    node_namespace: str
    node_name: str
    reader_gid_seq: sequence[Gid]
    writer_gid_seq: sequence[Gid]


@dataclass
class ParticipantEntities(IdlStruct, typename="rmw_dds_common::msg::dds_::ParticipantEntitiesInfo_"):
    gid: Gid
    node_entities_info_seq: sequence[NodeEntities]


@dataclass
class SetBoolRequest(IdlStruct, typename="std_srvs::srv::dds_::SetBool_Request_"):
    client: uint64
    number: int64
    data: bool


@dataclass
class SetBoolResponse(IdlStruct, typename="std_srvs::srv::dds_::SetBool_Response_"):
    client: uint64
    number: int64
    success: bool
    message: str


@dataclass
class Value(IdlStruct, typename="rcl_interfaces::msg::dds_::ParameterValue_"):
    type: uint8 = 0
    bool_value: bool = False
    integer_value: int64 = 0
    double_value: float64 = 0.0
    string_value: str = ""
    byte_array_value: sequence[uint8] = field(default_factory=list)
    bool_array_value: sequence[bool] = field(default_factory=list)
    integer_array_value: sequence[int64] = field(default_factory=list)
    double_array_value: sequence[float64] = field(default_factory=list)
    string_array_value: sequence[str] = field(default_factory=list)


@dataclass
class Parameter(IdlStruct, typename="rcl_interfaces::msg::dds_::Parameter_"):
    name: str
    value: Value


@dataclass
class Outcome(IdlStruct, typename="rcl_interfaces::msg::dds_::SetParametersResult_"):
    successful: bool
    reason: str


@dataclass
class GetRequest(IdlStruct, typename="rcl_interfaces::srv::dds_::GetParameters_Request_"):
    client: uint64
    number: int64
    names: sequence[str]


@dataclass
class GetResponse(IdlStruct, typename="rcl_interfaces::srv::dds_::GetParameters_Response_"):
    client: uint64
    number: int64
    values: sequence[Value]


@dataclass
class SetRequest(IdlStruct, typename="rcl_interfaces::srv::dds_::SetParameters_Request_"):
    client: uint64
    number: int64
    parameters: sequence[Parameter]


@dataclass
class SetResponse(IdlStruct, typename="rcl_interfaces::srv::dds_::SetParameters_Response_"):
    client: uint64
    number: int64
    results: sequence[Outcome]


@dataclass
class ListRequest(IdlStruct, typename="rcl_interfaces::srv::dds_::ListParameters_Request_"):
    client: uint64
    number: int64
    prefixes: sequence[str]
    depth: uint64


@dataclass
class ListResponse(IdlStruct, typename="rcl_interfaces::srv::dds_::ListParameters_Response_"):
    client: uint64
    number: int64
    names: sequence[str]
    prefixes: sequence[str]


participant = DomainParticipant(int(sys.argv[1]))
readers, writers = [], []


def reader(topic, kind):
    readers.append(DataReader(participant, Topic(participant, topic, kind, qos=SERVICE)))
    return readers[-1]


def writer(topic, kind):
    writers.append(DataWriter(participant, Topic(participant, topic, kind, qos=SERVICE)))
    return writers[-1]


class Client:
    numbers = 0

    def __init__(self, service, request, response):
        self.request = request
        self.requests = writer(f"rq{service}Request", request)
        self.replies = reader(f"rr{service}Reply", response)
        self.id = int.from_bytes(self.requests.guid.bytes[8:], "little")

    def call(self, *fields):
        """The bridge may not have opened the way yet: asks anew until there is an answer."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            Client.numbers += 1
            number = Client.numbers
            self.requests.write(self.request(self.id, number, *fields))
            again = time.monotonic() + 1
            while time.monotonic() < again:
                for reply in self.replies.take(10):
                    if (reply.client, reply.number) == (self.id, number):
                        return reply
                time.sleep(0.01)
        raise SystemExit(f"{self.request.__name__} was not answered")


switch = Client("/ours/switch", SetBoolRequest, SetBoolResponse)
get = Client("/ours/talker/get_parameters", GetRequest, GetResponse)
put = Client("/ours/talker/set_parameters", SetRequest, SetResponse)
names = Client("/ours/talker/list_parameters", ListRequest, ListResponse)
asked = reader("rq/theirs/switchRequest", SetBoolRequest)
answers = writer("rr/theirs/switchReply", SetBoolResponse)


def gid(entity):
    return Gid(list(entity.guid.bytes))


discovery = DataWriter(participant, Topic(participant, "ros_discovery_info", ParticipantEntities, qos=KEPT), qos=KEPT)
node = NodeEntities("/theirs", "dds_services", [gid(r) for r in readers], [gid(w) for w in writers])
discovery.write(ParticipantEntities(gid(participant), [node]))


def serve():
    while True:
        for request in asked.take(10):
            if isinstance(request, SetBoolRequest):
                reply = SetBoolResponse(request.client, request.number, request.data, "from Cyclone DDS")
                answers.write(reply)
        time.sleep(0.01)


threading.Thread(target=serve, daemon=True).start()
switched = switch.call(True)
listed = names.call([], 0)
before = get.call(["greeting", "size"])
good = put.call([Parameter("greeting", Value(type=4, string_value="set over DDS"))])
fixed = put.call([Parameter("size", Value(type=2, integer_value=100))])
after = get.call(["greeting"])
print(
    json.dumps(
        {
            "switched": [switched.success, switched.message],
            "listed": list(listed.names),
            "before": [before.values[0].string_value, before.values[1].integer_value],
            "good": [good.results[0].successful, good.results[0].reason],
            "fixed": [fixed.results[0].successful, fixed.results[0].reason],
            "after": after.values[0].string_value,
        }
    ),
    flush=True,
)
sys.stdin.read()
