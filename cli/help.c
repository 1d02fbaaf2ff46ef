#include "config.h"

#include "cli/help.h"

#include <string.h>

#include "cli/command.h"
#include "core/base/intl.h"

/* The headings of the help, each before the command that it begins with. */
static const struct {
    const char *first;
    const char *title;
} groups[] = {
    {"demo", N_("Try it")},
    {"ca create", N_("Certificate authorities (CA)")},
    {"issue client", N_("Certificates")},
    {"crl show", N_("Lists of revoked certificates (CRL)")},
    {"trust", N_("Files for clients")},
    {"server add", N_("Servers")},
    {"plan list", N_("Changes to servers")},
    {"rotate ca", N_("Renewal and rotation")},
    {"sessions", N_("Sessions and health")},
    {"backup", N_("The store")},
    {"explain", N_("More help")},
};

static void add_heading(struct strbuf *out, const char *command)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (strcmp(groups[i].first, command) == 0)
            strbuf_printf(out, "\n%s\n", gettext(groups[i].title));
}

static void add_command_line(struct strbuf *out, const struct command *command)
{
    struct strbuf form = STRBUF_INIT;

    strbuf_printf(&form, "%s%s%s", command->name, *command->names ? " " : "", command->names);
    strbuf_printf(out, "  %-30s %s\n", form.data, gettext(command->summary));
    strbuf_clear(&form);
}

static void add_option(struct strbuf *out, const struct option_info *info)
{
    struct strbuf form = STRBUF_INIT;

    if (info->letter)
        strbuf_printf(&form, "-%c, ", info->letter);
    else
        strbuf_add_str(&form, "    ");
    strbuf_printf(&form, "--%s", info->name);
    if (info->value)
        strbuf_printf(&form, info->value_optional ? "[=%s]" : " %s", info->value);
    strbuf_printf(out, "  %-30s %s\n", form.data, gettext(info->help));
    strbuf_clear(&form);
}

static void add_options(struct strbuf *out, const char *title, option_set set)
{
    size_t n;
    const struct option_info *options = option_table(&n);

    if (set == 0)
        return;
    strbuf_add_str(out, title);
    for (size_t i = 0; i < n; i++)
        if (set & OPTION_BIT(options[i].option))
            add_option(out, &options[i]);
}

void help_program(struct strbuf *out)
{
    size_t n;
    const struct command *commands = command_table(&n);

    strbuf_add_str(
        out, _("pgseal - TLS client certificates for PostgreSQL\n\n"
               "Examples\n"
               "  pgseal demo --tour                       see it all on a private PostgreSQL\n"
               "  pgseal ca create \"Acme PG Root\"          a certificate authority\n"
               "  pgseal issue client alice                a certificate for the role alice\n"
               "  pgseal server add db1 \"host=db1 user=postgres\"\n"
               "  pgseal server trust db1                  db1 checks client certificates\n"
               "  pgseal sessions db1                      who is connected how\n"));
    for (size_t i = 0; i < n; i++) {
        add_heading(out, commands[i].name);
        add_command_line(out, &commands[i]);
    }
    add_options(out, _("\nFlags of every command\n"), OPTIONS_COMMON);
    add_options(out, _("\nFlags of commands that change something\n"), OPTIONS_CHANGING);
    add_options(out, _("\nFlags of the wizard, which runs without a command\n"), OPTIONS_WIZARD);
    strbuf_add_str(out,
                   _("\nExit codes  0 done, 1 failed, 2 wrong usage, 3 you said no, 4 taken back,\n"
                     "            5 not fully taken back, 6 problems found, 69 no usable terminal\n"
                     "More        pgseal COMMAND --help, pgseal explain PS-nnnn\n"));
}

void help_group(struct strbuf *out, const char *group)
{
    size_t n;
    const struct command *commands = command_table(&n);
    size_t len = strlen(group);

    strbuf_printf(out, _("pgseal %s\n\nCommands\n"), group);
    for (size_t i = 0; i < n; i++)
        if (strncmp(commands[i].name, group, len) == 0 && commands[i].name[len] == ' ')
            add_command_line(out, &commands[i]);
    strbuf_printf(out, _("\nMore        pgseal %s COMMAND --help\n"), group);
}

void help_command(struct strbuf *out, const struct command *command)
{
    strbuf_printf(out, "pgseal %s%s%s\n    %s\n", command->name, *command->names ? " " : "",
                  command->names, gettext(command->summary));
    if (*command->examples)
        strbuf_printf(out, _("\nExamples\n%s"), command->examples);
    add_options(out, _("\nFlags\n"), command->options & ~OPTIONS_CHANGING);
    add_options(out, _("\nFlags, as for all that changes something\n"),
                command->options & OPTIONS_CHANGING);
    add_options(out, _("\nFlags of every command\n"), OPTIONS_COMMON);
}

void help_version(struct strbuf *out)
{
    strbuf_printf(out, "pgseal %s\n", PACKAGE_VERSION);
}
