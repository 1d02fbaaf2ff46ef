/* for_go.c - lib/pq and pgx: both read libpq's keywords. */
#include "config.h"

#include "core/base/intl.h"
#include "core/kit/connect_part.h"
#include "core/kit/quote.h"

bool connect_go(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    struct strbuf dsn = STRBUF_INIT;
    bool good = connect_add_conninfo(&dsn, one, "");

    (void)err;
    strbuf_add_str(out,
                   "// go mod init example && go get github.com/lib/pq && go run .\n"
                   "package main\n\n"
                   "import (\n\t\"database/sql\"\n\t\"fmt\"\n\t\"log\"\n\n"
                   "\t_ \"github.com/lib/pq\"\n"
                   "\t// or _ \"github.com/jackc/pgx/v5/stdlib\", and \"pgx\" for \"postgres\" "
                   "below\n)\n\n");
    if (one->names->key_locked)
        strbuf_add_str(out, _("// These drivers read no key with a passphrase: give them one "
                              "without, mode 0600.\n"));
    strbuf_add_str(out, "const dsn = ");
    quote_double(out, dsn.data);
    strbuf_add_str(out, "\n\nfunc main() {\n"
                        "\tdb, err := sql.Open(\"postgres\", dsn)\n"
                        "\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n"
                        "\tdefer db.Close()\n"
                        "\tvar who string\n"
                        "\terr = db.QueryRow(\n\t\t\"" CONNECT_PROOF "\",\n\t).Scan(&who)\n"
                        "\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n"
                        "\tfmt.Println(who)\n}\n");
    strbuf_clear(&dsn);
    return good;
}
