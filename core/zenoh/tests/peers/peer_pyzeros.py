"""pyzeros as a peer: topics, an image, services and parameters, both ways. Usage: peer_pyzeros.py PORT.

One part of it is replaced: it compiles the code that writes its attachments with Cython and a C compiler when it is first
used, which takes minutes on a busy machine. zenoh-ros2-sdk writes and reads attachments with code of its own.
"""

import asyncio
import struct
import sys

import asyncio_for_robotics as afor
import pyzeros
from common import PATIENCE, report, session
from pyzeros.qos import QosProfile
from pyzeros.sub import RawSub
from pyzeros.utils import rmw_zenoh_gid
from ros2_pyterfaces.cyclone.all_msgs import Image, Parameter, ParameterValue, String
from ros2_pyterfaces.cyclone.all_srvs import (
    ChangeState,
    DescribeParameters,
    GetParameters,
    GetState,
    GetTypeDescription,
    ListParameters,
    SetBool,
    SetParameters,
)



class Attachment:
    LAYOUT = struct.Struct("<qqB16s")

    def __init__(self, sequence_number, source_timestamp, source_gid):
        self.sequence_number, self.source_timestamp, self.source_gid = sequence_number, source_timestamp, source_gid

    def serialize(self):
        gid = bytes(self.source_gid)
        return b"\0\1\0\0" + self.LAYOUT.pack(int(self.sequence_number), int(self.source_timestamp), len(gid), gid)

    @classmethod
    def deserialize(cls, data):
        sequence, stamp, _, gid = cls.LAYOUT.unpack(data[4:])
        return cls(sequence, stamp, gid)


pyzeros.pub.Attachment = Attachment
pyzeros.service_client.Attachment = Attachment
pyzeros.service_server.Attachment = Attachment

LOSSY = QosProfile(reliability="best_effort")


async def first(sub, wanted=lambda message: True):
    async for message in sub.listen_reliable():
        if wanted(message):
            return message


async def call(service, name, fill=lambda request: None):
    client = pyzeros.Client(service, name)
    await client.wait_for_service()
    request = service.Request()
    fill(request)
    return await client.call_async(request)


def names(*wanted):
    def fill(request):
        request.names = list(wanted)

    return fill


def parameter(name, value):
    def fill(request):
        request.parameters = [Parameter(name=name, value=value)]

    return fill


@afor.scoped
async def main():
    # What the other side needs of us comes first.
    server = pyzeros.Server(SetBool, "/theirs/switch")
    called = asyncio.Event()

    async def serve():
        async for responder in server.listen_reliable():
            responder.response.success = responder.request.data
            responder.response.message = "from pyzeros"
            responder.send()
            called.set()

    async def talk():
        publisher = pyzeros.Pub(String, "/theirs/text")
        async for _ in afor.Rate(20).listen():
            publisher.publish(String(data="hello from pyzeros"))

    group = afor.Scope.current().task_group
    tasks = [group.create_task(serve()), group.create_task(talk())]

    # The raw samples say more than the messages: whose they are.
    gids = set()
    raw = RawSub(String, "/ours/text", lambda sample: gids.add(sample.attachment.to_bytes()[17:]))
    text = await first(pyzeros.Sub(String, "/ours/text"))
    image = await first(pyzeros.Sub(Image, "/ours/image", qos_profile=LOSSY))
    publishers = set()
    # Discovery brings one token after the other.
    for _ in range(50):
        tokens = [str(reply.ok.key_expr) for reply in raw.session.liveliness().get("@ros2_lv/**") if reply.ok]
        publishers = {rmw_zenoh_gid(token) for token in tokens if "/MP/" in token and "%ours%text" in token}
        if gids and publishers:
            break
        await asyncio.sleep(0.2)

    switched = await call(SetBool, "/ours/switch", lambda request: setattr(request, "data", True))
    listed = await call(ListParameters, "/ours/talker/list_parameters")
    before = await call(GetParameters, "/ours/talker/get_parameters", names("greeting", "size", "nothing"))
    described = await call(DescribeParameters, "/ours/talker/describe_parameters", names("greeting", "size"))
    good = await call(
        SetParameters,
        "/ours/talker/set_parameters",
        parameter("greeting", ParameterValue(type=4, string_value="set by pyzeros")),
    )
    fixed = await call(
        SetParameters, "/ours/talker/set_parameters", parameter("size", ParameterValue(type=2, integer_value=3))
    )
    changed = await first(pyzeros.Sub(String, "/ours/text"), lambda message: "set by pyzeros" in message.data)

    def of_string(request):
        request.type_name = "std_msgs/msg/String"
        request.type_hash = String.hash_rihs01()

    described_type = await call(GetTypeDescription, "/ours/talker/get_type_description", of_string)

    def deactivate(request):
        request.transition.id = 4

    # A node that is inactive calls nobody: it has its answer first.
    await asyncio.wait_for(called.wait(), 30.0)
    await asyncio.sleep(1.0)
    active = await call(GetState, "/ours/talker/get_state")
    stopped = await call(ChangeState, "/ours/talker/change_state", deactivate)
    inactive = await call(GetState, "/ours/talker/get_state")

    report(
        text=text.data,
        image=[image.width, image.height, image.encoding, len(image.data), sum(map(int, image.data[:300]))],
        gids_match=gids == publishers,
        switched=[switched.success, switched.message],
        listed=sorted(listed.result.names),
        before=[[v.type, v.string_value, v.integer_value] for v in before.values],
        described=[[d.name, d.read_only, d.description] for d in described.descriptors],
        good=[good.results[0].successful, good.results[0].reason],
        fixed=[fixed.results[0].successful, fixed.results[0].reason],
        changed=changed.data,
        described_type=[
            described_type.successful,
            described_type.type_description.type_description.type_name,
            described_type.type_description.type_description.fields[0].type.type_id,
            described_type.type_sources[0].raw_file_contents,
        ],
        states=[active.current_state.label, stopped.success, inactive.current_state.label],
        tokens=sorted(token.split("/", 3)[3] for token in tokens),
    )
    for task in tasks:
        task.cancel()


with pyzeros.auto_context(node="pyzeros_peer", zenoh_session=session(sys.argv[1])):
    asyncio.run(asyncio.wait_for(main(), PATIENCE))
