#!/bin/sh
# leftovers.t - a check removes what a killed one left behind, and nothing else.

set -eu
. "${top_srcdir:-.}/tests/leftovers.sh"
work=$(mktemp -d) || exit 99
holder=
finish() {
    [ -z "$holder" ] || kill -KILL "$holder" 2>/dev/null || :
    chmod -R u+rwx "$work"
    rm -rf "$work"
}
trap finish EXIT
place=$work/place
mkdir -m 1777 "$place"
n=0

result() { # what, status
    n=$((n + 1))
    if [ "$2" -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
    fi
}

is_there() { [ -f "$place/pgseal-check.$1/gcc/deep/file" ] && [ -f "$place/pgseal-check.$1/lock" ]; }
is_gone() { [ ! -e "$place/pgseal-check.$1" ]; }
answer() { if "$@"; then echo 0; else echo 1; fi; }

# A folder of a run that is over: held by a process that has ended.
dead() {
    mkdir -p "$place/pgseal-check.$1/gcc/deep" "$place/pgseal-check.$1/tmp/closed"
    echo words >"$place/pgseal-check.$1/gcc/deep/file"
    echo words >"$place/pgseal-check.$1/tmp/closed/file"
    (hold "$place/pgseal-check.$1")
    chmod 0 "$place/pgseal-check.$1/tmp/closed"
}

# What may go goes, with folders that are closed to their owner, and no link is followed.
mkdir "$work/spared"
echo words >"$work/spared/file"
dead aaaaaa
ln -s "$work/spared" "$place/pgseal-check.aaaaaa/tmp/link"
dead bbbbbb
remove_leftovers "$place"
result "the folders of dead runs are removed" "$(answer is_gone aaaaaa)"
result "all of them" "$(answer is_gone bbbbbb)"
result "what a link in them leads to is not" "$(answer test -f "$work/spared/file")"

# A run whose first process was killed, and whose tests go on.
dead cccccc
mkfifo "$work/held"
sh -c '
    . "$1/tests/leftovers.sh"
    hold "$2"
    # A child, which outlives the one that locked: only its descriptor says that the run goes on.
    sleep 600 </dev/null >/dev/null 2>&1 &
    echo $! >"$3"
    kill -KILL $$
' sh "${top_srcdir:-.}" "$place/pgseal-check.cccccc" "$work/held" >/dev/null 2>&1 &
first=$!
read -r holder <"$work/held"
wait "$first" 2>/dev/null || :
remove_leftovers "$place"
result "the folder of a killed run stays while something of it lives" "$(answer is_there cccccc)"
kill -KILL "$holder"
# Its descriptor is closed when it ends, which may be a moment later.
tries=0
while ! is_gone cccccc && [ "$tries" -lt 600 ]; do
    remove_leftovers "$place"
    is_gone cccccc || sleep 0.1
    tries=$((tries + 1))
done
holder=
result "and goes with the last process of it" "$(answer is_gone cccccc)"

# Two that are not ready yet: being made, and made but without its lock.
mkdir "$place/pgseal-check.dddddd"
dead eeeeee
mv "$place/pgseal-check.eeeeee/lock" "$place/pgseal-check.eeeeee/lock.new"
remove_leftovers "$place"
mv "$place/pgseal-check.eeeeee/lock.new" "$place/pgseal-check.eeeeee/lock"
result "a folder that is being made stays" "$(answer test -d "$place/pgseal-check.dddddd")"
result "one without its lock stays" "$(answer is_there eeeeee)"
rmdir "$place/pgseal-check.dddddd"

# What somebody else may have put there.
remove_as_another() {
    (
        id() { echo 54321; }
        remove_leftovers "$place"
    )
}
remove_as_another
result "another user's folder stays" "$(answer is_there eeeeee)"
chmod 777 "$place/pgseal-check.eeeeee"
remove_leftovers "$place"
result "a folder that others write to stays" "$(answer is_there eeeeee)"
chmod 755 "$place/pgseal-check.eeeeee"
chmod 777 "$place"
remove_leftovers "$place"
result "all stays in a place where others can rename" "$(answer is_there eeeeee)"
chmod 1777 "$place"
mv "$place/pgseal-check.eeeeee" "$work/elsewhere"
ln -s "$work/elsewhere" "$place/pgseal-check.eeeeee"
remove_leftovers "$place"
result "a link to a folder is not followed" "$(answer is_there eeeeee)"
rm "$place/pgseal-check.eeeeee"
mv "$work/elsewhere" "$place/pgseal-check.eeeeee"
mv "$place/pgseal-check.eeeeee/lock" "$work/lock"
ln -s "$work/lock" "$place/pgseal-check.eeeeee/lock"
remove_leftovers "$place"
result "nor is a link that stands for the lock" "$(answer is_there eeeeee)"
rm "$place/pgseal-check.eeeeee/lock"
mv "$work/lock" "$place/pgseal-check.eeeeee/lock"

# The same folder as before each of these: it was not spared for another reason.
remove_leftovers "$place"
result "that folder goes when nothing speaks for it" "$(answer is_gone eeeeee)"

# The folders of the wizard's tests: locked themselves, and a new one may not be so yet.
box=$place/e2e-pg-boxbox
mkdir -p "$box/demo"
chmod 711 "$box"
echo words >"$box/demo/file"
age() { touch -d '2 hours ago' "$box"; }
age
(
    exec 9<"$box"
    flock -n 9
    remove_boxes "$place/e2e-pg"
)
result "a box stays while its test lives" "$(answer test -f "$box/demo/file")"
touch "$box"
remove_boxes "$place/e2e-pg"
result "a new one stays" "$(answer test -f "$box/demo/file")"
age
mv "$box" "$work/box"
ln -s "$work/box" "$box"
touch -h -d '2 hours ago' "$box"
remove_boxes "$place/e2e-pg"
result "a link to one is not followed" "$(answer test -f "$box/demo/file")"
rm "$box"
mv "$work/box" "$box"
age
remove_boxes "$place/e2e-pg"
result "that of a dead test is removed" "$(answer test ! -e "$box")"

# Several checks begin at once, as dead runs lie about: one of them removes each.
for name in ffffff gggggg hhhhhh; do
    dead "$name"
done
others=
for _ in 1 2 3 4; do
    remove_leftovers "$place" &
    others="$others $!"
done
failed=0
for pid in $others; do
    wait "$pid" || failed=1
done
# The one that found a folder locked went on: its turn may be over before the removal is.
result "checks that begin at once do not stop each other" "$failed"
result "and nothing is left" "$(answer rmdir "$place")"
echo "1..$n"
