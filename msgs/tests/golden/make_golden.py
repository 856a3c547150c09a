#!/usr/bin/env python3
"""Writes the golden files that the Rust tests compare with.

Run it with the Python of a virtual environment that holds the ROS 2 wheels of one distribution:

    for p in rclpy rmw-fastrtps-cpp sensor-msgs nav-msgs diagnostic-msgs visualization-msgs rosgraph-msgs \
             lifecycle-msgs rcl-interfaces std-srvs rosidl-adapter rosidl-parser rosidl-generator-type-description; do
        pip install ros-jazzy-$p
    done
    pip install rosbags lark
    python make_golden.py jazzy

- hashes_<distro>.json: RIHS01 hash of every type and service. For packages that have a wheel, the hash that the wheel carries
  ("wheel"). vision_msgs, tf2_msgs, ros_gz_interfaces, gps_msgs, trajectory_msgs and a few more have none: there ROS's own generator, taken from the wheels, computes the hash
  from our definition text ("generator").
- cdr_jazzy.json (only for jazzy): values and the bytes that rclpy makes of them (Fast DDS). For the packages
  without a wheel the bytes come from `rosbags`, an implementation of CDR that shares no code with ROS or with us.

hashes_built.json is not written here: it holds the hashes of vision_msgs 4.1 as a ROS 2 build of that package
installed them, so that our text of it is checked against something that we did not write. hashes_built_px4.json is the same for
px4_msgs: its hashes are in the C sources that a build generates (get_type_hash in *__description.c).
"""

import importlib
import importlib.metadata
import json
import pathlib
import random
import re
import struct
import sys
import tempfile

from rosidl_adapter.parser import parse_message_string

HERE = pathlib.Path(__file__).resolve().parent
DEFS = HERE.parent.parent / "defs"
SHARE = pathlib.Path(sys.prefix) / "share"


def types():
    """Every structure that travels: messages, and the two sides of services (`SetBool_Request`)."""
    for path in sorted(DEFS.glob("*/msg/*.msg")):
        yield path.parts[-3], "msg", path.stem
    for package, name in services():
        yield package, "srv", f"{name}_Request"
        yield package, "srv", f"{name}_Response"


def services():
    for path in sorted(DEFS.glob("*/srv/*.srv")):
        yield path.parts[-3], path.stem


def has_wheel(package):
    return (SHARE / package / "package.xml").is_file()


def text_of(package, name):
    """The wheel's text where there is one, so that ours is not checked against itself."""
    service, _, side = name.partition("_")
    file = f"srv/{service}.srv" if side else f"msg/{name}.msg"
    base = SHARE if (SHARE / package / file).is_file() else DEFS
    text = (base / package / file).read_text()
    if not side:
        return text
    halves = re.split("^---$", text, flags=re.MULTILINE)
    return halves[0 if side == "Request" else 1]


def ros_class(package, name):
    service, _, side = name.partition("_")
    if side:
        return getattr(getattr(importlib.import_module(f"{package}.srv"), service), side)
    return getattr(importlib.import_module(f"{package}.msg"), name)


# ---------------------------------------------------------------------------------------------------- hashes


def described(path):
    return {e["type_name"]: e["hash_string"] for e in json.loads(path.read_text())["type_hashes"]}


def wheel_hashes(package):
    """What the wheel carries, for messages, sides and services alike."""
    found = {}
    for path in [*(SHARE / package).glob("msg/*.json"), *(SHARE / package).glob("srv/*.json")]:
        found.update(described(path))
    return found


def generated_hashes(package):
    """What rosidl_generator_type_description says about our text."""
    from rosidl_adapter.msg import convert_msg_to_idl
    from rosidl_adapter.srv import convert_srv_to_idl
    from rosidl_generator_type_description import generate_type_hash

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        files = []
        for kind, convert in [("msg", convert_msg_to_idl), ("srv", convert_srv_to_idl)]:
            for path in sorted((DEFS / package / kind).glob(f"*.{kind}")):
                source = pathlib.Path(kind) / path.name
                convert(DEFS / package, package, source, folder / "idl" / kind)
                files.append(f"{kind}/{path.stem}")
        arguments = {
            "package_name": package,
            "output_dir": str(folder / "out"),
            "idl_tuples": [f"{folder / 'idl'}:{file}.idl" for file in files],
            "include_paths": [f"{p.name}:{p}" for p in SHARE.iterdir() if (p / "msg").is_dir()],
        }
        (folder / "arguments.json").write_text(json.dumps(arguments))
        generate_type_hash(str(folder / "arguments.json"))
        for file in files:
            found.update(described(folder / "out" / f"{file}.json"))
    return found


def hashes(distro):
    wheel, generator, absent = {}, {}, []
    wanted = {}
    for package, kind, name in types():
        wanted.setdefault(package, []).append(f"{package}/{kind}/{name}")
    for package, name in services():
        wanted[package].append(f"{package}/srv/{name}")
    for package, names in wanted.items():
        known, out = (wheel_hashes(package), wheel) if has_wheel(package) else (generated_hashes(package), generator)
        for name in names:
            if name in known:
                out[name] = known[name]
            else:
                absent.append(name)
    versions = {}
    for dist in importlib.metadata.distributions():
        dist_name = dist.metadata["Name"].replace("_", "-")
        if dist_name.startswith("ros-") and dist_name.endswith(("-msgs", "-interfaces", "-srvs")):
            versions[dist_name] = dist.version
    return {
        "distro": distro,
        "versions": dict(sorted(versions.items())),
        "absent": absent,
        "wheel": wheel,
        "generator": generator,
    }


# ------------------------------------------------------------------------------------------------------- CDR

INTS = {"int8": (-(2**7), 2**7 - 1), "uint8": (0, 2**8 - 1), "char": (0, 2**8 - 1), "byte": (0, 2**8 - 1),
        "int16": (-(2**15), 2**15 - 1), "uint16": (0, 2**16 - 1), "int32": (-(2**31), 2**31 - 1),
        "uint32": (0, 2**32 - 1), "int64": (-(2**63), 2**63 - 1), "uint64": (0, 2**64 - 1)}
WORDS = ["", "a", "odom", "base_link", "caméra", "雪", "camera_optical_frame", "x" * 33]


def element(kind, rng):
    """One value, as JSON and as Python."""
    if kind in INTS:
        return rng.choice([*INTS[kind], rng.randint(*INTS[kind])])
    if kind == "bool":
        return rng.random() < 0.5
    if kind == "string":
        return rng.choice(WORDS)
    if rng.random() < 0.06:
        return rng.choice(["Infinity", "-Infinity"])
    if rng.random() < 0.1:
        value = rng.uniform(-1e6, 1e6)
        return struct.unpack("<f", struct.pack("<f", value))[0] if kind == "float32" else value
    return rng.randint(-4000, 4000) / 16.0


def fill(package, name, rng):
    """A value for every field, in the words of our JSON."""
    out = {}
    for field in parse_message_string(package, name, text_of(package, name)).fields:
        kind = field.type
        if not kind.is_array:
            count = None
        elif kind.array_size and not kind.is_upper_bound:
            count = kind.array_size
        else:
            most = kind.array_size if kind.is_upper_bound else (2 if kind.pkg_name else 5)
            count = rng.randint(0, most)
        one = (lambda: fill(kind.pkg_name, kind.type, rng)) if kind.pkg_name else (lambda: element(kind.type, rng))
        out[field.name] = one() if count is None else [one() for _ in range(count)]
    return out


def number(value):
    return float(value) if isinstance(value, str) else value


def ros_message(package, name, value):
    message = ros_class(package, name)()
    for field in parse_message_string(package, name, text_of(package, name)).fields:
        kind = field.type

        def convert(v):
            if kind.pkg_name:
                return ros_message(kind.pkg_name, kind.type, v)
            if kind.type == "byte":
                return bytes([v])
            return number(v) if kind.type.startswith("float") else v

        v = value[field.name]
        setattr(message, field.name, [convert(x) for x in v] if kind.is_array else convert(v))
    return message


def rosbags_store():
    from rosbags.typesys import Stores, get_typestore, get_types_from_msg

    store = get_typestore(Stores.ROS2_JAZZY)
    ours = {}
    for package, kind, name in types():
        if not has_wheel(package) and f"{package}/{kind}/{name}" not in store.types:
            # rosbags knows no services: a side is a message to it, and its bytes are the same.
            ours.update(get_types_from_msg(text_of(package, name), f"{package}/msg/{name}"))
    store.register(ours)
    return store


def rosbags_message(store, package, name, value):
    import numpy

    kinds = {"float32": "f4", "float64": "f8", "bool": "?", "char": "u1", "byte": "u1"}
    fields = {}
    for field in parse_message_string(package, name, text_of(package, name)).fields:
        kind, v = field.type, value[field.name]
        if kind.pkg_name:
            one = lambda x: rosbags_message(store, kind.pkg_name, kind.type, x)  # noqa: E731
        else:
            one = number if kind.type.startswith("float") else (lambda x: x)
        v = [one(x) for x in v] if kind.is_array else one(v)
        if kind.is_array and not kind.pkg_name and kind.type != "string":
            v = numpy.array(v, dtype=kinds.get(kind.type, kind.type))
        fields[field.name] = v
    return store.types[f"{package}/msg/{name}"](**fields)


def cdr():
    from rclpy.serialization import serialize_message

    store = rosbags_store()
    rng = random.Random(20)
    cases = []
    for package, kind, name in types():
        full = f"{package}/{kind}/{name}"
        for round_ in range(3):
            if not has_wheel(package):
                if round_ == 0:
                    continue
                value = fill(package, name, rng)
                raw = bytes(store.serialize_cdr(rosbags_message(store, package, name, value), f"{package}/msg/{name}"))
                cases.append({"type": full, "by": "rosbags", "value": value, "cdr": raw.hex()})
                continue
            # The first round is an untouched message: it shows the defaults.
            value = {} if round_ == 0 else fill(package, name, rng)
            message = (
                ros_class(package, name)()
                if round_ == 0
                else ros_message(package, name, value)
            )
            cases.append({"type": full, "by": "rclpy", "value": value, "cdr": serialize_message(message).hex()})
    return cases


def main():
    distro = sys.argv[1]
    (HERE / f"hashes_{distro}.json").write_text(json.dumps(hashes(distro), indent=1, sort_keys=True) + "\n")
    if distro == "jazzy":
        lines = ",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cdr())
        (HERE / "cdr_jazzy.json").write_text(f"[\n{lines}\n]\n")


main()
