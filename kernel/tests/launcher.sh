#!/bin/sh
# launcher.sh SHELL...: the launcher of the daemons, run by this shell ("dash", "busybox sh"), on
# machines that a false uname and a false ldd make believe. Ends with 0 if all holds.
set -eu

launcher=$(cd "$(dirname "$0")/../dist" && pwd)/stdio_bus
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
failures=0

# A program of these lines.
program() {
    mkdir -p "$(dirname "$1")"
    { echo '#!/bin/sh' && cat; } >"$1"
    chmod 755 "$1"
}

# machine SYSTEM MACHINE [LDD'S WORDS]
machine() {
    program "$room/bin/uname" <<END
case \$1 in -s) echo '$1' ;; -m) echo '$2' ;; esac
END
    program "$room/bin/ldd" <<END
echo '${3:-ldd (GNU libc) 2.36}' >&2
END
}

# Daemons that say where they lie, what they were given, and end with 7.
daemons() {
    rm -rf "$room/dist"
    mkdir -p "$room/dist"
    cp "$launcher" "$room/dist/stdio_bus"
    for each in "$@"; do
        file=stdio_bus
        case $each in windows-*) file=stdio_bus.exe ;; esac
        program "$room/dist/$each/$file" <<END
[ "\${1-}" != --version ] || exit 0
printf '%s' $each
printf ' <%s>' "\$@"
exit 7
END
    done
}

# holds WHAT EXPECTED_OUTPUT EXPECTED_CODE COMMAND...: the output holds the expected words, in one
# line for a daemon's.
holds() {
    what=$1 words=$2 code=$3
    shift 3
    status=0
    output=$(PATH=$room/bin:$PATH "$@" 2>&1 </dev/null) || status=$?
    case $output in
    *"$words"*) [ "$status" -ne "$code" ] || return 0 ;;
    esac
    echo "$what: expected '$words' and code $code, got '$output' and code $status" >&2
    failures=$((failures + 1))
}

all='linux-amd64 linux-arm64 linux-armv7 linux-musl-amd64 linux-musl-arm64
    darwin-amd64 darwin-arm64 windows-amd64 windows-arm64'
# shellcheck disable=SC2086 # names without spaces
daemons $all

while read -r system name words expected; do
    machine "$system" "$name" "$words libc"
    holds "$system $name $words" "$expected <a b> <> <*>" 7 "$@" "$room/dist/stdio_bus" 'a b' '' '*'
done <<'END'
Linux x86_64 GNU linux-amd64
Linux aarch64 GNU linux-arm64
Linux armv7l GNU linux-armv7
Linux armv8l GNU linux-armv7
Linux armv7l musl linux-armv7
Linux x86_64 musl linux-musl-amd64
Linux aarch64 musl linux-musl-arm64
Darwin x86_64 none darwin-amd64
Darwin arm64 none darwin-arm64
MINGW64_NT-10.0-19045 x86_64 none windows-amd64
MSYS_NT-10.0 x86_64 none windows-amd64
CYGWIN_NT-10.0 aarch64 none windows-arm64
END

# Where the daemon for glibc cannot start, the static one does.
machine Linux x86_64 ''
printf '\177ELF' >"$room/dist/linux-amd64/stdio_bus"
holds 'no glibc' 'linux-musl-amd64 <x>' 7 "$@" "$room/dist/stdio_bus" x

# Links: relative, of links, of a folder, with spaces, found on PATH.
mkdir -p "$room/a b/c"
ln -s ../../dist/stdio_bus "$room/a b/c/second"
ln -s 'c/second' "$room/a b/first"
ln -s "$room/dist" "$room/linked"
holds 'a link of a link' 'linux-musl-amd64 <x>' 7 "$@" "$room/a b/first" x
holds 'a linked folder' 'linux-musl-amd64 <x>' 7 "$@" "$room/linked/stdio_bus" x
ln -s "$room/a b/first" "$room/bin/daemon_on_path"
holds 'on PATH' 'linux-musl-amd64 <x>' 7 daemon_on_path x
cd "$room/dist"
holds 'a bare name' 'linux-musl-amd64 <x>' 7 "$@" stdio_bus x
cd /

# What is not there is said, with what is.
daemons linux-amd64 darwin-arm64
for unknown in 'Linux riscv64' 'Linux aarch64' 'Linux armv6l' 'SunOS x86_64' 'Darwin x86_64'; do
    machine "${unknown% *}" "${unknown#* }"
    holds "$unknown" "no daemon for ${unknown% *} on ${unknown#* } in '$room/dist', only for: darwin-arm64 linux-amd64" \
        1 "$@" "$room/dist/stdio_bus"
done
machine Darwin arm64
chmod 644 "$room/dist/darwin-arm64/stdio_bus"
holds 'without its mode' "darwin-arm64/stdio_bus' is not executable" 1 "$@" "$room/dist/stdio_bus"

# And the daemons that are really here, on the machine that is.
rm "$room/bin/uname" "$room/bin/ldd"
holds 'this machine' 'stdio_bus ' 0 "$@" "$launcher" --version

[ "$failures" -eq 0 ] && echo 'all holds'
