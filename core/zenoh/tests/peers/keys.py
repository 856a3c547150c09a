"""Writes keys and tokens as pyzeros and zenoh-ros2-sdk do: one JSON object a line in, a pair of [token, data key] a line out."""

import json
import sys

import pyzeros.pub
import pyzeros.service_common
import pyzeros.sub
import zenoh
from pyzeros.qos import QosProfile
from zenoh_ros2_sdk import qos as sdk_qos
from zenoh_ros2_sdk.entity import EndpointEntity, EntityKind, NodeEntity
from zenoh_ros2_sdk.keyexpr import endpoint_liveliness_keyexpr, topic_keyexpr

# pyzeros wants a session for its tokens, though each part of them is given: one that talks to nobody.
config = zenoh.Config()
config.insert_json5("mode", '"peer"')
config.insert_json5("listen/endpoints", '["tcp/127.0.0.1:0"]')
config.insert_json5("scouting/multicast/enabled", "false")
LONELY = zenoh.open(config)


def by_pyzeros(e):
    qos = QosProfile(
        reliability="reliable" if e["reliable"] else "best_effort",
        durability="transient_local" if e["latched"] else "volatile",
        depth=e["depth"],
    )
    common = {
        "dds_type": e["dds"],
        "hash": e["hash"],
        "qos_profile": qos,
        "node_name": e["node"],
        "session": LONELY,
        "domain_id": e["domain"],
        "namespace": e["namespace"],
        "_node_id": e["node_id"],
        "_zenoh_id": e["session"],
        "_entity_id": e["entity_id"],
    }
    # Topics are given relative to the namespace, services in full.
    relative = e["name"].removeprefix(e["namespace"].rstrip("/") + "/")
    if e["kind"] in ("SS", "SC"):
        token = pyzeros.service_common.token_keyexpr(e["kind"], e["name"], **common)
    else:
        module = pyzeros.pub if e["kind"] == "MP" else pyzeros.sub
        token = module.token_keyexpr(relative, **common)
    key = pyzeros.pub.publisher_keyexpr(relative, e["dds"], e["hash"], e["namespace"], e["domain"])
    return [token, key]


def by_sdk(e):
    qos = sdk_qos.QosProfile(
        reliability=sdk_qos.QosReliability.RELIABLE if e["reliable"] else sdk_qos.QosReliability.BEST_EFFORT,
        durability=sdk_qos.QosDurability.TRANSIENT_LOCAL if e["latched"] else sdk_qos.QosDurability.VOLATILE,
        history_depth=e["depth"],
    )
    node = NodeEntity(e["domain"], e["session"], e["node_id"], e["node"], e["namespace"])
    kind = EntityKind(e["kind"])
    endpoint = EndpointEntity(node, e["entity_id"], kind, e["name"], e["dds"], e["hash"], qos.encode())
    return [endpoint_liveliness_keyexpr(endpoint), topic_keyexpr(e["domain"], e["name"], e["dds"], e["hash"])]


for line in sys.stdin:
    wanted = json.loads(line)
    print(json.dumps([by_pyzeros(wanted), by_sdk(wanted)]))
LONELY.close()
