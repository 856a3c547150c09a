"""Rays and rest in MuJoCo. Standard input: lines of

    geom KIND  size...(3)  x y z  qw qx qy qz     (KIND: box cylinder sphere capsule ellipsoid; half sizes)
    rays N  then N times  ox oy oz dx dy dz        -> one distance a line, -1 for none
    drop x y z radius mass seconds                 -> height and speed after that time, on the plane z = 0
    body KIND size...(3)  x y z  qw qx qy qz  mass friction
    rest seconds                                   -> x y z qw qx qy qz speed of each body after that time, among the geoms
"""

import sys

import mujoco
import numpy as np

lines = [line.split() for line in sys.stdin.read().splitlines() if line.strip()]
geoms, bodies, k = [], [], 0


def build(extra=""):
    text = "".join(
        f'<geom type="{g[1]}" size="{" ".join(g[2:5])}" pos="{" ".join(g[5:8])}" quat="{" ".join(g[8:12])}"/>' for g in geoms
    )
    ground = '<geom type="plane" size="50 50 1" priority="1"/>'
    model = mujoco.MjModel.from_xml_string(
        f'<mujoco><option timestep="0.001" gravity="0 0 -9.8"/><worldbody>{ground}{text}{extra}</worldbody></mujoco>'
    )
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data


while k < len(lines):
    words = lines[k]
    k += 1
    if words[0] == "geom":
        geoms.append(words)
    elif words[0] == "rays":
        model, data = build()
        hit = np.zeros(1, dtype=np.int32)
        for _ in range(int(words[1])):
            v = np.array([float(w) for w in lines[k]])
            k += 1
            extra = [None] if "normal" in (mujoco.mj_ray.__doc__ or "") else []
            print(repr(float(mujoco.mj_ray(model, data, v[:3], v[3:], None, 1, -1, hit, *extra))))
    elif words[0] == "body":
        bodies.append(words)
    elif words[0] == "rest":
        text = "".join(
            f'<body pos="{" ".join(b[5:8])}" quat="{" ".join(b[8:12])}"><freejoint/>'
            f'<geom type="{b[1]}" size="{" ".join(b[2:5])}" mass="{b[12]}" friction="{b[13]} 0 0" priority="2"/></body>'
            for b in bodies
        )
        model, data = build(text)
        mujoco.mj_step(model, data, int(round(float(words[1]) / 0.001)))
        for i in range(len(bodies)):
            pose, speed = data.qpos[7 * i : 7 * i + 7], np.linalg.norm(data.qvel[6 * i : 6 * i + 3])
            print(" ".join(repr(float(x)) for x in [*pose, speed]))
    elif words[0] == "drop":
        x, y, z, radius, mass, seconds = map(float, words[1:])
        model, data = build(
            f'<body pos="{x} {y} {z}"><freejoint/><geom type="sphere" size="{radius}" mass="{mass}"/></body>'
        )
        mujoco.mj_step(model, data, int(round(seconds / 0.001)))
        print(repr(float(data.qpos[2])), repr(float(np.linalg.norm(data.qvel[:3]))))
