#!/bin/sh
# Installs the Debian packages that `make demo` or `make check` needs and that are missing. Postfix,
# whose smtp-sink and smtp-source judge our servers, is unpacked under build/judges and never
# installed: it would take the place of the user's own mail server.
#
#   tools/setup.sh demo     what building and running mailsim takes
#   tools/setup.sh check    that, and what the tests take
#
# Does nothing, and asks the network nothing, when all of them are there.
set -eu

BUILD_PACKAGES="gcc libc6-dev make pkg-config
    libglib2.0-dev libfyaml-dev libgmime-3.0-dev librandom123-dev libjson-glib-dev
    libgoogle-perftools-dev"
# libclang-rt holds the sanitizers and libFuzzer; libdb, libicu and libnsl are Postfix's; fonts-liberation
# has the widths for which pictures are laid out (those of Arial).
CHECK_PACKAGES="libcmocka-dev clang libclang-rt-14-dev clang-format clang-tidy
    swaks curl msmtp netcat-openbsd python3-aiosmtpd python3-flufl.bounce libsisimai-perl libnet-ssleay-perl
    libmail-imapclient-perl libdb5.3 libicu72 libnsl2
    python3 python3-jsonschema python3-yaml tshark nodejs npm chromium fonts-liberation"

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

as_root=
find_root() {
    [ "$(id -u)" -ne 0 ] || return 0
    command -v sudo >/dev/null && as_root=sudo
}

# On a machine that has just started, another apt may hold the lock for a while.
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

install_missing() {
    missing=
    for package in $wanted; do
        is_installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if ! find_root; then
        echo "tools/setup.sh: packages are missing, and installing them takes root or sudo. As root:" >&2
        echo "    apt-get install$missing" >&2
        exit 1
    fi
    echo "Installing$missing"
    # shellcheck disable=SC2086 # a list of words
    if ! apt update || ! apt install -y --no-install-recommends $missing; then
        echo "tools/setup.sh: apt-get has not installed what is missing; what it says stands above." >&2
        echo "It needs a network, or a mirror in /etc/apt. By hand, as root:" >&2
        echo "    apt-get install$missing" >&2
        exit 1
    fi
}

JUDGES=build/judges

# Takes no root. The user _apt, as whom apt would download, may not write in the build folder.
download_postfix() {
    (cd "$JUDGES/new" && apt-get -q -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3 \
        download postfix)
}

# Its absence is for check-judges to report, so that the other steps still run.
fetch_postfix() {
    [ ! -x "$JUDGES/postfix/usr/sbin/smtp-sink" ] || return 0
    echo "Fetching postfix into $JUDGES, without installing it"
    rm -rf "$JUDGES/new" "$JUDGES/postfix"
    mkdir -p "$JUDGES/new"
    download_postfix || { find_root && apt update && download_postfix; } || return 0
    dpkg-deb -x "$JUDGES"/new/postfix_*.deb "$JUDGES/new/postfix"
    mv "$JUDGES/new/postfix" "$JUDGES/postfix"
    rm -rf "$JUDGES/new"
}

install_missing
[ "$1" = demo ] || fetch_postfix
