//! Launch files and the supervisor
