/* for_dotnet.c - Npgsql: a connection string with keywords of its own; PEM from version 6 on. */
#include "config.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/kit/connect_part.h"
#include "core/kit/quote.h"

static void add_pair(struct strbuf *out, const char *keyword, const char *value)
{
    strbuf_printf(out, "%s%s=", out->len > 0 ? ";" : "", keyword);
    quote_dotnet(out, value);
}

static void add_file(struct strbuf *out, const char *keyword, const struct connect_one *one,
                     const char *name)
{
    char *path = connect_path(one, name);

    add_pair(out, keyword, path);
    free(path);
}

static void add_string(struct strbuf *out, const struct connect_one *one)
{
    add_pair(out, "Host", one->server->host);
    strbuf_printf(out, ";Port=%d", one->server->port);
    add_pair(out, "Database", one->database);
    add_pair(out, "Username", one->role);
    strbuf_add_str(out, ";SSL Mode=VerifyFull");
    add_file(out, "SSL Certificate", one, one->names->certificate);
    add_file(out, "SSL Key", one, one->names->key);
    add_file(out, "Root Certificate", one, one->names->root);
}

bool connect_dotnet(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    struct strbuf text = STRBUF_INIT;

    (void)err;
    add_string(&text, one);
    strbuf_add_str(out, _("// dotnet add package Npgsql (6 or newer). The same string for "
                          "appsettings.json:\n"));
    strbuf_add_str(out, "//   \"ConnectionStrings\": { \"Default\": ");
    quote_double(out, text.data);
    strbuf_add_str(out, " }\nusing System;\nusing Npgsql;\n\n"
                        "var settings = new NpgsqlConnectionStringBuilder(\n    ");
    quote_double(out, text.data);
    strbuf_add_str(out, ");\n");
    if (one->names->key_locked) {
        strbuf_add_str(out, _("// from where your program keeps its secrets; here: a line of "
                              "standard input\n"));
        strbuf_add_str(out, "settings.SslPassword = Console.ReadLine();\n");
    }
    strbuf_add_str(out, "\nawait using var connection = new "
                        "NpgsqlConnection(settings.ConnectionString);\n"
                        "await connection.OpenAsync();\n"
                        "await using var command = new NpgsqlCommand(\n    \"" CONNECT_PROOF
                        "\",\n    connection);\n"
                        "Console.WriteLine(await command.ExecuteScalarAsync());\n");
    strbuf_clear(&text);
    return true;
}
