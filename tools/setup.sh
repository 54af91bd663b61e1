#!/bin/sh
# Installs the Debian packages that `make demo` or `make check` needs and that are missing.
#
#   tools/setup.sh demo     what building and running mailsim takes
#   tools/setup.sh check    that, and what the tests take
#
# Does nothing, and asks the network nothing, when all of them are installed.
set -eu

BUILD_PACKAGES="gcc libc6-dev make pkg-config
    libglib2.0-dev libfyaml-dev libgmime-3.0-dev librandom123-dev libjson-glib-dev"
# libclang-rt holds the sanitizers and libFuzzer.
CHECK_PACKAGES="libcmocka-dev clang libclang-rt-14-dev clang-format clang-tidy
    swaks curl msmtp netcat-openbsd python3-aiosmtpd
    python3 python3-jsonschema python3-yaml tshark nodejs npm chromium"

case "${1-}" in
demo) wanted=$BUILD_PACKAGES ;;
check) wanted="$BUILD_PACKAGES $CHECK_PACKAGES" ;;
*)
    echo "usage: tools/setup.sh demo|check" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "tools/setup.sh: this is not a Debian system, so what is missing is not installed." >&2
    echo "These are the Debian packages whose like is needed:" $wanted >&2
    exit 0
fi

# Node.js from elsewhere than Debian brings its npm along.
is_installed() {
    [ "$1" = npm ] && command -v npm >/dev/null && return 0
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
for package in $wanted; do
    is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "tools/setup.sh: packages are missing, and installing them takes root or sudo. As root:" >&2
        echo "    apt-get install$missing" >&2
        exit 1
    fi
    as_root=sudo
fi

# On a machine that has just started, another apt may hold the lock for a while.
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

echo "Installing$missing"
apt update
# shellcheck disable=SC2086 # a list of words
apt install -y --no-install-recommends $missing
