"""The reading node of the dora dataflow; leaves its result in a file."""

import json
import os
import pathlib

from dora import Node

import protocol

job = json.loads(os.environ["BENCH_JOB"])
recorder = protocol.Recorder()
for event in Node():
    if event["type"] == "STOP" or recorder.over is not None:
        break
    if event["type"] == "INPUT":
        recorder.frame(memoryview(event["value"].to_numpy(zero_copy_only=True)))
pathlib.Path(job["folder"], "reader.json").write_text(json.dumps(recorder.result()))
