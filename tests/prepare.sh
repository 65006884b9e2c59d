#!/usr/bin/env bash
# Installs what the tests run beside Tollgate: from the distribution what is missing of nginx, HAProxy, curl,
# strace, Chromium and Python, and from the Python registry httpbin, axe-core, Schemathesis and clients of gRPC and WebSocket, into folders
# of their own under target/.
# Running it again costs nothing. tests/run calls it.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
venv=$target/tests/httpbin
wanted=tests/support/httpbin.txt
schemathesis=$target/tests/schemathesis
wanted_schemathesis=tests/support/schemathesis.txt
clients=$target/tests/clients
wanted_clients=tests/support/clients.txt
axe=$target/tests/axe
wanted_axe=tests/support/axe.txt

has_venv() {
    python3 -c 'import ensurepip, venv' 2>/dev/null
}

missing=()
for tool in nginx haproxy curl strace chromium; do
    # Debian keeps servers out of the path of ordinary people.
    PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || missing+=("$tool")
done
# What pages are written in, for pictures of them that look alike everywhere.
[[ " ${missing[*]-} " != *" chromium "* ]] || missing+=(fonts-liberation)
has_venv || missing+=(python3 python3-venv)

if ((${#missing[@]})); then
    as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || {
            echo "error: \`${missing[*]}\` not found; install them with the packages of your system" >&2
            exit 1
        }
        as_root=(sudo)
    fi
    command -v apt-get >/dev/null || {
        echo "error: \`${missing[*]}\` not found, and there is no apt-get to install them" >&2
        exit 1
    }
    echo "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    # Run level 1: a server that is installed for tests must not be started as a service.
    "${as_root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq --no-install-recommends -y "${missing[@]}" >/dev/null
fi

if ! cmp -s "$wanted" "$venv/installed.txt"; then
    echo "installing httpbin into $venv"
    rm -rf "$venv"
    mkdir -p "$(dirname "$venv")"
    python=python3
    # A Python in front of the distribution's that lacks venv stays out of it.
    has_venv || python=/usr/bin/python3
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    "$venv/bin/python" -c 'import logging; logging.disable(); import gunicorn, httpbin'
    cp "$wanted" "$venv/installed.txt"
fi

if ! cmp -s "$wanted_axe" "$axe/installed.txt"; then
    echo "installing axe-core into $axe"
    rm -rf "$axe"
    mkdir -p "$axe/package"
    # One file of the package is wanted, and nothing that it needs beside that.
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$axe/package" \
        --requirement "$wanted_axe"
    cp "$axe"/package/axe_playwright_python/axe.min.js "$axe/"
    rm -rf "$axe/package"
    cp "$wanted_axe" "$axe/installed.txt"
fi

# A folder of its own for programs of Python: what they are, where, the list of them, and how to see that they are there.
programs() {
    cmp -s "$3" "$2/installed.txt" && return
    echo "installing $1 into $2"
    rm -rf "$2"
    python=python3
    has_venv || python=/usr/bin/python3
    "$python" -m venv "$2"
    "$2/bin/pip" install --quiet --disable-pip-version-check --requirement "$3"
    "$2/bin/python" -c "$4"
    cp "$3" "$2/installed.txt"
}

programs Schemathesis "$schemathesis" "$wanted_schemathesis" 'import openapi_spec_validator, schemathesis'
programs "clients of gRPC and WebSocket" "$clients" "$wanted_clients" 'import grpc, websockets'
