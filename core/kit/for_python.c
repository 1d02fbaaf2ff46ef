/* for_python.c - psycopg, SQLAlchemy, Django. */
#include "config.h"

#include "core/base/intl.h"
#include "core/kit/connect_part.h"
#include "core/kit/quote.h"

#define HERE "HERE = os.path.dirname(os.path.abspath(__file__))\n"

static void add_text(struct strbuf *out, const char *before, const char *value, const char *after)
{
    strbuf_add_str(out, before);
    quote_double(out, value);
    strbuf_add_str(out, after);
}

/* Arguments of libpq's; form: "%s=%s" as keywords, or as entries of a dictionary. */
static void add_files(struct strbuf *out, const struct connect_one *one, const char *indent,
                      bool dictionary)
{
    const char *const keywords[] = {"sslcert", "sslkey", "sslrootcert"};
    const char *const names[] = {one->names->certificate, one->names->key, one->names->root};
    const char *open = dictionary ? "\"" : "", *is = dictionary ? "\": " : "=";

    strbuf_printf(out, "%s%ssslmode%s\"verify-full\",\n", indent, open, is);
    for (int i = 0; i < 3; i++) /* file names of a kit need no escapes */
        strbuf_printf(out, "%s%s%s%sos.path.join(HERE, \"%s\"),\n", indent, open, keywords[i], is,
                      names[i]);
    if (one->names->key_locked)
        strbuf_printf(out, "%s%ssslpassword%skey_passphrase(),\n", indent, open, is);
    strbuf_printf(out, "%s%sgssencmode%s\"disable\",\n", indent, open, is);
}

static void add_head(struct strbuf *out, const struct connect_one *one, const char *imports)
{
    strbuf_add_str(out, "#!/usr/bin/env python3\n");
    strbuf_add_str(out, _("# The files of key and certificates are those beside this one.\n"));
    strbuf_printf(out, "import os\n%s%s\n" HERE "\n", one->names->key_locked ? "import sys\n" : "",
                  imports);
    if (!one->names->key_locked)
        return;
    strbuf_add_str(out, "\ndef key_passphrase():\n");
    strbuf_add_str(out, _("    # from where your program keeps its secrets; here: a line of "
                          "standard input\n"));
    strbuf_add_str(out, "    return sys.stdin.readline().rstrip(\"\\n\")\n\n");
}

bool connect_python(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    (void)err;
    add_head(out, one,
             "\ntry:\n    import psycopg\nexcept ImportError:\n"
             "    import psycopg2 as psycopg\n");
    strbuf_add_str(out, "\ndef connect():\n    return psycopg.connect(\n");
    add_text(out, "        host=", one->server->host, ",\n");
    strbuf_printf(out, "        port=%d,\n", one->server->port);
    add_text(out, "        dbname=", one->database, ",\n");
    add_text(out, "        user=", one->role, ",\n");
    add_files(out, one, "        ", false);
    strbuf_add_str(out, "    )\n\n\nif __name__ == \"__main__\":\n"
                        "    cursor = connect().cursor()\n"
                        "    cursor.execute(\n        \"" CONNECT_PROOF "\"\n    )\n"
                        "    print(cursor.fetchone()[0])\n");
    return true;
}

bool connect_sqlalchemy(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    (void)err;
    add_head(out, one,
             "\nfrom sqlalchemy import create_engine, text\n"
             "from sqlalchemy.engine import URL\n");
    strbuf_add_str(out, _("# psycopg2; for psycopg 3: \"postgresql+psycopg\"\n"));
    strbuf_add_str(out, "engine = create_engine(\n    URL.create(\n"
                        "        \"postgresql+psycopg2\",\n");
    add_text(out, "        username=", one->role, ",\n");
    add_text(out, "        host=", one->server->host, ",\n");
    strbuf_printf(out, "        port=%d,\n", one->server->port);
    add_text(out, "        database=", one->database, ",\n    ),\n    connect_args={\n");
    add_files(out, one, "        ", true);
    strbuf_add_str(out, "    },\n)\n\nif __name__ == \"__main__\":\n"
                        "    with engine.connect() as connection:\n"
                        "        print(connection.execute(text(\n            \"" CONNECT_PROOF
                        "\"\n        )).scalar())\n");
    return true;
}

bool connect_django(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    (void)err;
    add_head(out, one, "");
    strbuf_add_str(out, "DATABASES = {\n    \"default\": {\n"
                        "        \"ENGINE\": \"django.db.backends.postgresql\",\n");
    add_text(out, "        \"NAME\": ", one->database, ",\n");
    add_text(out, "        \"USER\": ", one->role, ",\n");
    add_text(out, "        \"HOST\": ", one->server->host, ",\n");
    strbuf_printf(out, "        \"PORT\": \"%d\",\n        \"OPTIONS\": {\n", one->server->port);
    add_files(out, one, "            ", true);
    strbuf_add_str(out, "        },\n    }\n}\n");
    return true;
}
