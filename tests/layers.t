#!/bin/sh
# layers.t - the layers hold: include lines and symbols against the rules of the tree.
#
#   core/base  libc                             core   core, libcrypto libssl libpq sqlite3 jansson
#   tui        tui, core/base, curses, libuv    screens  screens, tui, core
#   cli        cli, screens, core (and tui's public headers); jansson
#
# Headers of third parties (all but jansson's) are included by .c files only, but for two private
# headers: core/pki/ossl.h, for .c files of core, and core/pg/result.h, for .c files of core/pg; <uv.h>
# by tui/loop.c only. core never prints to standard output and never exits.
# Then the checker itself is checked: a violation of each kind is planted in a copy and must be found.

set -u
top=${top_srcdir:-.}
build=${top_builddir:-.}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
n=0

result() { # what, status, text of the checker
    n=$((n + 1))
    if [ "$2" -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        printf '%s\n' "$3" | sed 's/^/# /'
    fi
}

# ---- include lines: prints what breaks the rules in the tree $1 ----

includes() {
    (cd "$1" && grep -rnoE --include='*.c' --include='*.h' \
        '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]*[>"]' cli core screens tui) |
        awk '
    function no(why) { print file ":" line ": " what ": " why }
    function ours(prefixes, list, i, k) {
        k = split(prefixes, list, " ")
        for (i = 1; i <= k; i++)
            if (index(name, list[i] "/") == 1)
                return 1
        return 0
    }
    {
        split($0, part, ":")
        file = part[1]; line = part[2]
        what = $0
        sub(/^[^:]*:[^:]*:[[:space:]]*#[[:space:]]*include[[:space:]]*/, "", what)
        name = substr(what, 2, length(what) - 2)
        header = file ~ /\.h$/

        layer = file
        sub(/\/[^\/]*$/, "", layer)
        if (layer ~ /^(cli|screens|tui)/)
            sub(/\/.*/, "", layer)

        if (what ~ /^"/) {
            if (name == "config.h") {
                if (header) no("config.h belongs into .c files")
                next
            }
            if (!ours(own[layer])) no("not a layer below " layer)
            if (name == "core/pki/ossl.h" && (header || file !~ /^core\//))
                no("OpenSSL stays in .c files of core")
            if (name == "core/pg/result.h" && (header || file !~ /^core\/pg\//))
                no("libpq stays in .c files of core/pg")
            next
        }
        kind = ""
        if (name ~ /^openssl\//) kind = "openssl"
        else if (name ~ /^(libpq-fe|libpq-events|postgres_ext)\.h$|^libpq\//) kind = "libpq"
        else if (name ~ /^sqlite3/) kind = "sqlite"
        else if (name == "jansson.h") kind = "jansson"
        else if (name ~ /curses|^(term|termcap|panel|form|menu)\.h$/) kind = "curses"
        else if (name ~ /^uv(\.h|\/)/) kind = "uv"
        else if (name ~ /^(glib|gnutls|vterm|cmocka)/) kind = "other"
        if (kind == "") next
        if (index(" " third[layer] " ", " " kind " ") == 0) no(kind " is not for " layer)
        else if (header && kind != "jansson" && file != "core/pki/ossl.h" && file != "core/pg/result.h") no("third-party headers belong into .c files")
        else if (kind == "uv" && file != "tui/loop.c") no("libuv stays behind tui/loop.c")
    }
    BEGIN {
        base = "core/base"
        all = "openssl libpq sqlite jansson"
        own["core/base"] = base
        own["core/pki"] = base " core/pki"
        own["core/store"] = base " core/pki core/store"
        own["core/pg"] = base " core/pki core/pg"
        own["core/plan"] = base " core/pki core/store core/pg core/plan"
        own["core/rotate"] = own["core/plan"] " core/watch core/kit core/rotate"
        own["core/provider"] = own["core/plan"] " core/provider"
        own["core/kit"] = own["core/health"] = "core"
        own["core/watch"] = base " core/pki core/store core/pg core/watch"
        own["core/demo"] = base " core/pg core/demo"
        own["tui"] = base " tui"
        own["screens"] = "screens tui core"
        own["cli"] = "cli screens tui core"
        third["core/pki"] = third["core/store"] = third["core/pg"] = third["core/demo"] = all
        third["core/plan"] = third["core/kit"] = third["core/health"] = all
        third["core/watch"] = "jansson"
        third["core/rotate"] = third["core/provider"] = all
        third["tui"] = "curses uv"
        third["cli"] = "jansson"
    }'
}

# ---- symbols: prints what breaks the rules in the libraries of the folder $1 ----

# Names as C has them: gcc's address sanitizer puts "__odr_asan.x" beside each x.
defined() { nm -g --defined-only "$1" 2>/dev/null | awk 'NF == 3 && $3 !~ /[.]/ { print $3 }' | sort -u; }
undefined() { nm -u "$1" 2>/dev/null | awk 'NF == 2 && $1 == "U" { print $2 }' | sort -u; }

# What a third-party library exports.
exported() {
    ldd "$work/probe" | awk -v want="$1" '$1 ~ "^" want "\\.so" { print $3 }' |
        while IFS= read -r file; do
            nm -D --defined-only "$file" | awk 'NF == 3 { sub(/@.*/, "", $3); print $3 }'
        done | sort -u
}

prepare_symbols() {
    # The program itself may be linked without those that it does not need yet.
    echo 'int main(void) { return 0; }' >"$work/probe.c"
    # shellcheck disable=SC2046 # words
    ${CC:-cc} -o "$work/probe" "$work/probe.c" -Wl,--no-as-needed \
        $(pkg-config --libs libcrypto libssl libpq sqlite3 jansson ncursesw libuv) || return
    exported 'lib(crypto|ssl)' >"$work/openssl"
    exported 'libpq' >"$work/libpq"
    exported 'libsqlite3' >"$work/sqlite"
    exported 'libjansson' >"$work/jansson"
    exported 'lib(ncursesw|tinfo|ncurses|tinfow)' >"$work/curses"
    exported 'libuv' >"$work/uv"
    printf '%s\n' stdout printf vprintf puts putchar perror exit __printf_chk __vprintf_chk |
        sort >"$work/printing"
}

symbols() {
    for lib in base core tui screens; do
        defined "$1/lib$lib.a" >"$work/defined.$lib"
    done
    sort -u "$work"/defined.* >"$work/all"
    forbid base core tui screens openssl libpq sqlite jansson curses uv printing
    forbid core tui screens curses uv printing
    forbid tui core screens openssl libpq sqlite jansson printing
    forbid screens openssl libpq sqlite jansson curses uv printing
}

# What a library does not define and asks from where it may not.
forbid() {
    lib=$1
    shift
    undefined "$folder/lib$lib.a" >"$work/undefined"
    for from in "$@"; do
        case $from in
        base | core | tui | screens)
            comm -12 "$work/undefined" "$work/defined.$from" >"$work/found"
            ;;
        *)
            comm -23 "$work/undefined" "$work/all" | comm -12 - "$work/$from" >"$work/found"
            ;;
        esac
        comm -23 "$work/found" "$work/defined.$lib" | while IFS= read -r symbol; do
            echo "lib$lib.a: $symbol: of $from"
        done
    done
}

check_symbols() {
    folder=$1
    symbols "$1"
}

# ---- the tree as it is ----

found=$(includes "$top")
[ -z "$found" ]
result "include lines keep to the layers" $? "$found"

prepare_symbols
empty=$(find "$work" -type f -size 0)
[ -z "$empty" ]
result "the libraries' exported symbols were found" $? "$empty"

found=$(check_symbols "$build")
[ -z "$found" ]
result "symbols keep to the layers" $? "$found"

# ---- and with something planted ----

# All of it is planted in one copy, which is checked once: the checker tells the places apart.
mkdir "$work/tree" "$work/libs"
(cd "$top" && find cli core screens tui -name '*.[ch]' | tar cf - -T -) | tar xf - -C "$work/tree"
chmod -R u+w "$work/tree"
planted=0

plant_include() { # folder, suffix, line
    planted=$((planted + 1))
    mkdir -p "$work/tree/$1"
    printf '%s\n' "$3" >"$work/tree/$1/planted$planted.$2"
    printf '%s\t%s\n' "$1/planted$planted.$2" "$3" >>"$work/includes"
}

plant_include core/base c '#include "core/pki/key.h"'
plant_include core/base c '#include <openssl/evp.h>'
plant_include core/pki c '#include <curses.h>'
plant_include core/pki c '#include "core/store/db.h"'
plant_include core/pki h '#include <openssl/x509.h>'
plant_include core/store h '#  include  <sqlite3.h>'
plant_include core/pg c '#include "tui/canvas.h"'
plant_include core/pg c '#include <uv.h>'
plant_include core/plan h '#include "core/pki/ossl.h"'
plant_include core/plan c '#include "core/pg/result.h"'
plant_include core/watch c '#include <libpq-fe.h>'
plant_include tui c '#include <openssl/ssl.h>'
plant_include tui c '#include <uv.h>'
plant_include tui h '#include <curses.h>'
plant_include tui c '#include "core/pki/cert.h"'
plant_include tui c '#include "screens/pages.h"'
plant_include screens c '#include <ncurses.h>'
plant_include screens c '#include <libpq-fe.h>'
plant_include screens c '#include "core/pki/ossl.h"'
plant_include screens c '#include "cli/args.h"'
plant_include cli c '#include <sqlite3.h>'
# a line more in a file that was there
echo '#include "core/pki/key.h"' >>"$work/tree/core/base/text.c"
printf '%s\t%s\n' core/base/text.c '#include "core/pki/key.h"' >>"$work/includes"

includes "$work/tree" >"$work/found-includes"
while IFS='	' read -r file line; do
    grep -qF "$file:" "$work/found-includes"
    result "planted in $file: $line" $? "not found"
done <"$work/includes"

cp "$build"/lib*.a "$work/libs" && chmod u+w "$work/libs"/*

plant_symbol() { # library, symbol
    planted=$((planted + 1))
    printf 'extern int %s(void);\nint planted%s(void);\nint planted%s(void) { return %s(); }\n' \
        "$2" "$planted" "$planted" "$2" >"$work/planted$planted.c"
    printf '%s %s %s\n' "$1" "$2" "planted$planted" >>"$work/symbols"
}

one_of_core=$(head -n 1 "$work/defined.core")
plant_symbol base SSL_new
plant_symbol base "$one_of_core"
plant_symbol base printf
plant_symbol core initscr
plant_symbol core uv_run
plant_symbol core exit
plant_symbol core puts
plant_symbol tui PQconnectdb
plant_symbol tui sqlite3_open
plant_symbol tui "$one_of_core"
plant_symbol screens X509_new
plant_symbol screens doupdate
plant_symbol screens json_loads

(cd "$work" && ${CC:-cc} -w -fno-builtin -c planted*.c)
while read -r lib symbol object; do
    ar r "$work/libs/lib$lib.a" "$work/$object.o" 2>/dev/null
done <"$work/symbols"
check_symbols "$work/libs" >"$work/found-symbols"
while read -r lib symbol object; do
    grep -qF "lib$lib.a: $symbol:" "$work/found-symbols"
    result "planted in lib$lib.a: $symbol()" $? "not found"
done <"$work/symbols"

echo "1..$n"
