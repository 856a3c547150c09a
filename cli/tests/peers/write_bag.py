"""Writes bags with the rosbags package. Usage: write_bag.py DIRECTORY.

Makes DIRECTORY/NAME for each of: plain (MCAP, version 9), old (MCAP, version 8), packed (MCAP with zstd chunks), sqlite
(SQLite), files (MCAP, each file compressed). Prints what they hold, as JSON: topic -> list of texts.
"""
import json
import sys
from pathlib import Path

import numpy
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

START = 1_700_000_000_000_000_000
STEP = 50_000_000
TYPES = get_typestore(Stores.ROS2_JAZZY)
TYPES.register(get_types_from_msg("int32 mood", "robot_msgs/msg/Mood"))
TYPE = TYPES.types


def qos(reliability, durability):
    forever = QosTime(9223372036, 854775807)
    return Qos(
        QosHistory.KEEP_LAST, 10, reliability, durability, forever, forever, QosLiveliness.AUTOMATIC, forever, False
    )


RELIABLE = qos(QosReliability.RELIABLE, QosDurability.VOLATILE)
LATCHED = qos(QosReliability.RELIABLE, QosDurability.TRANSIENT_LOCAL)
SENSOR = qos(QosReliability.BEST_EFFORT, QosDurability.VOLATILE)


def header(number):
    stamp = TYPE["builtin_interfaces/msg/Time"](sec=1_700_000_000, nanosec=number)
    return TYPE["std_msgs/msg/Header"](stamp=stamp, frame_id="camera_optical")


def image(number):
    pixels = numpy.full(48 * 64 * 3, number, dtype=numpy.uint8)
    return TYPE["sensor_msgs/msg/Image"](
        header=header(number), height=48, width=64, encoding="rgb8", is_bigendian=0, step=192, data=pixels
    )


def info(number):
    region = TYPE["sensor_msgs/msg/RegionOfInterest"](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    f64 = numpy.float64
    k = numpy.array([100 + number, 0, 32, 0, 100, 24, 0, 0, 1], dtype=f64)
    return TYPE["sensor_msgs/msg/CameraInfo"](
        header=header(number), height=48, width=64, distortion_model="plumb_bob", d=numpy.zeros(5, dtype=f64), k=k,
        r=numpy.eye(3, dtype=f64).reshape(9), p=numpy.zeros(12, dtype=f64), binning_x=0, binning_y=0, roi=region,
    )


TOPICS = {
    "/robot/name": ("std_msgs/msg/String", LATCHED, lambda n: TYPE["std_msgs/msg/String"](data=f"robot {n}"), 1),
    "/chatter": ("std_msgs/msg/String", RELIABLE, lambda n: TYPE["std_msgs/msg/String"](data=f"hello {n}"), 40),
    "/camera/image_raw": ("sensor_msgs/msg/Image", SENSOR, image, 20),
    "/camera/camera_info": ("sensor_msgs/msg/CameraInfo", RELIABLE, info, 20),
    "/mood": ("robot_msgs/msg/Mood", RELIABLE, lambda n: TYPE["robot_msgs/msg/Mood"](mood=n), 3),
}


def write(path, storage=StoragePlugin.MCAP, version=9, compression=CompressionMode.NONE):
    writer = Writer(path, version=version, storage_plugin=storage)
    writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        connections = {
            name: writer.add_connection(name, kind, typestore=TYPES, offered_qos_profiles=[offered])
            for name, (kind, offered, _, _) in TOPICS.items()
        }
        for number in range(40):
            for name, (kind, _, make, count) in TOPICS.items():
                if number < count:
                    data = TYPES.serialize_cdr(make(number), kind)
                    writer.write(connections[name], START + number * STEP, data)


if __name__ == "__main__":
    home = Path(sys.argv[1])
    write(home / "plain")
    write(home / "old", version=8)
    write(home / "packed", compression=CompressionMode.STORAGE)
    write(home / "files", compression=CompressionMode.FILE)
    write(home / "sqlite", storage=StoragePlugin.SQLITE3)
    print(json.dumps({name: count for name, (_, _, _, count) in TOPICS.items()}))
