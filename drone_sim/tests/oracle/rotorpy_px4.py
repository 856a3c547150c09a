"""RotorPy's own bridge to PX4 flown by the PX4 that our tests play: rotorpy_px4.py PORT SECONDS.

RotorPy is the simulator here, with the x500's figures; the peer runs as a process of its own.
"""

import sys

import numpy as np
from rotorpy.vehicles.px4_multirotor import PX4Multirotor

port, seconds = int(sys.argv[1]), float(sys.argv[2])
arm = 0.174
params = dict(
    mass=2.0, Ixx=0.02167, Iyy=0.02167, Izz=0.04, Ixy=0.0, Ixz=0.0, Iyz=0.0, num_rotors=4,
    rotor_pos={"r1": np.array([arm, -arm, 0.06]), "r2": np.array([-arm, arm, 0.06]),
               "r3": np.array([arm, arm, 0.06]), "r4": np.array([-arm, -arm, 0.06])},
    rotor_directions=np.array([-1, -1, 1, 1]), rotor_speed_min=0.0, rotor_speed_max=1000.0,
    k_eta=8.54858e-6, k_m=0.016 * 8.54858e-6, k_d=8.06428e-5, k_z=0.0, k_h=0.0, k_flap=0.0, c_Dx=0.0, c_Dy=0.0, c_Dz=0.0,
    tau_m=0.02, motor_noise_std=0.0,
)
vehicle = PX4Multirotor(params, mavlink_url=f"tcpin:127.0.0.1:{port}",
                        integrator_kwargs={"method": "RK45", "rtol": 1e-6, "atol": 1e-8})
# Its lockstep stops the motors when no answer comes within 10 ms, which a busy machine does not keep: it waits here.
receive = vehicle.conn.recv_match
vehicle.conn.recv_match = lambda **wish: receive(**{**wish, "timeout": 20})
state, dt = vehicle.initial_state, 0.004
for _ in range(round(seconds / dt)):
    state = vehicle.step(state, {"cmd_motor_speeds": np.zeros(4)}, dt)
vehicle.conn.close()
