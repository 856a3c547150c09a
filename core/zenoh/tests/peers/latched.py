"""eclipse-zenoh's own advanced publisher and subscriber, configured as rmw_zenoh configures them for what is transient local:
late joiners on both sides. Usage: latched.py PORT OURS_KEY THEIRS_KEY."""

import struct
import sys

import zenoh
from common import report, session, until


def attachment(sequence):
    return struct.pack("<qqB", sequence, 0, 16) + bytes(range(16))


def text(payload):
    data = payload.to_bytes()
    (length,) = struct.unpack_from("<I", data, 4)
    return data[8 : 8 + length - 1].decode()


def cdr(words):
    data = words.encode() + b"\0"
    return b"\0\1\0\0" + struct.pack("<I", len(data)) + data


with session(sys.argv[1]) as zenoh_session:
    seen = []
    subscriber = zenoh.ext.declare_advanced_subscriber(
        zenoh_session,
        sys.argv[2],
        lambda sample: seen.append((text(sample.payload), struct.unpack_from("<q", sample.attachment.to_bytes())[0])),
        history=zenoh.ext.HistoryConfig(detect_late_publishers=True, max_samples=10),
        recovery=zenoh.ext.RecoveryConfig(heartbeat=True),
        subscriber_detection=True,
    )
    # Published before the test's own subscription exists.
    publisher = zenoh.ext.declare_advanced_publisher(
        zenoh_session,
        sys.argv[3],
        cache=zenoh.ext.CacheConfig(max_samples=1),
        sample_miss_detection=zenoh.ext.MissDetectionConfig(sporadic_heartbeat=0.5),
        publisher_detection=True,
    )
    publisher.put(cdr("an older message"), attachment=attachment(1))
    publisher.put(cdr("kept by eclipse-zenoh"), attachment=attachment(2))
    print("published", flush=True)
    until("our latched message", lambda: seen)
    report(seen=seen)
    sys.stdin.read()
