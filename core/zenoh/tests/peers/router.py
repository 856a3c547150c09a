"""A Zenoh router on 127.0.0.1: eclipse-zenoh, as rmw_zenohd is one. Usage: router.py PORT. Ends with its stdin."""

import sys

import zenoh

config = zenoh.Config()
config.insert_json5("mode", '"router"')
config.insert_json5("listen/endpoints", f'["tcp/127.0.0.1:{sys.argv[1]}"]')
config.insert_json5("scouting/multicast/enabled", "false")
config.insert_json5("timestamping/enabled", "true")
with zenoh.open(config):
    print("ready", flush=True)
    sys.stdin.read()
