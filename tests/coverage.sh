#!/bin/sh
# coverage.sh - which part of the lines of each object's source was run: one line a file, then all.
# Started by "make coverage" in the build folder, with the objects' names.

set -u
[ -n "$(find . -name '*.gcno' | head -n 1)" ] || {
    echo "coverage: configure with --enable-coverage first" >&2
    exit 1
}
for object in "$@"; do
    notes=${object%.o}.gcno
    [ -f "$notes" ] || continue
    # gcov also speaks of the headers: only the source itself counts.
    gcov -n "$notes" 2>/dev/null | awk -v name="${object%.o}.c" '
        /^File / { own = index($0, name) > 0 }
        own && /^Lines executed:/ {
            split($2, part, /[:%]/)
            print part[2], $4, name
            own = 0
        }
        own && /^No executable lines/ { own = 0 }'
done | awk '
    {
        printf "%6.1f%% of %5d  %s\n", $1, $2, $3
        lines += $2
        run += $1 * $2 / 100
    }
    END {
        if (lines == 0)
            exit 1
        printf "%6.1f%% of %5d  all of core\n", run * 100 / lines, lines
    }'
