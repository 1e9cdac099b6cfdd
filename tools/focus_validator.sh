#!/bin/sh
# Install the FinOps Foundation's validator in .venv-focus. It needs Python 3.12 and brings half a gigabyte, so it has an
# environment of its own; without such a Python nothing is installed and the test that uses it is skipped.
set -eu
uv=$1 target=$2
for python in python3.12 python3.13 python3.14 "$(pyenv root 2>/dev/null || true)"/versions/3.1[2-4].*/bin/python; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
    "$python" -m venv --clear "$target"
    "$uv" pip install --quiet --python "$target/bin/python" --require-hashes -r tools/focus_validator.txt
    exit 0
  fi
done
echo "no Python 3.12 or later: FOCUS rows are not checked by the official validator" >&2
mkdir -p "$target"
