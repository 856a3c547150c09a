"""PyBullet on the scene of `peregrine-bench sim`: reads commands as JSON lines, answers with CPU milliseconds."""

import json
import os
import sys
import time

import numpy as np
import pybullet as p


class Bench:
    def __init__(self, scene):
        self.scene = scene
        # The library prints to standard output when it connects.
        p.connect(p.DIRECT)
        p.setGravity(0, 0, -9.8)
        p.setTimeStep(0.001)
        p.createMultiBody(0, p.createCollisionShape(p.GEOM_PLANE))
        kinds = {"box": p.GEOM_BOX, "sphere": p.GEOM_SPHERE, "cylinder": p.GEOM_CYLINDER, "capsule": p.GEOM_CAPSULE}
        for o in scene["objects"]:
            kind, s = kinds[o["shape"]], o["size"]
            if o["shape"] == "box":
                size = {"halfExtents": s}
            elif o["shape"] == "sphere":
                size = {"radius": s[0]}
            else:
                size = {"radius": s[0], "height": 2 * s[1]}
            seen = dict(size)
            if "height" in seen:
                seen["length"] = seen.pop("height")
            w, x, y, z = o["quaternion"]
            p.createMultiBody(
                0, p.createCollisionShape(kind, **size), p.createVisualShape(kind, **seen), o["position"], [x, y, z, w]
            )
        self.quad = p.createMultiBody(2.0, p.createCollisionShape(p.GEOM_SPHERE, radius=0.25), -1, [0, 0, 2])

    def rgbd(self, poses):
        s = self.scene
        near, far = 0.1, 300.0
        projection = p.computeProjectionMatrixFOV(s["fovy_deg"], s["width"] / s["height"], near, far)
        cpu = 0.0
        for pose in poses:
            m = np.array(p.getMatrixFromQuaternion([pose[4], pose[5], pose[6], pose[3]])).reshape(3, 3)
            eye = np.array(pose[:3])
            view = p.computeViewMatrix(eye, eye + m[:, 2], -m[:, 1])
            start = time.process_time()
            p.getCameraImage(
                s["width"], s["height"], view, projection, shadow=1, lightDirection=[0.55, -0.45, 0.75],
                renderer=p.ER_TINY_RENDERER,
            )
            cpu += time.process_time() - start
        return {"cpu_ms": cpu * 1e3 / len(poses)}

    def step(self, count):
        start = time.process_time()
        for _ in range(count):
            p.applyExternalForce(self.quad, -1, [0, 0, 19.6], [0, 0, 0], p.LINK_FRAME)
            p.stepSimulation()
        return {"cpu_ms": (time.process_time() - start) * 1e3 / count}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    bench = None
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            if ask["do"] == "scene":
                bench = Bench(ask["scene"])
                answer = {"version": str(p.getAPIVersion())}
            else:
                answer = getattr(bench, ask.pop("do"))(**ask)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


main()
