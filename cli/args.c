/* args.c - the table of options, and what was given of them. */
#include "config.h"

#include "cli/args.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/text.h"

#define KEY_TYPES "ec-p256 ec-p384 ed25519 rsa-2048 rsa-3072 rsa-4096"
#define REASONS                                                                                    \
    "unspecified keyCompromise affiliationChanged superseded cessationOfOperation "                \
    "privilegeWithdrawn"

/* One row an option, in the order of enum option. */
static const struct option_info options[] = {
    {OPT_HELP, "help", 'h', NULL, false, false, NULL, "this text"},
    {OPT_VERSION, "version", 'V', NULL, false, false, NULL, "the version and its libraries"},
    {OPT_STORE, "store", 0, "DIR", false, false, NULL, "store folder (else $PGSEAL_STORE)"},
    {OPT_JSON, "json", 0, NULL, false, false, NULL, "one JSON document on standard output"},
    {OPT_QUIET, "quiet", 'q', NULL, false, false, NULL, "errors only on standard error"},
    {OPT_VERBOSE, "verbose", 'v', NULL, false, true, NULL, "more about what is done"},
    {OPT_NO_COLOR, "no-color", 0, NULL, false, false, NULL, "no colours (as NO_COLOR=1)"},
    {OPT_ASCII, "ascii", 0, NULL, false, false, NULL, "ASCII only"},
    {OPT_PLAIN, "plain", 0, NULL, false, false, NULL, "lines and questions (as ACCESSIBLE=1)"},
    {OPT_NO_INPUT, "no-input", 0, NULL, false, false, NULL, "never ask; a missing value is exit 2"},
    {OPT_READ_ONLY, "read-only", 0, NULL, false, false, NULL, "change no server, end no session"},
    {OPT_DRY_RUN, "dry-run", 'n', NULL, false, false, NULL,
     "say what would be done, change nothing"},
    {OPT_YES, "yes", 'y', NULL, false, false, NULL, "say yes; keep a change that is proven"},
    {OPT_TRY, "try", 0, "SECONDS", false, false, NULL,
     "taken back unless \"plan keep\" comes in time"},
    {OPT_CONFIRM, "confirm", 0, "NAME", false, true, NULL,
     "name of what is revoked or deleted, or server"},
    {OPT_ACCEPT_REFUSED, "accept-refused", 0, "N", false, false, NULL,
     "go on although exactly N would be refused"},
    {OPT_PASSPHRASE_FILE, "passphrase-file", 0, "FILE", false, false, NULL,
     "of the CA's key (your own file, 0600)"},
    {OPT_PASSPHRASE_FD, "passphrase-fd", 0, "N", false, false, NULL,
     "the same, from an open descriptor"},
    {OPT_KEY_PASSPHRASE_FILE, "key-passphrase-file", 0, "FILE", false, false, NULL,
     "locks the key that is handed over"},
    {OPT_P12_PASSPHRASE_FILE, "p12-passphrase-file", 0, "FILE", false, false, NULL,
     "locks the PKCS#12 file"},
    {OPT_ADDRESS, "address", 0, "HOST[:PORT]", false, false, NULL,
     "where clients reach it, when elsewhere"},
    {OPT_ACCEPT_DROPPED, "accept-dropped", 0, "N", false, false, NULL,
     "take a list that lacks exactly N old entries"},
    {OPT_ACCEPT_GAPS, "accept-gaps", 0, NULL, false, false, NULL,
     "go on although nobody looked for a while"},
    {OPT_ACCEPT_LEFT, "accept-left", 0, "N", false, false, NULL,
     "go on although exactly N never moved"},
    {OPT_ADD, "add", 0, "FILE|-", false, true, NULL, "certificates from elsewhere; repeats"},
    {OPT_ALL, "all", 0, NULL, false, false, NULL, "all of them"},
    {OPT_ANSWERS, "answers", 0, "FILE", false, false, NULL,
     "fill the wizard's forms in from this file"},
    {OPT_ARCHIVE, "archive", 0, "FILE", false, false, NULL,
     "the old CA's key goes into this new file"},
    {OPT_AS_TEXT, "as-text", 0, NULL, false, false, NULL,
     "print what to do by hand; needs no rights"},
    {OPT_AT, "at", 0, "DIR", false, false, NULL, "where the folder will lie for the client"},
    {OPT_CA, "ca", 0, "NAME", false, true, NULL, "the CA; not needed when there is only one"},
    {OPT_CERT, "cert", 0, "FILE", false, false, NULL, "the certificate, and those above it"},
    {OPT_CHAIN, "chain", 0, NULL, false, false, NULL, "with those of the other CAs in use"},
    {OPT_CRL, "crl", 0, "FILE|-", false, true, NULL, "somebody else's CRL for it; repeats"},
    {OPT_CSR, "csr", 0, "FILE|-", false, false, NULL, "sign this request, make no key"},
    {OPT_CSR_OUT, "csr-out", 0, "FILE", false, false, NULL,
     "make its key there, and a request for a CA"},
    {OPT_CSV, "csv", 0, NULL, false, false, NULL, "comma-separated values"},
    {OPT_DATABASE, "database", 0, "D", false, false, NULL, "a database, or \"all\""},
    {OPT_DAYS, "days", 0, "N", false, false, NULL, "how long it is valid"},
    {OPT_DER, "der", 0, NULL, false, false, NULL, "binary (PostgreSQL itself takes PEM only)"},
    {OPT_DESTROY, "destroy", 0, NULL, false, false, NULL, "remove the old CA's key, for ever"},
    {OPT_END_SESSIONS, "end-sessions", 0, NULL, false, false, NULL,
     "also end the open sessions that use it"},
    {OPT_ENDS_SINCE, "ends-since", 0, "DATE", false, false, NULL, "ending on this day or later"},
    {OPT_ENDS_UNTIL, "ends-until", 0, "DATE", false, false, NULL, "ending on this day or before"},
    {OPT_FINDINGS, "findings", 0, NULL, false, false, NULL, "only sessions that need a look"},
    {OPT_FOR, "for", 0, "LIST", false, false,
     "psql jdbc python sqlalchemy django node go dotnet pgadmin dbeaver ruby php all",
     "psql,jdbc,python,node,go,dotnet,...: for these"},
    {OPT_FORGET, "forget", 0, "AGE", false, false, NULL,
     "delete what was not seen for so long (30d, 12h)"},
    {OPT_FORMAT, "format", 0, "LIST", false, false, "pem p12 p12-old pk8",
     "pem,p12,pk8: also PKCS#12, also for JDBC"},
    {OPT_FROM, "from", 0, "CIDR", false, false, NULL, "client addresses, or \"all\""},
    {OPT_HANDED, "handed", 0, NULL, false, false, NULL, "its kit was handed over"},
    {OPT_HOST, "host", 0, "HOST", false, true, NULL, "name or address that clients use; repeats"},
    {OPT_INDEX, "index", 0, "DIR", false, false, NULL,
     "its folder: openssl ca, or easy-rsa's pki/"},
    {OPT_INTERMEDIATE, "intermediate", 0, NULL, false, false, NULL,
     "make a request that an offline root signs"},
    {OPT_KEEP, "keep", 0, "DIR", false, false, NULL, "make its folder here and leave it behind"},
    {OPT_KEY, "key", 0, "TYPE|FILE", false, false, KEY_TYPES,
     "ec-p256 (default), ...; of a client: its file"},
    {OPT_LIMIT, "limit", 0, "N", false, false, NULL, "at most N rows"},
    {OPT_MAP, "map", 0, "M", false, false, NULL, "a map of pg_ident.conf"},
    {OPT_MAP_ROLE, "map-role", 0, "CN=ROLE", false, true, NULL,
     "a line for it: this certificate, this role"},
    {OPT_MEMBER_OF, "member-of", 0, "CLUSTER", false, false, NULL,
     "a cluster: primary and standbys"},
    {OPT_METHOD, "method", 0, "M", false, false, "cert verify-full verify-ca",
     "cert (default), verify-full, verify-ca"},
    {OPT_MONTHS, "months", 0, "N", false, false, NULL, "so many lists, one for each month"},
    {OPT_NEW_PASSPHRASE_FILE, "new-passphrase-file", 0, "FILE", false, false, NULL,
     "the passphrase from now on"},
    {OPT_NAGIOS, "nagios", 0, NULL, false, false, NULL, "one line and exit 0 to 3, as its plugins"},
    {OPT_NO_PASSPHRASE, "no-passphrase", 0, NULL, false, false, NULL,
     "leave the CA's key unencrypted"},
    {OPT_NOTE, "note", 0, "TEXT", false, false, NULL, "kept beside the certificate in the store"},
    {OPT_OLD_FILE, "old-file", 0, "FILE", false, false, NULL,
     "the old CA is somebody else's: its file"},
    {OPT_ONCE, "once", 0, NULL, false, false, NULL, "print once, also on a terminal"},
    {OPT_OPENSSL, "openssl", 0, "DIR", false, false, NULL,
     "a new folder for \"openssl ca -config\""},
    {OPT_OUT, "out", 0, "PATH", false, false, NULL, "folder or file to write; never overwrites"},
    {OPT_PASTE, "paste", 0, "FILE|-", false, true, NULL,
     "somebody else's CA, and its CRL; repeats"},
    {OPT_PKCS12, "pkcs12", 0, NULL, false, false, NULL, "a truststore for Java"},
    {OPT_PRINT_CRON, "print-cron", 0, NULL, false, false, NULL,
     "only print the lines for crontab(5)"},
    {OPT_PRODUCTION, "production", 0, NULL, false, false, NULL,
     "every change wants --confirm=NAME"},
    {OPT_PROVIDER, "provider", 0, "P", false, false, "self-managed apsaradb aurora",
     "self-managed (default), apsaradb, aurora"},
    {OPT_QUIET_TIME, "quiet-time", 0, "AGE", false, false, NULL,
     "nobody may have used the old one for so long"},
    {OPT_READINESS, "readiness", 0, NULL, false, false, NULL,
     "who would be refused if more were asked for"},
    {OPT_REASON, "reason", 0, "R", false, false, REASONS,
     "unspecified (default), keyCompromise, ..."},
    {OPT_RECORD, "record", 0, NULL, false, false, NULL,
     "remember who was seen; see \"pgseal sightings\""},
    {OPT_REPAIR, "repair", 0, NULL, false, false, NULL, "mend what can be mended"},
    {OPT_REPLACE, "replace", 0, NULL, false, false, NULL, "the CAs that it trusts now go"},
    {OPT_REQUIRE, "require", 0, NULL, false, false, NULL,
     "with the rules that \"server require\" would add"},
    {OPT_REVOKE, "revoke", 0, NULL, false, false, NULL, "revoke the old ones"},
    {OPT_ROLE, "role", 0, "ROLE", false, true, NULL, "a database role"},
    {OPT_SAVE_ANSWERS, "save-answers", 0, "FILE", false, false, NULL,
     "write what the wizard is told into a new file"},
    {OPT_SAVE_PLAN, "save-plan", 0, "FILE", false, false, NULL,
     "do not do it: write it down for \"plan apply\""},
    {OPT_SEARCH, "search", 0, "TEXT", false, false, NULL,
     "how role, serial, subject or note begins"},
    {OPT_ROOT, "root", 0, "FILE", false, false, NULL, "what the client trusts: the server's CA"},
    {OPT_SAME_KEY, "same-key", 0, NULL, false, false, NULL,
     "the CA's certificate again: a longer life"},
    {OPT_SERVER, "server", 0, "NAME", false, true, NULL, "a server that the store knows"},
    {OPT_SERVERS, "servers", 0, NULL, false, false, NULL, "also look at every server"},
    {OPT_SESSION, "session", 0, "SERVER:PID", false, false, NULL,
     "the certificate that this session came with"},
    {OPT_SINCE, "since", 0, "DATE", false, false, NULL, "2026-11-21, or 30d: days ago (12h, 90m)"},
    {OPT_SORT, "sort", 0, "ORDER", false, false, "new old role ends",
     "new (default), old, role, ends"},
    {OPT_STATE, "state", 0, "STATE", false, false, "valid expiring expired revoked",
     "valid, expiring, expired or revoked"},
    {OPT_SUBJECT, "subject", 0, "DN", false, false, NULL, "whole name, as \"CN=Acme CA, O=Acme\""},
    {OPT_TEST, "test", 0, "SERVER", false, true, NULL,
     "try it on a server (NAME, HOST:PORT) first"},
    {OPT_TO, "to", 0, "NAME", false, false, NULL, "the new CA, which is in the store already"},
    {OPT_TO_FILE, "to-file", 0, "FILE", false, false, NULL,
     "the new CA is somebody else's: its file"},
    {OPT_TOUR, "tour", 0, NULL, false, false, NULL, "run the whole journey by itself"},
    {OPT_UNTIL, "until", 0, "DATE", false, false, NULL, "up to and with this day"},
    {OPT_WATCH, "watch", 0, "SECONDS", true, false, NULL, "again and again, every 2 seconds"},
    {OPT_WITHIN, "within", 0, "DAYS", false, false, NULL, "what counts as expiring (30)"},
    {OPT_WITHOUT, "without", 0, NULL, false, false, NULL, "the rotation goes on without it"},
    {OPT_WITHOUT_KEYS, "without-keys", 0, NULL, false, false, NULL, "leave the CAs' keys out"},
    {OPT_WITHOUT_TLS, "without-tls", 0, NULL, false, false, NULL, "in clear text over TCP only"},
};
_Static_assert(ARRAY_LEN(options) == OPT_COUNT, "one row for each option");
_Static_assert(OPT_COUNT <= 128, "a set of options is one 128-bit word");

const struct option_info *option_table(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(options);
    return options;
}

const struct option_info *option_info(enum option option)
{
    return &options[option];
}

void args_clear(struct args *args)
{
    free(args->names);
    for (size_t i = 0; i < ARRAY_LEN(args->options); i++)
        free(args->options[i].items);
    memset(args, 0, sizeof(*args));
}

bool args_has(const struct args *args, enum option option)
{
    return args->options[option].n > 0;
}

const char *args_value(const struct args *args, enum option option)
{
    const struct args_values *values = &args->options[option];

    return values->n > 0 ? values->items[values->n - 1] : NULL;
}

bool args_int(const struct args *args, enum option option, int64_t min, int64_t max,
              int64_t fallback, int64_t *ret, struct err *err)
{
    const char *value = args_value(args, option);

    if (!value || (*value == '\0' && options[option].value_optional)) {
        *ret = fallback;
        return true;
    }
    if (!text_parse_int(value, min, max, ret))
        return err_set(err, ERR_BAD_VALUE,
                       _("\"--%s\" wants a whole number from %lld to %lld, not \"%s\""),
                       options[option].name, (long long)min, (long long)max, value);
    return true;
}

bool args_need(const struct args *args, enum option option, const char **ret, struct err *err)
{
    const char *value = args_value(args, option);

    if (!value || *value == '\0') {
        err_set(err, ERR_NEEDS_ANSWER, _("\"--%s\" is missing"), options[option].name);
        err_cause(err, "%s", _("The command needs it, and it has no default."));
        return err_hint(err, _("Give --%s=%s."), options[option].name, options[option].value);
    }
    *ret = value;
    return true;
}
