//! drone_sim: a Gazebo-compatible flight simulator without a GPU
