# shellcheck shell=sh
# leftovers.sh - the folders of checks that were killed, told from those of checks that still run.
#
#   hold FOLDER               this run is alive: the folder is its own
#   remove_leftovers PLACE    removes the PLACE/pgseal-check.XXXXXX of dead runs of this user
#   remove_boxes PREFIX       removes the PREFIX-XXXXXX of dead tests of this user
#
# Sourced by bootstrap and by tests/leftovers.t.
#
# A run holds a lock on FOLDER/lock with descriptor 9, and whatever it starts inherits that: the lock
# ends with the last process of the run, however that one ended. No process id is kept, so none can
# be somebody else's by then. A folder without a lock is one that is being made (or from before).
#
# Tests of the wizard have folders beside that of the run, since their names stand on pages. There the
# folder itself is locked (tests/harness/wizard_box.c), so one that is being made is not: a new one stays.
#
# PLACE is /dev/shm or /tmp, where anybody may put anything. Touched are folders (no links) of this
# user that nobody else can write to, in a sticky place: only their owner can rename or replace
# them, so what was looked at is what is removed. rm(1) follows no link inside.

# Locked before it has its name: another run must not find it without.
hold() {
    exec 9>"$1/lock.new"
    flock -n 9
    mv "$1/lock.new" "$1/lock"
}

# Tests make folders that even their owner cannot look into or change. Root needs no way in.
open_folders() {
    [ "$(id -u)" = 0 ] || find "$1" -type d ! -perm -700 -exec chmod u+rwx {} \;
}

# FOLDER, and more of find's words: is it one that is safe to remove?
is_ours() {
    [ -k "${1%/*}" ] &&
        [ -n "$(find "$@" -prune -type d -user "$(id -u)" ! -perm /022 2>/dev/null)" ]
}

remove_boxes() {
    for leftover in "$1"-??????; do
        is_ours "$leftover" -perm 711 -mmin +60 || continue
        # shellcheck disable=SC2094 # a folder
        (flock -n 8 && open_folders "$leftover" && rm -rf "$leftover") 2>/dev/null 8<"$leftover" ||
            :
    done
}

remove_leftovers() {
    for leftover in "$1"/pgseal-check.??????; do
        is_ours "$leftover" || continue
        [ -f "$leftover/lock" ] || continue
        [ ! -L "$leftover/lock" ] || continue
        # The lock goes last: a removal that is killed too can be gone on with.
        (
            flock -n 8 &&
                open_folders "$leftover" &&
                find "$leftover" -mindepth 1 -maxdepth 1 ! -name lock -exec rm -rf {} + &&
                rm -rf "$leftover"
        ) 2>/dev/null 8<"$leftover/lock" || :
    done
}
