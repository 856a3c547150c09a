"""Reads lines "type hex-of-CDR" from stdin and answers with the bytes that rclpy makes of the message it read.

Run by the test live_rclpy.rs. A type whose package is not installed is answered with "absent".
"""

import importlib
import sys

from rclpy.serialization import deserialize_message, serialize_message

for line in sys.stdin:
    name, text = line.split()
    package, _, kind = name.split("/")
    try:
        message_type = getattr(importlib.import_module(f"{package}.msg"), kind)
    except (ImportError, AttributeError):
        print("absent")
        continue
    message = deserialize_message(bytes.fromhex(text), message_type)
    print(serialize_message(message).hex())
