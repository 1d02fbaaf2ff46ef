/* for_node.c - node-postgres: it knows nothing of libpq's files, and verifies with the host's name. */
#include "config.h"

#include <arpa/inet.h>

#include "core/base/intl.h"
#include "core/kit/connect_part.h"
#include "core/kit/quote.h"

static bool is_address(const char *host)
{
    struct in6_addr address;

    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

bool connect_node(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    const struct connect_names *names = one->names;

    (void)err;
    strbuf_add_str(out, _("// The files of key and certificates are those beside this one. "
                          "npm install pg\n"));
    strbuf_add_str(out, "const fs = require(\"fs\");\nconst path = require(\"path\");\n"
                        "const { Client } = require(\"pg\");\n\n"
                        "const file = (name) => fs.readFileSync(path.join(__dirname, name), "
                        "\"utf8\");\n\nconst config = {\n  host: ");
    quote_double(out, one->server->host);
    strbuf_printf(out, ",\n  port: %d,\n  database: ", one->server->port);
    quote_double(out, one->database);
    strbuf_add_str(out, ",\n  user: ");
    quote_double(out, one->role);
    strbuf_printf(out,
                  ",\n  ssl: {\n    ca: file(\"%s\"),\n    cert: file(\"%s\"),\n"
                  "    key: file(\"%s\"),\n",
                  names->root, names->certificate, names->key);
    if (is_address(one->server->host)) { /* else Node compares with "localhost" */
        strbuf_add_str(out, "    host: ");
        quote_double(out, one->server->host);
        strbuf_add_str(out, ",\n");
    }
    if (names->key_locked) {
        strbuf_add_str(out, _("    // from where your program keeps its secrets; here: a line of "
                              "standard input\n"));
        strbuf_add_str(out, "    passphrase: fs.readFileSync(0, \"utf8\").split(\"\\n\")[0],\n");
    }
    strbuf_add_str(out, "  },\n};\n\nmodule.exports = config;\n\n"
                        "async function main() {\n"
                        "  const client = new Client(config);\n"
                        "  await client.connect();\n"
                        "  const result = await client.query(\n    \"" CONNECT_PROOF "\"\n  );\n"
                        "  console.log(Object.values(result.rows[0])[0]);\n"
                        "  await client.end();\n}\n\n"
                        "if (require.main === module) {\n"
                        "  main().catch((error) => {\n"
                        "    console.error(error.message);\n"
                        "    process.exit(1);\n  });\n}\n");
    return true;
}
