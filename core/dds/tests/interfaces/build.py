"""Makes an install prefix of message packages that come in no wheel: `build.py DEFINITIONS PREFIX PACKAGE...`.

What `rosidl_generate_interfaces` does in CMake, done with the generators of the wheels and a C++ compiler: the C structures,
the type supports of Fast DDS and of introspection, and the Python modules. Run with the interpreter of the environment that
holds the wheels, the packages in the order of their dependencies. `bin/python` then wants PREFIX first in AMENT_PREFIX_PATH,
PREFIX/lib in LD_LIBRARY_PATH and PREFIX/python in PYTHONPATH.
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig

import numpy
from rosidl_adapter.msg import convert_msg_to_idl
from rosidl_generator_c.cli import GenerateC
from rosidl_generator_py.cli import GeneratePython
from rosidl_generator_type_description.cli import HashTypeDescription
from rosidl_typesupport_c.cli import GenerateCTypesupport
from rosidl_typesupport_fastrtps_c.cli import GenerateFastRTPSCTypesupport
from rosidl_typesupport_introspection_c.cli import GenerateIntrospectionCTypesupport

WHEELS = pathlib.Path(sys.prefix)
GENERATOR, FINDS, PYTHON = "rosidl_generator_c", "rosidl_typesupport_c", "rosidl_generator_py"
FAST, INTROSPECTION = "rosidl_typesupport_fastrtps_c", "rosidl_typesupport_introspection_c"
# What the generated code calls besides.
BASE = {
    GENERATOR: ["rosidl_runtime_c", "rcutils"],
    FINDS: ["rosidl_typesupport_c"],
    FAST: ["rosidl_typesupport_fastrtps_c", "rosidl_typesupport_fastrtps_cpp", "fastcdr", "rmw"],
    INTROSPECTION: ["rosidl_typesupport_introspection_c"],
    PYTHON: [],
}
JOBS = concurrent.futures.ThreadPoolExecutor(os.cpu_count())


def run(*arguments):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, arguments))}\n{done.stderr}")


class Package:
    """One message package on its way from `.msg` files to an installed prefix."""

    def __init__(self, name, definitions, prefix):
        self.name, self.prefix, self.source = name, prefix, definitions / name
        self.share, self.build, self.python = prefix / "share" / name, prefix / "build" / name, prefix / "python" / name
        self.messages = sorted((self.source / "msg").glob("*.msg"))
        # What its messages are made of.
        texts = "\n".join(message.read_text() for message in self.messages)
        self.needs = set(re.findall(r"^\s*([a-z][a-z0-9_]*)/[A-Z]", texts, re.MULTILINE)) - {name}

    def generate(self):
        (self.share / "msg").mkdir(parents=True, exist_ok=True)
        idls = []
        for message in self.messages:
            convert_msg_to_idl(self.source, self.name, message.relative_to(self.source), self.share / "msg")
            shutil.copy(message, self.share / "msg")
            idls.append(f"{self.share}:msg/{message.stem}.idl")
        include = [str(WHEELS / "share"), str(self.prefix / "share")]
        hashes = HashTypeDescription("hash").generate_type_hashes(self.name, idls, include, self.share)
        GenerateC("c").generate(self.name, idls, include, self.sources(GENERATOR), type_description_files=hashes)
        GenerateFastRTPSCTypesupport("fast").generate(self.name, idls, include, self.sources(FAST))
        GenerateIntrospectionCTypesupport("introspection").generate(self.name, idls, include, self.sources(INTROSPECTION))
        finds = GenerateCTypesupport("c", typesupport_implementations=[FAST, INTROSPECTION])
        finds.generate(self.name, idls, include, self.sources(FINDS))
        modules = GeneratePython("py", typesupport_implementations=[FINDS, FAST, INTROSPECTION])
        modules.generate(self.name, idls, include, self.python)
        (self.python / "__init__.py").touch()
        index = self.prefix / "share/ament_index/resource_index"
        for kind in ["rosidl_interfaces", "packages"]:
            (index / kind).mkdir(parents=True, exist_ok=True)
        lines = [f"msg/{message.stem}.{kind}" for message in self.messages for kind in ["idl", "msg"]]
        (index / "rosidl_interfaces" / self.name).write_text("\n".join(lines))
        (index / "packages" / self.name).touch()

    def sources(self, library):
        return self.build / library / self.name

    def compile(self):
        """Libraries as the wheels have them: each links those that hold what it calls."""
        (self.prefix / "lib").mkdir(exist_ok=True)
        found = {library: list(self.sources(library).rglob("*.c*")) for library in [GENERATOR, FAST, INTROSPECTION, FINDS]}
        self.library(GENERATOR, found[GENERATOR], [])
        rest = [JOBS.submit(self.library, library, found[library], [GENERATOR]) for library in [FAST, INTROSPECTION, FINDS]]
        rest.append(JOBS.submit(self.library, PYTHON, list(self.python.rglob("*_s.c")), [GENERATOR, FINDS]))
        [job.result() for job in rest]
        modules = [JOBS.submit(self.module, library) for library in [FINDS, FAST, INTROSPECTION]]
        [job.result() for job in modules]

    def library(self, kind, sources, links):
        links = [self.name + "__" + link for link in links if link != FINDS or kind != PYTHON]
        links += [f"{package}__{kind}" for package in self.needs]
        links += BASE[kind]
        self.link(self.prefix / "lib" / f"lib{self.name}__{kind}.so", sources, links)

    def module(self, support):
        """What the Python package loads for one type support."""
        source = self.python / f"_{self.name}_s.ep.{support}.c"
        target = self.python / f"{self.name}_s__{support}{sysconfig.get_config_var('EXT_SUFFIX')}"
        self.link(target, [source], [f"{self.name}__{kind}" for kind in [PYTHON, FINDS, GENERATOR, support]])

    def link(self, target, sources, links):
        include = [*self.prefix.glob("build/*/*"), *(path for path in (WHEELS / "include").iterdir() if path.is_dir())]
        include += [WHEELS / "include", sysconfig.get_path("include"), numpy.get_include()]
        places = [self.prefix / "lib", WHEELS / "lib"]
        # Only what is there: not every package has every kind.
        there = [link for link in dict.fromkeys(links) if any((place / f"lib{link}.so").exists() for place in places)]
        run("g++" if any(path.suffix == ".cpp" for path in sources) else "gcc", "-shared", "-fPIC", "-O0", "-w",
            *(f"-I{path}" for path in include), *sources, "-o", target,
            *(f"-L{place}" for place in places), *(f"-Wl,-rpath,{place}" for place in places), *(f"-l{link}" for link in there))


def main():
    definitions, prefix = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    for name in sys.argv[3:]:
        package = Package(name, definitions, prefix)
        package.generate()
        package.compile()


main()
