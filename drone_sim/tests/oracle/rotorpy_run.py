"""Flies rotor commands in RotorPy. Standard input, numbers in words:

    params mass ixx iyy izz ixy ixz iyz kf km drag tau max count  x y z dir (as often as there are rotors)
    run steps dt  x y z  vx vy vz  qi qj qk qw  wx wy wz  windx windy windz  r0 r1 r2 ...
    then per step a command for each rotor, rad/s.

Answers one line per step: x y z qi qj qk qw.
"""

import sys

import numpy as np
from rotorpy.vehicles.multirotor import Multirotor

# It packs its state for four rotors; its equations hold for any number, and so does this packing.
PARTS = ("x", "v", "q", "w", "wind", "rotor_speeds")
Multirotor._pack_state = classmethod(lambda cls, state: np.concatenate([state[part] for part in PARTS]))

words = iter(sys.stdin.read().split())
number = lambda: float(next(words))
vector = lambda n: np.array([number() for _ in range(n)])

vehicle = None
for word in words:
    if word == "params":
        mass, ixx, iyy, izz, ixy, ixz, iyz, kf, km, drag, tau, most = vector(12)
        count = int(number())
        rotors = [vector(4) for _ in range(count)]
        params = dict(
            mass=mass, Ixx=ixx, Iyy=iyy, Izz=izz, Ixy=ixy, Ixz=ixz, Iyz=iyz, num_rotors=count,
            rotor_pos={f"r{i + 1}": r[:3] for i, r in enumerate(rotors)},
            rotor_directions=np.array([r[3] for r in rotors]),
            rotor_speed_min=0.0, rotor_speed_max=most, k_eta=kf, k_m=km, k_d=drag, tau_m=tau,
        )
        # The constructor inverts its allocation matrix, which rotor commands do not need: of six rotors it has no inverse.
        invert = np.linalg.inv
        np.linalg.inv = np.linalg.pinv
        vehicle = Multirotor(params, integrator_kwargs={"method": "DOP853", "rtol": 1e-11, "atol": 1e-12})
        np.linalg.inv = invert
    elif word == "run":
        steps, dt = int(number()), number()
        state = dict(x=vector(3), v=vector(3), q=vector(4), w=vector(3), wind=vector(3), rotor_speeds=vector(count))
        for _ in range(steps):
            state = vehicle.step(state, {"cmd_motor_speeds": vector(count)}, dt)
            print(*(repr(float(v)) for v in [*state["x"], *state["q"]]))
