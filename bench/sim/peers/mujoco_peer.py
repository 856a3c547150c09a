"""MuJoCo on the scene of `peregrine-bench sim`: reads commands as JSON lines, answers with CPU milliseconds.

Needs `pip install mujoco` and, for pictures without a display, OSMesa (Debian: libosmesa6).
"""

import json
import os
import sys
import time

os.environ.setdefault("MUJOCO_GL", "osmesa")
import mujoco
import numpy as np


def geom(o):
    kind, size = o["shape"], o["size"]
    half = {"box": size, "sphere": size[:1], "cylinder": size[:2], "capsule": size[:2]}[kind]
    text = lambda v: " ".join(repr(float(x)) for x in v)
    return (
        f'<geom type="{kind}" size="{text(half)}" pos="{text(o["position"])}" quat="{text(o["quaternion"])}" '
        f'material="m{o["material"]}"/>'
    )


def model(scene):
    w, h = scene["width"], scene["height"]
    textures = "".join(
        f'<texture name="t{i}" type="2d" builtin="checker" rgb1="{a} {a} {a}" rgb2="{b} {b} {b}" width="256" height="256"/>'
        f'<material name="m{i}" texture="t{i}" texrepeat="4 4"/>'
        for i, (a, b) in enumerate([(0.3, 0.5), (0.5, 0.7), (0.4, 0.8), (0.2, 0.6)])
    )
    return f"""<mujoco>
      <option timestep="0.001" gravity="0 0 -9.8"/>
      <visual><global offwidth="{w}" offheight="{h}" fovy="{scene['fovy_deg']}"/><quality shadowsize="1024" offsamples="0"/>
        <map znear="0.001" zfar="1"/></visual>
      <asset><texture type="skybox" builtin="gradient" rgb1="0.6 0.7 1" rgb2="0.9 0.9 1" width="64" height="64"/>{textures}</asset>
      <worldbody>
        <light directional="true" pos="0 0 20" dir="-0.55 0.45 -0.75" castshadow="true"/>
        <geom type="plane" size="100 100 1" material="m0"/>
        {"".join(geom(o) for o in scene["objects"])}
        <body name="quad" pos="0 0 2"><freejoint/>
          <inertial pos="0 0 0" mass="2.0" diaginertia="0.02167 0.02167 0.04"/>
          <geom type="sphere" size="0.25" rgba="0 0 0 0"/></body>
      </worldbody></mujoco>"""


def optical(pose):
    """A free camera from an optical pose (position, quaternion w x y z)."""
    m = np.zeros(9)
    mujoco.mju_quat2Mat(m, np.array(pose[3:], dtype=float))
    m = m.reshape(3, 3)
    return np.array(pose[:3], dtype=float), m[:, 2], -m[:, 1]


class Bench:
    def __init__(self, scene):
        self.scene = scene
        self.m = mujoco.MjModel.from_xml_string(model(scene))
        self.d = mujoco.MjData(self.m)
        self.quad = mujoco.mj_name2id(self.m, mujoco.mjtObj.mjOBJ_BODY, "quad")
        mujoco.mj_forward(self.m, self.d)
        self.renderer = None
        # Newer versions can also answer with normals.
        self.normals = [None] if "normal" in (mujoco.mj_multiRay.__doc__ or "") else []

    def rgbd(self, poses):
        if self.renderer is None:
            self.renderer = mujoco.Renderer(self.m, self.scene["height"], self.scene["width"])
        r = self.renderer
        cpu, found = 0.0, []
        for pose in poses:
            position, forward, up = optical(pose)
            start = time.process_time()
            r.update_scene(self.d)
            for eye in r.scene.camera:
                eye.pos, eye.forward, eye.up = position, forward, up
            rgb = r.render()
            r.enable_depth_rendering()
            r.update_scene(self.d)
            for eye in r.scene.camera:
                eye.pos, eye.forward, eye.up = position, forward, up
            depth = r.render()
            r.disable_depth_rendering()
            cpu += time.process_time() - start
            found.append([float(np.median(depth)), float(rgb.mean())])
        return {"cpu_ms": cpu * 1e3 / len(poses), "seen": found[:3]}

    def lidar(self, poses, directions, reach):
        rays = np.array(directions, dtype=float)
        n = len(rays)
        out, dist = np.zeros(n, dtype=np.int32), np.zeros(n)
        cpu, first = 0.0, None
        for pose in poses:
            m = np.zeros(9)
            mujoco.mju_quat2Mat(m, np.array(pose[3:], dtype=float))
            vec = (rays @ m.reshape(3, 3).T).flatten()
            eye = np.array(pose[:3], dtype=float)
            start = time.process_time()
            mujoco.mj_multiRay(self.m, self.d, eye, vec, None, 1, self.quad, out, dist, *self.normals, n, reach)
            cpu += time.process_time() - start
            if first is None:
                first = [float(x) for x in dist]
        return {"cpu_ms": cpu * 1e3 / len(poses), "ranges": first}

    def step(self, count):
        mujoco.mj_resetData(self.m, self.d)
        hover = np.array([0, 0, 2.0 * 9.8])
        self.d.xfrc_applied[self.quad, :3] = hover
        start = time.process_time()
        mujoco.mj_step(self.m, self.d, count)
        return {"cpu_ms": (time.process_time() - start) * 1e3 / count}


def main():
    bench = None
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            if ask["do"] == "scene":
                bench = Bench(ask["scene"])
                answer = {"version": mujoco.__version__}
            else:
                answer = getattr(bench, ask.pop("do"))(**ask)
        except Exception as error:  # the caller says what is missing
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
