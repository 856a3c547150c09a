"""A small flight controller for an X quadrotor: attitude, height and place, out of what a simulator tells.

Axes are aviation's: north, east, down; forward, right, down. Used by the played PX4 and the played ArduPilot.
"""

import math

G = 9.80665
MASS, INERTIA, ARM, KF, KM, MOST = 2.0, (0.02167, 0.02167, 0.04), 0.174, 8.54858e-6, 0.016, 1000.0
# Front right, rear left, front left, rear right: forward, right, and the torque about down that its thrust brings.
ROTORS = [(ARM, ARM, 1.0), (-ARM, -ARM, 1.0), (ARM, -ARM, -1.0), (-ARM, ARM, -1.0)]


def clamp(x, most):
    return max(-most, min(most, x))


def wrap(angle):
    return (angle + math.pi) % (2 * math.pi) - math.pi


class Estimator:
    """Attitude by gyroscope, gravity and compass; height by barometer; place and velocity by satellites; all smoothed."""

    def __init__(self, declination):
        self.declination = declination
        self.roll = self.pitch = 0.0
        self.yaw = None
        self.velocity = [0.0, 0.0, 0.0]
        self.position = [0.0, 0.0, 0.0]
        self.home = None
        self.ground = []

    def imu(self, accel, gyro, dt):
        if self.yaw is None:
            return
        (p, q, r), (ax, ay, az) = gyro, accel
        sr, cr, tp, cp = math.sin(self.roll), math.cos(self.roll), math.tan(self.pitch), math.cos(self.pitch)
        self.roll += (p + tp * (q * sr + r * cr)) * dt
        self.pitch += (q * cr - r * sr) * dt
        self.yaw = wrap(self.yaw + (q * sr + r * cr) / cp * dt)
        if abs(math.sqrt(ax * ax + ay * ay + az * az) - G) < 1.0:
            self.roll += 0.2 * dt * wrap(math.atan2(-ay, -az) - self.roll)
            self.pitch += 0.2 * dt * wrap(math.atan2(ax, math.hypot(ay, az)) - self.pitch)
        sr, cr, sp, cp = math.sin(self.roll), math.cos(self.roll), math.sin(self.pitch), math.cos(self.pitch)
        sy, cy = math.sin(self.yaw), math.cos(self.yaw)
        north = cp * cy * ax + (sr * sp * cy - cr * sy) * ay + (cr * sp * cy + sr * sy) * az
        east = cp * sy * ax + (sr * sp * sy + cr * cy) * ay + (cr * sp * sy - sr * cy) * az
        down = -sp * ax + sr * cp * ay + cr * cp * az + G
        for k, a in enumerate((north, east, down)):
            self.velocity[k] += a * dt
            self.position[k] += self.velocity[k] * dt

    def compass(self, x, y, z):
        sr, cr, sp, cp = math.sin(self.roll), math.cos(self.roll), math.sin(self.pitch), math.cos(self.pitch)
        level = (x * cp + y * sr * sp + z * cr * sp, y * cr - z * sr)
        heading = wrap(math.atan2(-level[1], level[0]) + self.declination)
        self.yaw = heading if self.yaw is None else wrap(self.yaw + 0.02 * wrap(heading - self.yaw))

    def height(self, up, on_ground):
        if on_ground:
            self.ground.append(up)
        self.position[2] += 0.05 * (sum(self.ground) / len(self.ground) - up - self.position[2])

    def satellites(self, lat, lon, velocity, on_ground):
        here = (math.radians(lat), math.radians(lon))
        if self.home is None:
            self.home = here
        north = (here[0] - self.home[0]) * 6371000.0
        east = (here[1] - self.home[1]) * 6371000.0 * math.cos(self.home[0])
        for k, (at, v) in enumerate(zip((north, east), velocity)):
            self.position[k] += 0.2 * (at - self.position[k])
            self.velocity[k] += 0.3 * (v - self.velocity[k])
        self.velocity[2] += 0.3 * (velocity[2] - self.velocity[2])
        if on_ground:
            self.velocity = [0.0, 0.0, 0.0]


class Controller:
    """Throttle of the four rotors, 0 to 1 of their speed, to hold a height over a place and a heading."""

    def __init__(self):
        self.heading = None

    def throttle(self, attitude, gyro, position, velocity, height):
        roll, pitch, yaw = attitude
        if self.heading is None:
            self.heading = yaw
        climb = max(-1.0, min(1.5, 1.2 * (height + position[2])))
        lift = G + clamp(3.0 * (climb + velocity[2]), 4.0)
        north, east = (1.2 * (clamp(-0.6 * position[k], 1.0) - velocity[k]) for k in (0, 1))
        ahead = math.cos(yaw) * north + math.sin(yaw) * east
        right = -math.sin(yaw) * north + math.cos(yaw) * east
        wanted = (clamp(right / G, 0.25), clamp(-ahead / G, 0.25))
        rates = (
            6.0 * (wanted[0] - roll),
            6.0 * (wanted[1] - pitch),
            clamp(2.0 * wrap(self.heading - yaw), 0.5),
        )
        gains = (18.0, 18.0, 6.0)
        torque = [i * g * (w - r) for i, g, w, r in zip(INERTIA, gains, rates, gyro)]
        thrust = MASS * lift / (math.cos(roll) * math.cos(pitch))
        out = []
        for x, y, spin in ROTORS:
            part = thrust / 4 - torque[0] * y / (4 * ARM * ARM) + torque[1] * x / (4 * ARM * ARM)
            part += spin * torque[2] / (4 * KM)
            out.append(min(1.0, math.sqrt(max(0.0, part) / KF) / MOST))
        return out
