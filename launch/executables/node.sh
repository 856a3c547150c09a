#!/bin/sh
# Installed as lib/peregrine/NODE for every node kind, where ros2 run and ros2 launch look for executables: the program beside
# it runs the node that this file is called after. `exec` keeps the process, so that signals reach the node itself.
case "${0##*/}" in
    component_container*) exec "${0%/*}/peregrine" container "$@" ;;
    *) exec "${0%/*}/peregrine" run "${0##*/}" "$@" ;;
esac
