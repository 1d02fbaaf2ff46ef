/* for_ruby.c - ruby-pg, made of libpq. */
#include "config.h"

#include "core/base/intl.h"
#include "core/kit/connect_part.h"
#include "core/kit/quote.h"

bool connect_ruby(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    const struct connect_names *names = one->names;

    (void)err;
    strbuf_add_str(out, _("# The files of key and certificates are those beside this one.\n"));
    strbuf_add_str(out, "require 'pg'\n\nconnection = PG.connect(\n  host: ");
    quote_single(out, one->server->host);
    strbuf_printf(out, ",\n  port: %d,\n  dbname: ", one->server->port);
    quote_single(out, one->database);
    strbuf_add_str(out, ",\n  user: ");
    quote_single(out, one->role);
    strbuf_printf(out,
                  ",\n  sslmode: 'verify-full',\n  sslcert: File.join(__dir__, '%s'),\n"
                  "  sslkey: File.join(__dir__, '%s'),\n  sslrootcert: File.join(__dir__, '%s'),\n",
                  names->certificate, names->key, names->root);
    if (names->key_locked) {
        strbuf_add_str(out, _("  # from where your program keeps its secrets; here: a line of "
                              "standard input\n"));
        strbuf_add_str(out, "  sslpassword: $stdin.gets.chomp,\n");
    }
    strbuf_add_str(out, "  gssencmode: 'disable'\n)\nputs connection.exec(\n  \"" CONNECT_PROOF
                        "\"\n).getvalue(0, 0)\n");
    return true;
}
