#!/bin/sh
# Once LocalStack is ready: deploy the reference pipeline on it. By Launchday's own Python, isolated (-I) from what
# LocalStack's environment has in PYTHONPATH.
set -eu
here=$(dirname "$0")
exec "${LAUNCHDAY_PYTHON:-/opt/launchday/bin/python}" -I "$here/../deploy_pipeline.py"
