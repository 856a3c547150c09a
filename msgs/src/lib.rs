//! ROS 2 message types, CDR and RIHS01 type hashes
