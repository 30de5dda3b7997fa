#!/bin/sh
# Before LocalStack starts: wait until the companion answers, so that nothing is refused for want of it.
set -eu
here=$(dirname "$0")
exec "${LAUNCHDAY_PYTHON:-/opt/launchday/bin/python}" -I "$here/../await_companion.py"
