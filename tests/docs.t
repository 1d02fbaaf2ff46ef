#!/bin/sh
# docs.t - the man page has every command and every flag that the program has, and the completions
# are accepted by the shells that are here.

set -u
top=${top_srcdir:-.}
pgseal=${PGSEAL:-./pgseal}
page=$top/docs/pgseal.1
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
n=0

result() { # what, status, text
    n=$((n + 1))
    if [ "$2" -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        printf '%s\n' "$3" | sed 's/^/# /'
    fi
}

# The page as plain words: no macros, no fonts.
sed 's/^\.[A-Z][A-Z]* //; s/\\f[A-Z]//g; s/\\-/-/g; s/"//g; s/ ,/,/g' "$page" | tr '\n' ' ' |
    tr -s ' ' >"$work/page"

"$pgseal" --help >"$work/help"
result "--help answers" $? ""

sed -n '/^Try it$/,/^Flags of every/s/^  \([a-z][a-z ]*[a-z]\).*/\1/p' "$work/help" | sed 's/  .*//' |
    sort -u >"$work/commands"
[ -s "$work/commands" ]
result "--help has commands" $? ""
headings=$(sed -n '/^Try it$/,/^Flags of every/p' "$work/help" | grep -c '^[A-Z]')
[ "$headings" -eq 12 ] # the last is that of the flags
result "--help has its commands under headings" $? "$headings headings"

missing=$(while IFS= read -r command; do
    grep -qF -- "$command" "$work/page" || echo "$command"
done <"$work/commands")
[ -z "$missing" ]
result "the man page has every command" $? "$missing"

while IFS= read -r command; do
    # shellcheck disable=SC2086 # two words
    "$pgseal" $command --help </dev/null
done <"$work/commands" | grep -oE -- '--[a-z][a-z0-9-]+' | sort -u >"$work/flags"
[ "$(wc -l <"$work/flags")" -gt 20 ]
result "the commands' helps have flags" $? ""

missing=$(while IFS= read -r flag; do
    grep -qE -- "$flag([^a-z0-9-]|$)" "$work/page" || echo "$flag"
done <"$work/flags")
[ -z "$missing" ]
result "the man page has every flag" $? "$missing"

if command -v man >/dev/null 2>&1; then
    found=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null)
    [ -z "$found" ]
    result "man has no complaint" $? "$found"
else
    n=$((n + 1))
    echo "ok $n # SKIP no man here"
fi

for shell in bash zsh fish; do
    "$pgseal" completion $shell >"$work/completion"
    if ! command -v $shell >/dev/null 2>&1; then
        n=$((n + 1))
        echo "ok $n # SKIP no $shell here"
        continue
    fi
    $shell -n "$work/completion" 2>"$work/complaint"
    result "$shell reads its completions" $? "$(cat "$work/complaint")"
done

# The units, with this program in them: systemd's own look, which needs no running systemd.
if command -v systemd-analyze >/dev/null 2>&1; then
    mkdir "$work/units"
    for unit in "$top"/systemd/*.service.in; do
        sed "s,[@]bindir[@]/pgseal,$pgseal," "$unit" >"$work/units/$(basename "$unit" .in)"
    done
    cp "$top"/systemd/*.timer "$work/units"
    found=$(cd "$work/units" && systemd-analyze --man=no verify ./*.service ./*.timer 2>&1)
    case $found in
        *"initialize manager"*) # not even its own look is possible here
            n=$((n + 1))
            echo "ok $n # SKIP $found" | head -n 1
            ;;
        *)
            [ -z "$found" ]
            result "systemd has no complaint about the units" $? "$found"
            ;;
    esac
else
    n=$((n + 1))
    echo "ok $n # SKIP no systemd-analyze here"
fi

echo "1..$n"
