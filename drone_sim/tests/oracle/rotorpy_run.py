"""Flies rotor commands in RotorPy. Standard input, numbers in words:

    params mass ixx iyy izz kf km drag tau max  x y z dir (four times)
    run steps dt  x y z  vx vy vz  qi qj qk qw  wx wy wz  windx windy windz  r0 r1 r2 r3
    then per step four commands, rad/s.

Answers one line per step: x y z qi qj qk qw.
"""

import sys

import numpy as np
from rotorpy.vehicles.multirotor import Multirotor

words = iter(sys.stdin.read().split())
number = lambda: float(next(words))
vector = lambda n: np.array([number() for _ in range(n)])

vehicle = None
for word in words:
    if word == "params":
        mass, ixx, iyy, izz, kf, km, drag, tau, most = vector(9)
        rotors = [vector(4) for _ in range(4)]
        params = dict(
            mass=mass, Ixx=ixx, Iyy=iyy, Izz=izz, Ixy=0.0, Ixz=0.0, Iyz=0.0, num_rotors=4,
            rotor_pos={f"r{i + 1}": r[:3] for i, r in enumerate(rotors)},
            rotor_directions=np.array([r[3] for r in rotors]),
            rotor_speed_min=0.0, rotor_speed_max=most, k_eta=kf, k_m=km, k_d=drag, tau_m=tau,
        )
        vehicle = Multirotor(params, integrator_kwargs={"method": "DOP853", "rtol": 1e-11, "atol": 1e-12})
    elif word == "run":
        steps, dt = int(number()), number()
        state = dict(x=vector(3), v=vector(3), q=vector(4), w=vector(3), wind=vector(3), rotor_speeds=vector(4))
        for _ in range(steps):
            state = vehicle.step(state, {"cmd_motor_speeds": vector(4)}, dt)
            print(*(repr(float(v)) for v in [*state["x"], *state["q"]]))
