"""The flight of demo.launch.xml, in Python.

For `ros2 launch peregrine demo.launch.py`, and for launch files in Python that include it. ARGUMENTS and NODES say what
demo.launch.xml says, and a test keeps the two equal; below them they are handed to launch and launch_ros.
"""
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, Shutdown
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, PythonExpression
from launch_ros.actions import ComposableNodeContainer, Node, PushRosNamespace, SetParameter
from launch_ros.descriptions import ComposableNode
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

# Name, default, description, choices. A default that begins with `share:` is a file below the package's share directory.
ARGUMENTS = [
    ('world', 'forest', 'A built-in world, or the path of an SDF file.', None),
    ('seed', '1', "Seed of the world and of every sensor's noise. The same seed flies the same flight.", None),
    ('model', 'nanodet_g', "The detector's network: embedded name, manifest (.toml) or .onnx.", None),
    ('backend', 'auto', 'What runs the network.', ['auto', 'ort', 'tract']),
    ('allow_unsigned', 'false', 'Load a model that nobody trusted has signed.', None),
    ('cruise_mps', '4.0', 'Speed where the way is free, m/s.', None),
    ('threads', '1', 'Worker threads. The result does not depend on it.', None),
    ('record', 'false', 'Record all topics into a bag.', None),
    ('bag', 'bag', 'Where the bag goes: a directory that does not exist yet.', None),
    ('sim', 'builtin', 'What is flown in: builtin (drone_sim), or a Gazebo that runs already.', ['builtin', 'gazebo']),
    ('gz_params_file', 'share:params/gz_x500.yaml', 'With sim:=gazebo: which of its topics are carried.', None),
    ('params_file', 'share:params/demo.yaml', 'Parameters of the nodes.', None),
    ('use_composition', 'true', 'All nodes in one container, or each in a process of its own.', None),
    ('use_sim_time', 'true', "Follow the simulator's /clock.", None),
    ('namespace', '/', 'Namespace of all nodes and topics: /uav1.', None),
]

# Kind, name, when, parameter file, more parameters (name: argument, type), remaps. `when` is an argument and the value that
# it must have.
NODES = [
    ('drone_sim', 'drone_sim', ('sim', 'builtin'), 'params_file',
     {'world': ('world', 'str'), 'seed': ('seed', 'int')}, []),
    ('gz_bridge', 'gz_bridge', ('sim', 'gazebo'), 'gz_params_file', {}, []),
    ('camera', 'camera', None, 'params_file', {},
     [('image_in', 'sim/camera/image'), ('camera_info_in', 'sim/camera/camera_info'),
      ('image_raw', 'camera/image_raw'), ('camera_info', 'camera/camera_info')]),
    ('camera', 'depth_camera', None, 'params_file', {},
     [('image_in', 'sim/depth/image'), ('camera_info_in', 'sim/depth/camera_info'),
      ('image_raw', 'depth/image_raw'), ('camera_info', 'depth/camera_info')]),
    ('detector', 'detector', None, 'params_file',
     {'model': ('model', 'str'), 'backend': ('backend', 'str'), 'allow_unsigned': ('allow_unsigned', 'bool')},
     [('image_raw', 'camera/image_raw')]),
    ('tracker', 'tracker', None, 'params_file', {}, []),
    ('avoidance', 'avoidance', None, 'params_file', {'cruise_mps': ('cruise_mps', 'float')},
     [('goal', 'sim/goal'), ('cmd_vel', 'cmd_vel_in')]),
    ('safety_filter', 'safety_filter', None, 'params_file', {}, []),
    ('recorder', 'recorder', ('record', 'true'), 'params_file', {'path': ('bag', 'str')}, []),
]

TYPES = {'str': str, 'int': int, 'float': float, 'bool': bool}


def argument(name, default, description, choices):
    if default.startswith('share:'):
        parts = default.removeprefix('share:').split('/')
        default = PathJoinSubstitution([FindPackageShare('peregrine'), *parts])
    more = {'choices': choices} if choices else {}
    return DeclareLaunchArgument(name, default_value=default, description=description, **more)


def common(name, when, params_file, parameters, remaps):
    """What a node of its own and one of a container are told alike."""
    values = {
        key: ParameterValue(LaunchConfiguration(source), value_type=TYPES[kind])
        for key, (source, kind) in parameters.items()
    }
    told = {
        'package': 'peregrine',
        'name': name,
        'parameters': [LaunchConfiguration(params_file), *([values] if values else [])],
        'remappings': remaps,
    }
    if when:
        source, value = when
        same = PythonExpression(["'", LaunchConfiguration(source), f"'.lower() == '{value}'"])
        told['condition'] = IfCondition(same)
    return told


def container():
    components = [ComposableNode(plugin=kind, **common(*told)) for kind, *told in NODES]
    return ComposableNodeContainer(
        package='peregrine',
        executable='component_container',
        name='demo',
        namespace='',
        parameters=[{'threads': ParameterValue(LaunchConfiguration('threads'), value_type=int)}],
        composable_node_descriptions=components,
        on_exit=Shutdown(),
        output='screen',
        condition=IfCondition(LaunchConfiguration('use_composition')),
    )


def processes():
    alone = []
    for kind, *told in NODES:
        more = {'on_exit': Shutdown()} if kind == 'drone_sim' else {}
        alone.append(Node(executable=kind, output='screen', **common(*told), **more))
    return GroupAction(alone, condition=UnlessCondition(LaunchConfiguration('use_composition')))


def generate_launch_description():
    return LaunchDescription([
        *(argument(*one) for one in ARGUMENTS),
        PushRosNamespace(LaunchConfiguration('namespace')),
        SetParameter(name='use_sim_time', value=LaunchConfiguration('use_sim_time')),
        container(),
        processes(),
    ])
