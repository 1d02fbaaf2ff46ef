/* explain.c - "explain": what an error code means and what to do. */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "cli/command.h"
#include "core/base/intl.h"
#include "core/base/text.h"

/* "PS-2104", "ps2104", "2104" */
static const struct err_code_info *find(const char *text)
{
    int64_t number;

    if (tolower((unsigned char)text[0]) == 'p' && tolower((unsigned char)text[1]) == 's')
        text += text[2] == '-' ? 3 : 2;
    return text_parse_int(text, 1, 9999, &number) ? err_code_info((int)number) : NULL;
}

static json_t *document(const struct err_code_info *info)
{
    char code[16];

    snprintf(code, sizeof(code), "PS-%04d", (int)info->code);
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "code", code, "name", info->name, "title",
                     json_string_or_empty(gettext(info->title)), "cause",
                     json_string_or_empty(gettext(info->cause)), "help",
                     json_string_or_empty(gettext(info->help)));
}

static void explain_all(struct cli *cli)
{
    size_t n;
    const struct err_code_info *codes = err_code_table(&n);
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        output_line(&cli->out, "PS-%04d  %s", (int)codes[i].code, gettext(codes[i].title));
        json_array_append_new(list, document(&codes[i]));
    }
    if (cli->out.json)
        output_json(json_pack("{s:O}", "codes", list), false);
    json_decref(list);
}

bool run_explain(struct cli *cli, struct err *err)
{
    const struct err_code_info *info;

    if (cli->args->n_names == 0) {
        explain_all(cli);
        return true;
    }
    info = find(cli->args->names[0]);
    if (!info) {
        err_set(err, ERR_BAD_VALUE, _("there is no error code \"%s\""), cli->args->names[0]);
        return err_hint(err, _("\"pgseal explain\" lists them all."));
    }
    if (cli->out.json) {
        output_json(document(info), false);
        return true;
    }
    output_line(&cli->out, "PS-%04d: %s", (int)info->code, gettext(info->title));
    output_line(&cli->out, _("cause: %s"), gettext(info->cause));
    output_line(&cli->out, _("help: %s"), gettext(info->help));
    return true;
}
