#!/bin/sh
# zero-pe-stamps.sh FILE...: takes the time of the link, and the checksum over it, out of Windows programs and
# libraries, so that the same sources give the same bytes. The linker of this zig cannot be told to leave them out.
set -eu

zero() { # FILE OFFSET: four bytes
    printf '\0\0\0\0' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

for file in "$@"; do
    # The offset of the PE header stands at 60; the time stamp is in its file header, the checksum in the optional one.
    header=$(od -An -tu4 -j60 -N4 "$file" | tr -d ' ')
    [ "$(dd if="$file" bs=1 skip="$header" count=2 status=none)" = PE ] || {
        echo "zero-pe-stamps.sh: $file is no PE file" >&2
        exit 1
    }
    zero "$file" $((header + 8))
    zero "$file" $((header + 88))
done
