/* for_php.c - PHP's PDO: libpq's keywords, with semicolons that it turns into blanks. */
#include "config.h"

#include <string.h>

#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/kit/connect_part.h"
#include "core/kit/quote.h"

bool connect_php(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    const struct connect_names *names = one->names;
    const char *const keywords[] = {"sslcert", "sslkey", "sslrootcert"};
    const char *const files[] = {names->certificate, names->key, names->root};
    struct strbuf target = STRBUF_INIT;
    bool good = connect_add_target(&target, one);

    if (strchr(target.data, ';') != NULL) {
        strbuf_clear(&target);
        err_set(err, ERR_BAD_NAME, _("PHP's PDO has no way to say a name with \";\""));
        return err_hint(err, _("Leave php out, or name the role and the database otherwise."));
    }
    strbuf_add_str(&target, " sslmode=verify-full gssencmode=disable");
    strbuf_add_str(out, "<?php\n");
    strbuf_add_str(out, _("// The files of key and certificates are those beside this one.\n"));
    strbuf_add_str(out, "$file = fn($name) => \"'\" . addcslashes(__DIR__ . '/' . $name, "
                        "\"'\\\\\") . \"'\";\n$pdo = new PDO(\n    ");
    strbuf_add_str(&target, " ");
    {
        struct strbuf dsn = STRBUF_INIT;

        strbuf_printf(&dsn, "pgsql:%s", target.data);
        quote_single(out, dsn.data);
        strbuf_clear(&dsn);
    }
    for (int i = 0; i < 3; i++)
        strbuf_printf(out, "\n    . '%s%s=' . $file('%s')", i > 0 ? " " : "", keywords[i],
                      files[i]);
    if (names->key_locked) {
        strbuf_add_str(out, _("\n    // from where your program keeps its secrets; here: a line "
                              "of standard input"));
        strbuf_add_str(out, "\n    . \" sslpassword='\" . addcslashes(rtrim(fgets(STDIN), "
                            "\"\\n\"), \"'\\\\\") . \"'\"");
    }
    strbuf_add_str(out,
                   "\n);\n$pdo->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);\n"
                   "echo $pdo->query(\n    \"" CONNECT_PROOF "\"\n)->fetchColumn(), \"\\n\";\n");
    strbuf_clear(&target);
    return good;
}
