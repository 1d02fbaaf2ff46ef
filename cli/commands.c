#include "config.h"

#include <string.h>

#include "cli/command.h"
#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/pki/san.h"

#define BIT(option) OPTION_BIT(OPT_##option)
#define MAKES       BIT(DRY_RUN)
#define UNLOCKS     (BIT(PASSPHRASE_FILE) | BIT(PASSPHRASE_FD))
#define HANDS_OVER  (BIT(KEY_PASSPHRASE_FILE) | BIT(P12_PASSPHRASE_FILE))
#define ASKS        (BIT(DRY_RUN) | BIT(YES))
#define CONFIRMS    (BIT(DRY_RUN) | BIT(YES) | BIT(CONFIRM))
#define SERVERS     (CONFIRMS | BIT(TRY) | BIT(SAVE_PLAN) | BIT(AS_TEXT))

/* In the order of the help. A row is all that a command needs to be parsed, helped and completed. */
static const struct command commands[] = {
    {"demo", "", 0, 0, BIT(TOUR) | BIT(KEEP) | OPTIONS_WIZARD,
     N_("see it all on a private PostgreSQL, gone after"), "  pgseal demo --tour\n", run_demo},
    {"ca create", "NAME", 1, 1,
     BIT(SUBJECT) | BIT(KEY) | BIT(DAYS) | BIT(NO_PASSPHRASE) | BIT(INTERMEDIATE) | BIT(OUT) |
         MAKES | UNLOCKS,
     N_("make a certificate authority (CA)"),
     "  pgseal ca create \"Acme PG Root\"\n"
     "  pgseal ca create lab --no-passphrase --days 90\n"
     "  pgseal ca create \"Acme PG Issuing\" --intermediate --out issuing.csr\n",
     run_ca_create},
    {"ca list", "", 0, 0, 0, N_("the CAs of the store"), "", run_ca_list},
    {"ca show", "NAME", 1, 1, 0, N_("one CA, its CRL and its certificate"), "", run_ca_show},
    {"ca export", "NAME", 1, 1, BIT(CHAIN) | BIT(OUT) | BIT(DER) | BIT(OPENSSL) | MAKES,
     N_("the CA's certificate (public)"),
     "  pgseal ca export \"Acme PG Root\" --out root.crt\n"
     "  pgseal ca export \"Acme PG Root\" --openssl acme/\n",
     run_ca_export},
    {"ca import", "NAME", 1, 1,
     BIT(CERT) | BIT(KEY) | BIT(INDEX) | BIT(NO_PASSPHRASE) | MAKES | UNLOCKS,
     N_("a CA from elsewhere, or a root's answer"),
     "  pgseal ca import vpn --cert pki/ca.crt --key pki/private/ca.key --index pki/\n"
     "  pgseal ca import \"Acme PG Issuing\" --cert signed.pem\n",
     run_ca_import},
    {"ca renew", "NAME", 1, 1, BIT(DAYS) | BIT(OUT) | MAKES | UNLOCKS,
     N_("its certificate again, same key and name"),
     "  pgseal ca renew \"Acme PG Root\"\n"
     "  pgseal ca renew \"Acme PG Issuing\" --out again.csr\n",
     run_ca_renew},
    {"ca passphrase", "NAME", 1, 1, BIT(NEW_PASSPHRASE_FILE) | BIT(NO_PASSPHRASE) | MAKES | UNLOCKS,
     N_("another passphrase for its key"), "", run_ca_passphrase},
    {"ca delete", "NAME", 1, 1, MAKES | BIT(CONFIRM), N_("remove its key, for ever"),
     "  pgseal ca delete lab --confirm=lab\n", run_ca_delete},
    {"issue client", "ROLE", 1, 1,
     BIT(CA) | BIT(DAYS) | BIT(KEY) | BIT(CSR) | BIT(OUT) | BIT(FORMAT) | BIT(SERVER) | BIT(NOTE) |
         BIT(FOR) | BIT(DATABASE) | BIT(AT) | MAKES | UNLOCKS | HANDS_OVER,
     N_("a certificate for a role, and its files"),
     "  pgseal issue client alice --out alice/\n"
     "  pgseal issue client report --days 90 --format pem,pk8\n"
     "  pgseal issue client app --server db1 --for node --database app --at /etc/app/pg\n"
     "  pgseal issue client bob --csr bob.csr\n",
     run_issue_client},
    {"issue server", "HOST...", 1, SAN_MAX,
     BIT(CA) | BIT(DAYS) | BIT(KEY) | BIT(CSR) | BIT(OUT) | BIT(NOTE) | MAKES | UNLOCKS |
         HANDS_OVER,
     N_("one for a server, to be installed by hand"),
     "  pgseal issue server db1.example 10.0.0.5 --out db1/\n", run_issue_server},
    {"issue batch", "FILE|-", 1, 1,
     BIT(CA) | BIT(DAYS) | BIT(KEY) | BIT(OUT) | BIT(FORMAT) | BIT(SERVER) | MAKES | UNLOCKS |
         HANDS_OVER,
     N_("one for each role of a list"),
     "  pgseal issue batch roles.txt --out kits/\n"
     "  pgseal issue batch roles.csv --out kits/\n",
     run_issue_batch},
    {"renew", "SERIAL|ROLE", 1, 1,
     BIT(CA) | BIT(DAYS) | BIT(KEY) | BIT(CSR) | BIT(OUT) | BIT(FORMAT) | BIT(SERVER) | BIT(NOTE) |
         MAKES | UNLOCKS | HANDS_OVER,
     N_("a new one; the old one stays valid"),
     "  pgseal renew alice\n"
     "  pgseal renew 4f1a930c --days 90 --out alice-new/\n",
     run_renew},
    {"list", "", 0, 0,
     BIT(CA) | BIT(ROLE) | BIT(STATE) | BIT(WITHIN) | BIT(LIMIT) | BIT(SEARCH) | BIT(SUBJECT) |
         BIT(NOTE) | BIT(SINCE) | BIT(UNTIL) | BIT(ENDS_SINCE) | BIT(ENDS_UNTIL) | BIT(SORT),
     N_("the certificates that were issued"),
     "  pgseal list --search 4f1a\n"
     "  pgseal list --state expiring --within 60\n"
     "  pgseal list --role alice --json\n",
     run_list},
    {"show", "SERIAL|FILE|-", 1, 1, HANDS_OVER, N_("what it is, and what is wrong with it"),
     "  pgseal show server.crt\n"
     "  pgseal show 4f1a930c\n",
     run_show},
    {"revoke", "SERIAL|ROLE", 0, 1,
     BIT(REASON) | BIT(SERVER) | BIT(SESSION) | BIT(ALL) | BIT(END_SESSIONS) | BIT(DAYS) | BIT(CA) |
         CONFIRMS | UNLOCKS,
     N_("must not be used any more, for ever"),
     "  pgseal revoke bob --reason keyCompromise --end-sessions --confirm=bob\n"
     "  pgseal revoke bob --all --dry-run\n"
     "  pgseal revoke --session db1:2117 --end-sessions\n",
     run_revoke},
    {"crl show", "", 0, 0, BIT(CA), N_("the list of revoked certificates (CRL)"), "", run_crl_show},
    {"crl sign", "", 0, 0, BIT(CA) | BIT(DAYS) | ASKS | UNLOCKS,
     N_("sign the next CRL now, without publishing it"), "  pgseal crl sign --yes\n", run_crl_sign},
    {"crl presign", "", 0, 0, BIT(CA) | BIT(MONTHS) | BIT(DAYS) | ASKS | UNLOCKS,
     N_("sign a CRL for each of the next months"), "  pgseal crl presign --months 12 --days 60\n",
     run_crl_presign},
    {"crl refresh", "", 0, 0, BIT(CA) | BIT(SERVER) | BIT(DAYS) | BIT(PRINT_CRON) | ASKS | UNLOCKS,
     N_("bring every server the CRL that is due"),
     "  pgseal crl refresh --yes                      from a timer, without any key\n"
     "  pgseal crl refresh --print-cron\n",
     run_crl_refresh},
    {"crl import", "FILE|-", 1, 1, BIT(SERVER) | BIT(ACCEPT_DROPPED) | MAKES | UNLOCKS,
     N_("another CA's CRL, or a later one of our own"),
     "  pgseal crl import vault.crl --server db1\n"
     "  curl -s https://vault.example/v1/pki/crl/pem | pgseal crl import -\n",
     run_crl_import},
    {"crl export", "", 0, 0, BIT(CA) | BIT(OUT) | BIT(DER) | MAKES, N_("the CRL as a file"),
     "  pgseal crl export --out root.crl\n", run_crl_export},
    {"trust", "", 0, 0,
     BIT(CA) | BIT(ADD) | BIT(OUT) | BIT(PKCS12) | BIT(FORMAT) | BIT(TEST) |
         BIT(P12_PASSPHRASE_FILE) | MAKES,
     N_("a file for clients: servers' old and new CA"),
     "  pgseal trust --ca Servers --ca \"Servers G2\" --out root.crt --test db1\n"
     "  pgseal trust --add global-bundle.pem --pkcs12 --out trust.p12\n",
     run_trust},
    {"kit", "ROLE", 1, 1,
     BIT(SERVER) | BIT(FOR) | BIT(KEY) | BIT(CERT) | BIT(ADD) | BIT(DATABASE) | BIT(AT) | BIT(OUT) |
         BIT(FORMAT) | MAKES | HANDS_OVER,
     N_("what a program needs to log in: files, tried"),
     "  pgseal kit alice --server db1 --for psql,python --key alice/alice.key\n"
     "  pgseal kit report --server main --for jdbc --at /etc/report/pg --out report-kit/\n"
     "  pgseal kit app --server db1 --for all --cert app.crt --key app.key --add root.crt\n",
     run_kit},
    {"server add", "NAME CONNINFO", 2, 2,
     BIT(PROVIDER) | BIT(PRODUCTION) | BIT(ADDRESS) | BIT(MEMBER_OF) | MAKES,
     N_("remember a server that can be reached"),
     "  pgseal server add db1 \"host=db1.example user=postgres\"\n"
     "  pgseal server add db2 \"host=db2.example user=postgres\" --member-of main\n"
     "  pgseal server add lab \"host=/run/postgresql user=postgres\" --address db1\n",
     run_server_add},
    {"server list", "", 0, 0, 0, N_("the servers that the store knows"), "", run_server_list},
    {"server show", "NAME", 1, 1, 0, N_("one server, and its changes"), "", run_server_show},
    {"server remove", "NAME", 1, 1, MAKES | BIT(CONFIRM), N_("forget a server; it is not changed"),
     "", run_server_remove},
    {"server join", "NAME CLUSTER", 2, 2, MAKES, N_("make it a member of a cluster"),
     "  pgseal server join db1 main\n", run_server_join},
    {"server leave", "NAME", 1, 1, MAKES, N_("let it stand alone again"), "", run_server_leave},
    {"server probe", "NAME|HOST[:PORT]", 1, 1, 0, N_("what it does on the wire, without a login"),
     "  pgseal server probe db1.example:5432\n", run_server_probe},
    {"server check", "NAME", 1, 1, BIT(WITHIN), N_("look for problems, change nothing"),
     "  pgseal server check db1\n"
     "  pgseal server check db1 --json\n",
     run_server_check},
    {"server grants", "NAME", 1, 1, BIT(ROLE), N_("the SQL that lets an ordinary role change it"),
     "  pgseal server grants db1\n"
     "  pgseal server grants db1 --role installer | psql -h db1 -U postgres\n",
     run_server_grants},
    {"server tls", "NAME", 1, 1,
     BIT(CA) | BIT(HOST) | BIT(DAYS) | BIT(CSR_OUT) | BIT(CERT) | BIT(KEY) | BIT(ROOT) |
         BIT(KEY_PASSPHRASE_FILE) | SERVERS | UNLOCKS,
     N_("give it a server certificate, turn ssl on"),
     "  pgseal server tls db1 --host db1.example --host 10.0.0.5\n"
     "  pgseal server tls db1 --host db1.example --csr-out db1.csr\n"
     "  pgseal server tls db1 --cert db1.crt    what came back\n"
     "  pgseal server tls db1 --cert db1.crt --key db1.key\n",
     run_server_tls},
    {"server trust", "NAME", 1, 1,
     BIT(CA) | BIT(PASTE) | BIT(CRL) | BIT(REPLACE) | SERVERS | BIT(ACCEPT_REFUSED),
     N_("let it check client certificates of a CA"),
     "  pgseal server trust db1 --ca \"Acme PG Root\"\n"
     "  pgseal server trust db1 --paste -\n"
     "  pgseal server trust db1 --paste partner.pem --crl partner.crl\n"
     "  pgseal server trust db1 --crl partner.crl    its next list\n",
     run_server_trust},
    {"server untrust", "NAME", 1, 1, BIT(CA) | BIT(ALL) | SERVERS | BIT(ACCEPT_REFUSED),
     N_("take the trust in a CA away again"),
     "  pgseal server untrust db1 --ca \"Acme PG Root 2023\"\n"
     "  pgseal server untrust db1 --all\n",
     run_server_untrust},
    {"server crl", "NAME", 1, 1, SERVERS, N_("publish the current CRLs there"), "", run_server_crl},
    {"server require", "NAME", 1, 1,
     BIT(DATABASE) | BIT(ROLE) | BIT(FROM) | BIT(METHOD) | BIT(MAP) | BIT(MAP_ROLE) | BIT(CERT) |
         BIT(KEY) | BIT(ROOT) | SERVERS | BIT(ACCEPT_REFUSED),
     N_("let roles in with a certificate only"),
     "  pgseal server require db1 --database app --role alice --from 10.0.0.0/8\n"
     "  pgseal server require db1 --database app --role report --from all \\\n"
     "      --map people --map-role alice.laptop=report\n",
     run_server_require},
    {"server unrequire", "NAME [LINE...]", 1, -1, SERVERS | BIT(ACCEPT_REFUSED),
     N_("take our rules away again"), "  pgseal server unrequire db1\n", run_server_unrequire},
    {"server simulate", "NAME", 1, 1,
     BIT(REQUIRE) | BIT(DATABASE) | BIT(ROLE) | BIT(FROM) | BIT(METHOD) | BIT(MAP) | BIT(MAP_ROLE),
     N_("who would be refused if they came again"),
     "  pgseal server simulate db1\n"
     "  pgseal server simulate db1 --require --database app --role alice --from all\n",
     run_server_simulate},
    {"server undo", "NAME [PLAN]", 1, 2, CONFIRMS, N_("take back the last kept change"), "",
     run_server_undo},
    {"plan list", "", 0, 0, BIT(SERVER) | BIT(LIMIT), N_("the changes that were made to servers"),
     "", run_plan_list},
    {"plan show", "ID", 1, 1, 0, N_("one change, step by step"), "", run_plan_show},
    {"plan save", "ID FILE", 2, 2, 0, N_("what it wanted, as a file: again, or elsewhere"),
     "  pgseal plan save 12 trust.plan\n", run_plan_save},
    {"plan apply", "FILE|ID", 1, 1,
     BIT(SERVER) | CONFIRMS | BIT(TRY) | BIT(ACCEPT_REFUSED) | UNLOCKS,
     N_("do what a plan file says, if nothing changed"),
     "  pgseal server trust db1 --save-plan trust.plan\n"
     "  pgseal plan apply trust.plan\n",
     run_plan_apply},
    {"plan keep", "ID", 1, 1, CONFIRMS, N_("keep a change that waits (\"--try\")"),
     "  pgseal plan keep 12 --yes\n", run_plan_keep},
    {"plan undo", "ID", 1, 1, CONFIRMS, N_("take a change back"), "", run_plan_undo},
    {"rotate ca", "[NAME]", 0, 1,
     BIT(SERVER) | BIT(TO) | BIT(TO_FILE) | BIT(OLD_FILE) | BIT(CRL) | BIT(SAME_KEY) |
         BIT(QUIET_TIME) | MAKES,
     N_("begin: another CA for the clients"),
     "  pgseal rotate ca \"Acme PG Root\"\n"
     "  pgseal rotate ca \"Acme PG Root\" --to \"Acme PG Issuing\" --quiet-time 30d\n"
     "  pgseal rotate ca --old-file partner.pem --server db1\n",
     run_rotate_ca},
    {"rotate client", "[ROLE]", 0, 1, BIT(WITHIN) | BIT(CA) | BIT(QUIET_TIME) | MAKES,
     N_("begin: new certificates for clients"),
     "  pgseal rotate client report                   one role\n"
     "  pgseal rotate client --within 30              all that end within 30 days\n",
     run_rotate_client},
    {"rotate emergency", "NAME", 1, 1, BIT(SERVER) | BIT(TO) | MAKES,
     N_("begin: the CA's key is stolen"), "  pgseal rotate emergency \"Acme PG Root\"\n",
     run_rotate_emergency},
    {"rotate server", "NAME", 1, 1,
     BIT(TO) | BIT(TO_FILE) | BIT(OLD_FILE) | BIT(HOST) | BIT(SERVER) | MAKES,
     N_("begin: a server's certificate, or its CA"),
     "  pgseal rotate server db1\n"
     "  pgseal rotate server main --to \"Servers G2\"\n",
     run_rotate_server},
    {"rotate status", "[NAME]", 0, 1, BIT(ALL), N_("its phases, what blocks, who is left"),
     "  pgseal rotate status\n", run_rotate_status},
    {"rotate next", "[NAME]", 0, 1,
     BIT(OUT) | BIT(FORMAT) | BIT(KEY) | BIT(DAYS) | BIT(NO_PASSPHRASE) | BIT(END_SESSIONS) |
         BIT(REVOKE) | BIT(CERT) | BIT(QUIET_TIME) | BIT(ACCEPT_GAPS) | BIT(ACCEPT_LEFT) |
         BIT(ACCEPT_REFUSED) | CONFIRMS | UNLOCKS | HANDS_OVER,
     N_("do what its phase is for, and go on"),
     "  pgseal rotate next \"Acme PG Root\" --yes\n"
     "  pgseal rotate next --out kits/ --passphrase-file ca.pass\n",
     run_rotate_next},
    {"rotate back", "[NAME]", 0, 1, BIT(END_SESSIONS) | BIT(ACCEPT_REFUSED) | CONFIRMS | UNLOCKS,
     N_("go one phase back"), "  pgseal rotate back \"Acme PG Root\"\n", run_rotate_back},
    {"rotate stragglers", "[NAME]", 0, 1, BIT(CSV), N_("who has not moved, and uses the old one"),
     "  pgseal rotate stragglers --csv > left.csv     for the applications' owners\n",
     run_rotate_stragglers},
    {"rotate mark", "NAME ROLE", 2, 2, BIT(HANDED) | BIT(WITHOUT) | MAKES,
     N_("a line of its list: handed, or without it"),
     "  pgseal rotate mark \"Acme PG Root\" report --without\n", run_rotate_mark},
    {"rotate finish", "[NAME]", 0, 1, BIT(ARCHIVE) | BIT(DESTROY) | CONFIRMS | UNLOCKS,
     N_("the last phase: the end of the old key"),
     "  pgseal rotate finish \"Acme PG Root\" --archive old.key\n", run_rotate_finish},
    {"sessions", "[SERVER...]", 0, 16,
     BIT(ONCE) | BIT(WATCH) | BIT(RECORD) | BIT(FINDINGS) | BIT(CSV) | BIT(READINESS) | BIT(SINCE) |
         BIT(CA),
     N_("who is connected how"),
     "  pgseal sessions db1 db2                      the live panel\n"
     "  pgseal sessions db1 --findings               exit 6 when one needs a look\n"
     "  pgseal sessions --json --watch=5\n"
     "  pgseal sessions --record --watch=10          for a systemd unit\n"
     "  pgseal sessions db1 --readiness              who could not follow\n",
     run_sessions},
    {"sightings", "[SERVER...]", 0, 16,
     BIT(SINCE) | BIT(WITHOUT_TLS) | BIT(CA) | BIT(CSV) | BIT(LIMIT) | BIT(READINESS) | BIT(FORGET),
     N_("who was seen connected how, and when"),
     "  pgseal sightings --without-tls --since 30d\n"
     "  pgseal sightings db1 --ca \"Acme PG Root\" --csv\n"
     "  pgseal sightings --forget 400d\n",
     run_sightings},
    {"check", "", 0, 0, BIT(WITHIN) | BIT(SERVERS) | BIT(NAGIOS),
     N_("what ends soon, in the store and on its servers"),
     "  pgseal check --within 60\n"
     "  pgseal check --servers --nagios\n",
     run_check},
    {"doctor", "CONNINFO", 1, 1,
     BIT(CERT) | BIT(KEY) | BIT(ROOT) | BIT(SERVER) | BIT(KEY_PASSPHRASE_FILE),
     N_("why an application does not get in"),
     "  pgseal doctor \"host=db1 dbname=app user=alice sslmode=verify-full\"\n"
     "  pgseal doctor \"host=db1 user=alice\" --cert alice.crt --key alice.key\n",
     run_doctor},
    {"backup", "FILE", 1, 1, BIT(WITHOUT_KEYS) | MAKES, N_("the store in one file, keys locked"),
     "  pgseal backup pgseal-2026-11-21.backup\n", run_backup},
    {"restore", "FILE", 1, 1, MAKES, N_("a new store from a backup"),
     "  pgseal restore pgseal-2026-11-21.backup --store /new/store\n", run_restore},
    {"fsck", "", 0, 0, BIT(REPAIR) | MAKES | UNLOCKS, N_("look through the store, and mend it"),
     "  pgseal fsck --repair\n", run_fsck},
    {"log", "", 0, 0, BIT(SERVER) | BIT(SEARCH) | BIT(SINCE) | BIT(UNTIL) | BIT(LIMIT),
     N_("who did what when"), "  pgseal log --server db1 --since 30d\n", run_log},
    {"explain", "[CODE]", 0, 1, 0, N_("what an error code means"), "  pgseal explain PS-2104\n",
     run_explain},
    {"words", "[TERM]", 0, -1, 0, N_("what a word of the field means"),
     "  pgseal words crl\n"
     "  pgseal words private key\n",
     run_words},
    {"completion", "bash|zsh|fish", 1, 1, 0, N_("a completion script for your shell"),
     "  pgseal completion bash > ~/.local/share/bash-completion/completions/pgseal\n",
     run_completion},
};

const struct command *command_table(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(commands);
    return commands;
}
