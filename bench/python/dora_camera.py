"""The publishing node of the dora dataflow; leaves its result in a file."""

import json
import os
import pathlib
import time

import numpy as np
import pyarrow as pa
from dora import Node

import protocol

job = json.loads(os.environ["BENCH_JOB"])
node = Node()
pixels = np.zeros(job["size"]["width"] * job["size"]["height"] * 3, dtype=np.uint8)


def send(sequence, phase):
    protocol.write_stamp(pixels.data, sequence, phase)
    node.send_output("image", pa.array(pixels))


time.sleep(0.5)
result = protocol.drive(send, job["hz"], job["seconds"])
pathlib.Path(job["folder"], "publisher.json").write_text(json.dumps(result))
for _ in range(20):
    send(0, protocol.OVER)
    time.sleep(0.05)
