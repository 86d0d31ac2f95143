#!/bin/sh
# install.sh PYTHON VENV LOCKFILE: put what the lock file names, and this project, into VENV.
# uv does it in seconds; where uv cannot be had, plain pip does the same more slowly.
set -eu
python=$1 venv=$2 lock=$3

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed; $python is $("$python" -V 2>&1). Try: make PYTHON=python3.12 ..." >&2
    exit 1
}
[ -x "$venv/bin/python" ] || { echo "Creating $venv ..."; "$python" -m venv "$venv"; }
[ -x .tools/bin/python ] || "$python" -m venv .tools
export UV_PYTHON_DOWNLOADS=never PIP_DISABLE_PIP_VERSION_CHECK=1

echo "Installing from $lock ..."
if [ -x .tools/bin/uv ] || .tools/bin/python -m pip install --quiet uv; then
    # sync would take the development tools away again when only the run lock is asked for
    # compiled at once, as pip does, and the project as well: where Python may write no byte code, every start would
    # compile all again
    .tools/bin/uv pip install --quiet --compile-bytecode --python "$venv/bin/python" --require-hashes -r "$lock"
    .tools/bin/uv pip install --quiet --python "$venv/bin/python" --no-deps -e .
else
    echo "uv is not to be had here; using pip" >&2
    "$venv/bin/python" -m pip install --quiet --require-hashes -r "$lock"
    "$venv/bin/python" -m pip install --quiet --no-deps -e .
fi
"$venv/bin/python" -m compileall -q src
