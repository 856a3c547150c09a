"""Reads lines "type hex-of-CDR" from stdin and answers with the bytes that rclpy makes of the message it read.

Run by the test live_rclpy.rs. A type whose package is not installed is answered with "absent".
"""

import importlib
import sys

from rclpy.serialization import deserialize_message, serialize_message

for line in sys.stdin:
    name, text = line.split()
    package, kind, structure = name.split("/")
    try:
        message_type = importlib.import_module(f"{package}.{kind}")
        # A side of a service, SetBool_Request, is SetBool.Request.
        for part in structure.split("_"):
            message_type = getattr(message_type, part)
    except (ImportError, AttributeError):
        print("absent")
        continue
    message = deserialize_message(bytes.fromhex(text), message_type)
    print(serialize_message(message).hex())
