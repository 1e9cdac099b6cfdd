#!/bin/sh
# Installs Chromium for the browser tests where the machine has none and the package manager may be used.
set -eu
if ! command -v apt-get >/dev/null 2>&1; then
    echo "the browser tests need Chromium: install it, or name it in COSTSPAN_CHROMIUM" >&2
    exit 1
fi
as_root=""
[ "$(id -u)" -eq 0 ] || as_root="sudo"
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends chromium >/dev/null
