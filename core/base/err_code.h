/*
 * err_code.h - every error code, its first line, likely cause and help, in one table.
 *
 * Read by    explain (command and page), the man page, the tests.
 * Numbers    1xxx input, 2xxx server, 3xxx files, 4xxx CA and store, 5xxx terminal, 9xxx pgseal.
 *            A number that was ever shipped keeps its meaning.
 * Errors     none.
 */
#ifndef PGSEAL_BASE_ERR_CODE_H
#define PGSEAL_BASE_ERR_CODE_H

#include <stddef.h>

/*    name                    number  title
 *                                    likely cause
 *                                    help */
#define ERR_CODES(X)                                                                               \
    /* -- 1xxx input -------------------------------------------------------------------- */       \
    X(ERR_USAGE, 1000, "the command line is not right",                                            \
      "A flag, a value or a name is missing or misspelt.",                                         \
      "See \"pgseal --help\" or \"pgseal COMMAND --help\".")                                       \
    X(ERR_NAME_ROLE_DIFFER, 1001, "name in certificate and role differ",                           \
      "Capital letters, or an e-mail address used as the name.",                                   \
      "Use the role name letter by letter, or add a map to pg_ident.conf.")                        \
    X(ERR_BAD_NAME, 1002, "this name cannot be used",                                              \
      "It is empty, too long for pg_stat_ssl (59 bytes), or has characters that PostgreSQL, a "    \
      "file system or a terminal would treat specially.",                                          \
      "Use ASCII letters, digits, dot, dash and underscore; at most 59 bytes.")                    \
    X(ERR_BAD_VALUE, 1003, "a value is out of its range",                                          \
      "A number, date, address or word is not one that is understood here.",                       \
      "The message names the value and what would be valid.")                                      \
    X(ERR_NEEDS_ANSWER, 1004, "a value is missing and pgseal may not ask",                         \
      "There is no terminal, or --no-input was given.", "Give the flag that the message names.")   \
    X(ERR_REFUSED_BY_USER, 1005, "stopped, because you said no",                                   \
      "The question was answered \"no\".",                                                         \
      "Run it again when you are ready; nothing was changed.")                                     \
    X(ERR_CONFIRM, 1006, "the name for confirmation is missing or another one",                    \
      "A severe act needs the name of what is revoked, retired or deleted.",                       \
      "Give --confirm=NAME with exactly the name that the message shows.")                         \
    X(ERR_NOT_A_CERTIFICATE, 1010, "the text is not a certificate",                                \
      "It was cut off, or it is something else: a request, a key, an ssh key.",                    \
      "Copy everything from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.")            \
    X(ERR_PRIVATE_KEY_PASTED, 1011, "a private key was pasted",                                    \
      "Key and certificate were in one file, or the wrong file was copied.",                       \
      "It was wiped and not stored. Treat that key as known to others: make a new one, and paste " \
      "only the certificate.")                                                                     \
    X(ERR_NOT_A_CA, 1012, "this certificate is not a CA",                                          \
      "A server's or client's certificate was given in place of the CA that signed it.",           \
      "Give the certificate of its issuer.")                                                       \
    X(ERR_CUT_OFF, 1013, "the end of the text is missing", "The copy stopped too early.",          \
      "Copy again, down to the last -----END ...----- line.")                                      \
    X(ERR_IS_A_REQUEST, 1014, "this is a request (CSR), not a certificate",                        \
      "A CSR asks a CA for a certificate; it is not one.",                                         \
      "Sign it first: \"pgseal issue client ROLE --csr FILE\".")                                   \
    X(ERR_CERT_ENDED, 1015, "this certificate has ended", "Its notAfter date is over.",            \
      "Renew it, or give the one that replaced it.")                                               \
    X(ERR_TOO_LARGE, 1016, "the input is too large", "It is not what it was taken for.",           \
      "The message names the limit.")                                                              \
    X(ERR_NOT_A_CRL, 1017, "the text is not a list of revoked certificates (CRL)",                 \
      "Something else was given, or it was cut off.",                                              \
      "Copy everything from -----BEGIN X509 CRL----- to -----END X509 CRL-----.")                  \
    X(ERR_NOT_A_REQUEST, 1018, "the text is not a certificate request (CSR)",                      \
      "Something else was given, its signature is wrong, or it was cut off.",                      \
      "Copy everything from -----BEGIN CERTIFICATE REQUEST----- to its END line.")                 \
    X(ERR_POLICY, 1020, "pgseal does not make this",                                               \
      "What was asked for would not work or not be safe.",                                         \
      "The message says what would be accepted.")                                                  \
    X(ERR_ANSWERS, 1021, "the answers of a wizard cannot be used",                                 \
      "The file is something else, another pgseal wrote it, or a line of it was changed.",         \
      "The message names the line. Mend it, or save the answers anew: --save-answers FILE.")       \
    /* -- 2xxx server ------------------------------------------------------------------- */       \
    X(ERR_NO_CONNECTION, 2001, "no connection to the server",                                      \
      "Wrong name or port, a firewall, or the server is down.",                                    \
      "Try \"pgseal server probe HOST:PORT\"; it needs no login.")                                 \
    X(ERR_SSL_OFF, 2002, "the server has ssl = off",                                               \
      "TLS was never switched on, or its files could not be loaded at the start.",                 \
      "\"pgseal server tls NAME\" issues a server certificate and switches TLS on.")               \
    X(ERR_TIMEOUT, 2003, "the server did not answer in time",                                      \
      "It hangs, or the network drops packets.", "Look at the server; then try again.")            \
    X(ERR_NOT_POSTGRES, 2004, "this is not a PostgreSQL server",                                   \
      "Something else listens on that port.", "Check host and port.")                              \
    X(ERR_LOGIN, 2005, "the server refused the login",                                             \
      "Password, rule, role or certificate; the message is the server's own.",                     \
      "\"pgseal explain PS-2005\" tells how to find out which.")                                   \
    X(ERR_QUERY, 2006, "the server refused a statement", "The message is the server's own.",       \
      "The statement stands in the log of this change.")                                           \
    X(ERR_CONNECTION_LOST, 2007, "the connection was lost",                                        \
      "The server was stopped or restarted, or the network failed.",                               \
      "Try again; what had been changed was journalled.")                                          \
    X(ERR_SERVER_UNKNOWN, 2008, "there is no server of this name",                                 \
      "It was never added, or the name is misspelt.",                                              \
      "\"pgseal server list\" shows the names, \"pgseal server add\" adds one.")                   \
    X(ERR_OTHER_SERVER, 2009, "this is another server than before",                                \
      "A tunnel, a failover or a restored copy answers at this address.",                          \
      "Check the connection string; then remove the server and add it again.")                     \
    X(ERR_OLD_SERVER, 2010, "this version of PostgreSQL is not supported",                         \
      "pgseal knows PostgreSQL 13 to 18.", "Upgrade the server.")                                  \
    X(ERR_MAY_NOT_CHANGE, 2101, "you may not change server settings",                              \
      "The role is not a superuser and lacks pg_write_server_files or ALTER SYSTEM.",              \
      "\"pgseal server grants NAME\" prints what the owner must run; --as-text what to do by "     \
      "hand.")                                                                                     \
    X(ERR_HBA, 2102, "pg_hba.conf has an error", "A line that PostgreSQL cannot read.",            \
      "Mend the line that the message names; the old rules stay in force until then.")             \
    X(ERR_RELOAD_REFUSED, 2103, "the server did not take the new TLS files",                       \
      "PostgreSQL keeps the old ones when a file is missing, unreadable or damaged, and says so "  \
      "only in its log.",                                                                          \
      "The change was taken back. The server's log names the file.")                               \
    X(ERR_TEST_LOGIN, 2104, "the test login was refused",                                          \
      "Name in the certificate, order of the rules, CRL, dates, or clocks.",                       \
      "Compare what the proof saw with the plan: \"pgseal plan show ID\".")                        \
    X(ERR_TEST_LOGIN_PASSED, 2105, "a login that must be refused got in",                          \
      "A line above the certificate rule fits first.",                                             \
      "\"pgseal server require\" puts its rules above what would bypass them.")                    \
    X(ERR_PROOF, 2106, "the server does not do what the change promised",                          \
      "Something else holds the setting, or another admin changed it meanwhile.",                  \
      "The change was taken back; look at what the proof saw.")                                    \
    X(ERR_SETTING_OVERRIDDEN, 2107, "the setting is held elsewhere",                               \
      "It was given on the server's command line, which wins over ALTER SYSTEM.",                  \
      "Change it where the server is started.")                                                    \
    X(ERR_UNDO, 2108, "the change could not be taken back whole",                                  \
      "The server was away, or something had been changed meanwhile.",                             \
      "The message says what is left; \"pgseal plan undo ID\" tries again.")                       \
    X(ERR_WOULD_LOCK_OUT, 2109, "this would lock somebody out",                                    \
      "Sessions or roles that get in today would be refused.",                                     \
      "Look at who they are; it goes on with exactly N accepted (--accept-refused=N).")            \
    X(ERR_CRL_ENDED, 2110, "the list of revoked certificates (CRL) has ended",                     \
      "Nobody renewed it.",                                                                        \
      "\"pgseal crl refresh\" brings a new one: its clients are locked out until then.")           \
    X(ERR_CRL_WEAKER, 2111, "the new CRL is weaker than the one in use",                           \
      "It lacks a revocation, has a lower number, or another key signed it.",                      \
      "Use the store that made the last list; if it is lost, bring that list here: \"pgseal crl "  \
      "import FILE\".")                                                                            \
    X(ERR_UNFINISHED, 2112, "an earlier change was not finished",                                  \
      "pgseal was killed or lost the server in the middle of it, or another pgseal is at it now.", \
      "\"pgseal server undo NAME\" takes it back.")                                                \
    X(ERR_PLAN_STALE, 2119, "the server has changed since the plan was made",                      \
      "Another admin, or another change, was there in between.",                                   \
      "The message names what changed; look at it, and make the plan again.")                      \
    X(ERR_PLAN_FILE, 2120, "this is not a plan that can be saved or applied",                      \
      "The file is damaged or something else, or the plan brings a private key.",                  \
      "\"--save-plan FILE\" on a change of a server writes one.")                                  \
    X(ERR_ALERT_OTHER, 2140, "the server refuses the certificate",                                 \
      "The alert number is in the message.", "The server's log says more since PostgreSQL 16.")    \
    X(ERR_ALERT_BAD, 2142, "the server refuses the certificate: bad certificate",                  \
      "It or the CRL is not valid yet (clocks differ), or the key or hash is too weak.",           \
      "Compare the clocks of the two machines.")                                                   \
    X(ERR_ALERT_UNSUPPORTED, 2143, "the server refuses the certificate: wrong purpose",            \
      "It is a server certificate.", "Issue a client certificate.")                                \
    X(ERR_ALERT_REVOKED, 2144, "the server refuses the certificate: revoked",                      \
      "Its serial number is on the CRL.", "Issue a new certificate.")                              \
    X(ERR_ALERT_EXPIRED, 2145, "the server refuses the certificate: expired",                      \
      "The certificate, the CA or the CRL has ended; PostgreSQL says the same for all three.",     \
      "Compare the three dates: \"pgseal show FILE\", \"pgseal crl show\".")                       \
    X(ERR_ALERT_UNKNOWN_CA, 2148, "the server refuses the certificate: unknown CA",                \
      "The server does not trust its CA, or has no CRL for that CA.",                              \
      "\"pgseal server trust NAME --ca CA\" gives it both.")                                       \
    X(ERR_ALERT_SIGNATURE, 2151, "the server refuses the certificate: wrong signature",            \
      "Two CAs have the same name, or another key signed the CRL.", "Give every CA its own name.") \
    /* -- 22xx what the check of a server finds -------------------------------------------- */    \
    X(ERR_TLS_NOT_LOADED, 2201, "ssl = on is set, but the server speaks no TLS",                   \
      "Its TLS files could not be loaded when TLS was switched on; PostgreSQL says so only "       \
      "in its log.",                                                                               \
      "Mend the TLS files that the check names and reload, or let \"pgseal server tls "            \
      "NAME\" give it new ones.")                                                                  \
    X(ERR_NO_CLIENT_CA, 2202, "the server asks for no client certificate",                         \
      "ssl_ca_file is empty.", "\"pgseal server trust NAME --ca CA\" gives it a CA.")              \
    X(ERR_PENDING_RESTART, 2203, "a setting waits for a restart",                                  \
      "It was changed in a file, and PostgreSQL reads it only when it starts.",                    \
      "Restart the server at a time that suits, or take the line back.")                           \
    X(ERR_CONF, 2204, "a configuration file has an error",                                         \
      "A line or value that PostgreSQL cannot use. While it is there nothing is reloaded, "        \
      "and the next restart may fail.",                                                            \
      "Mend the line, then reload (SELECT pg_reload_conf()).")                                     \
    X(ERR_NOT_RELOADED, 2205, "a setting was changed and not loaded",                              \
      "The file says one thing and the running server does another: nobody reloaded it.",          \
      "Load it (SELECT pg_reload_conf()), or take the line back.")                                 \
    X(ERR_TLS_FILE_MISSING, 2206, "a TLS file is not there",                                       \
      "It was moved, deleted or never copied. The running server goes on with what it has "        \
      "in memory; the next restart fails.",                                                        \
      "Bring the file back, or give the server a new one, before it restarts.")                    \
    X(ERR_TLS_FILE_UNREADABLE, 2207, "the server may not read a TLS file",                         \
      "Owner or mode, or a folder above it. The running server goes on with what it has in "       \
      "memory; the next restart fails.",                                                           \
      "Give it to the server's user: chown, chmod; then reload.")                                  \
    X(ERR_TLS_FILE_DAMAGED, 2208, "a TLS file is damaged",                                         \
      "It was cut off, is empty, or is not PEM. PostgreSQL refuses the whole file; the next "      \
      "restart fails.",                                                                            \
      "Install it again from its source.")                                                         \
    X(ERR_SERVER_KEY_MODE, 2209, "PostgreSQL refuses the mode or owner of its key file",           \
      "Group or others may read it, or it belongs to somebody else. The next restart fails.",      \
      "chmod 0600 and owned by the server's user, or 0640 and owned by root.")                     \
    X(ERR_SERVER_KEY_OTHER, 2210, "the key file is not that of the certificate",                   \
      "One of the two was exchanged alone, or the certificate file begins with a CA.",             \
      "Install the pair that belongs together; the server's own certificate comes first in "       \
      "the file.")                                                                                 \
    X(ERR_SERVER_CERT_ENDED, 2211, "the server's certificate has ended",                           \
      "Nobody renewed it. Clients with sslmode=verify-ca or verify-full are refused by "           \
      "themselves.",                                                                               \
      "\"pgseal server tls NAME\" issues and installs a new one.")                                 \
    X(ERR_SERVER_CERT_ENDS, 2212, "the server's certificate ends soon",                            \
      "Its notAfter date is near.", "\"pgseal server tls NAME\" issues and installs a new one.")   \
    X(ERR_CA_ENDED, 2213, "a trusted CA has ended",                                                \
      "Its notAfter date is over: every certificate of it is refused, as \"certificate "           \
      "expired\".",                                                                                \
      "Give the server the CA that follows it, and issue new client certificates.")                \
    X(ERR_CA_ENDS, 2214, "a trusted CA ends soon",                                                 \
      "Its notAfter date is near: from then on every certificate of it is refused.",               \
      "Begin the change to a new CA now: both are trusted side by side for a while.")              \
    X(ERR_CRL_MISSING, 2215, "a trusted CA has no CRL on the server",                              \
      "As soon as one CRL is loaded, every CA needs one: all certificates of a CA without "        \
      "are refused, as \"unknown CA\".",                                                           \
      "\"pgseal server crl NAME\" publishes the lists of your CAs; for another CA get its "        \
      "list.")                                                                                     \
    X(ERR_CRL_ENDS, 2216, "a list of revoked certificates (CRL) ends soon",                        \
      "From its nextUpdate on all certificates of that CA are refused, as \"certificate "          \
      "expired\".",                                                                                \
      "\"pgseal crl refresh\" signs the next one and brings it to the servers.")                   \
    X(ERR_CRL_NOT_YET, 2217, "a list of revoked certificates (CRL) is not valid yet",              \
      "Clocks differ. Until then all certificates of that CA are refused, as \"bad "               \
      "certificate\".",                                                                            \
      "Compare the clocks of the server and of the machine that signed the list.")                 \
    X(ERR_NO_CRL, 2218, "revoked certificates are not refused",                                    \
      "The server has no CRL at all: ssl_crl_file and ssl_crl_dir are empty.",                     \
      "\"pgseal server crl NAME\" publishes the lists of your CAs.")                               \
    X(ERR_CA_IN_CRL, 2219, "a certificate stands where a CRL belongs",                             \
      "PostgreSQL trusts a CA that it finds there, and does not show it to clients: a "            \
      "hidden way in.",                                                                            \
      "Take it out, unless you know why it is there; then it belongs into ssl_ca_file.")           \
    X(ERR_CRL_IN_CA_FILE, 2220, "a CRL stands in ssl_ca_file, where it is ignored",                \
      "PostgreSQL reads revocation lists from ssl_crl_file and ssl_crl_dir only: revoked "         \
      "certificates still get in.",                                                                \
      "\"pgseal server crl NAME\" puts it where it counts.")                                       \
    X(ERR_KEY_IN_CA_FILE, 2221, "a private key stands in a file of public certificates",           \
      "A whole key and certificate file was copied. Whoever can read it can issue "                \
      "certificates that this server accepts.",                                                    \
      "Take the key out at once, treat it as known to others, and replace that CA.")               \
    X(ERR_LEAF_IN_CA_FILE, 2222, "a certificate in ssl_ca_file is not a CA",                       \
      "A server's or client's own certificate was given in place of the CA that signed it; "       \
      "it lets nobody in.",                                                                        \
      "Replace it by the certificate of its issuer.")                                              \
    X(ERR_PEM_SKIPPED, 2223, "PostgreSQL skips a block of a TLS file without a word",              \
      "Its lines are indented or quoted: what is not at the start of the line is taken for "       \
      "a comment.",                                                                                \
      "Write the file anew without the blanks: \"pgseal server trust NAME\" does.")                \
    X(ERR_SAME_SUBJECT, 2224, "two trusted CAs have the same name",                                \
      "PostgreSQL and OpenSSL find CAs and CRLs by name: certificates of one may be checked "      \
      "with the other's key.",                                                                     \
      "Give each generation of a CA its own name, and take the old one away when it is not "       \
      "needed.")                                                                                   \
    X(ERR_RULE_CLEAR, 2225, "roles with a certificate rule get in without TLS",                    \
      "A later \"host\" line fits when the client does not ask for TLS: \"hostssl\" lines "        \
      "say nothing about plain TCP.",                                                              \
      "\"pgseal server require\" puts \"hostnossl ... reject\" above it.")                         \
    X(ERR_RULE_ABOVE, 2226, "a line above the certificate rule fits first",                        \
      "The first line that fits decides: the certificate rule is never reached.",                  \
      "Move the certificate rule above it: \"pgseal server require\" does.")                       \
    X(ERR_RULE_ANY_CERT, 2227, "any certificate lets in as any role",                              \
      "\"trust clientcert=verify-ca\" asks for a certificate of the CA and never compares "        \
      "its name with the role.",                                                                   \
      "Use \"cert\", or \"scram-sha-256 clientcert=verify-full\".")                                \
    X(ERR_RULE_MAP, 2228, "a certificate rule names a map that is not in pg_ident.conf",           \
      "The map is missing or misspelt: the rule lets nobody in.",                                  \
      "Add the map to pg_ident.conf and reload, or take map= away.")                               \
    X(ERR_RULE_ROLE, 2229, "a certificate rule names a role that cannot log in",                   \
      "There is no role of this name, or it has no LOGIN: the rule lets nobody in.",               \
      "CREATE ROLE ... LOGIN, or ALTER ROLE ... LOGIN; or take the rule away.")                    \
    X(ERR_RULE_NO_CA, 2230, "rules want certificates, and the server trusts no CA",                \
      "ssl_ca_file is empty: those logins fail with \"a root certificate store\" in the "          \
      "message.",                                                                                  \
      "\"pgseal server trust NAME --ca CA\" gives it a CA.")                                       \
    X(ERR_KEY_PASSPHRASE, 2231, "no TLS change can be loaded without a restart",                   \
      "The server's key wants a passphrase, and ssl_passphrase_command_supports_reload is "        \
      "off.",                                                                                      \
      "Switch it on where the command needs no terminal, use a key without a passphrase, or "      \
      "plan a restart.")                                                                           \
    X(ERR_CRL_DIR, 2232, "ssl_crl_dir holds no list that PostgreSQL would find",                   \
      "It is missing or empty, or its files are not named by hash (\"5a1b2c3d.r0\"): all "         \
      "client certificates are refused, and nothing complains.",                                   \
      "Make the folder when it is missing; \"pgseal server crl NAME\" puts the lists into it.")    \
    X(ERR_TLS_STALE, 2233, "the running server uses older TLS files",                              \
      "The files were changed and not reloaded, or the reload was refused; PostgreSQL says "       \
      "so only in its log.",                                                                       \
      "Mend what the check names beside this, then reload (SELECT pg_reload_conf()).")             \
    X(ERR_CHAIN_BORROWED, 2234, "the server's chain is completed from ssl_ca_file",                \
      "ssl_cert_file holds no intermediate, so OpenSSL takes it from the client CAs: "             \
      "tidying those locks out every verify-full client.",                                         \
      "Append the intermediate certificates to ssl_cert_file.")                                    \
    X(ERR_CRL_OLDER, 2235, "the server has an older CRL than the store",                           \
      "Something was revoked or refreshed since, and not published: the revoked "                  \
      "certificates still get in.",                                                                \
      "\"pgseal server crl NAME\" publishes the current one.")                                     \
    X(ERR_STANDBY, 2236, "this server is a standby",                                               \
      "TLS files, settings and rules do not replicate: each member needs its own.",                \
      "Check every member, also the one that may take over.")                                      \
    X(ERR_POOLER, 2237, "a pooler answers at the address that clients use",                        \
      "PgBouncer or another program speaks there, not PostgreSQL: it has its own TLS files "       \
      "and, as a rule, no CRL.",                                                                   \
      "Check certificates at the pooler as well; behind it a revoked certificate may still "       \
      "work.")                                                                                     \
    X(ERR_KEY_TLS12, 2238, "client keys that fail on TLS 1.2",                                     \
      "PostgreSQL offers one curve (ssl_ecdh_curve, ssl_groups), and TLS 1.2 holds client "        \
      "keys to it: alert 47.",                                                                     \
      "Issue P-256 keys, add the curve to ssl_groups (PostgreSQL 18), or ask for TLS 1.3.")        \
    X(ERR_SCRAM_EDDSA, 2239, "password logins fail over TLS",                                      \
      "The server's certificate is signed with Ed25519 or Ed448, and SCRAM's channel "             \
      "binding finds no hash for it.",                                                             \
      "Use a server certificate from an EC P-256 or RSA CA; until then "                           \
      "channel_binding=disable.")                                                                  \
    X(ERR_WEAK_KEY, 2240, "a key or signature is too weak",                                        \
      "RSA below 2048 bits or SHA-1: today's OpenSSL refuses it.", "Replace it.")                  \
    X(ERR_SECLEVEL, 2241, "ssl_ciphers lowers the security level",                                 \
      "@SECLEVEL=0 or 1 admits keys and hashes that are long broken.",                             \
      "Take @SECLEVEL out of ssl_ciphers.")                                                        \
    X(ERR_CA_NO_CRL_SIGN, 2242, "a trusted CA may not sign CRLs",                                  \
      "Its keyUsage lacks cRLSign: with a CRL loaded all its certificates are refused "            \
      "(alert 46).",                                                                               \
      "Make a new CA that may.")                                                                   \
    X(ERR_OLD_TLS_ALLOWED, 2243, "old TLS versions are allowed",                                   \
      "ssl_min_protocol_version is below TLSv1.2.", "Set ssl_min_protocol_version = 'TLSv1.2'.")   \
    X(ERR_SERVER_NAME, 2244, "the server's certificate is not for its address",                    \
      "The host that clients use is not among its names: sslmode=verify-full refuses it.",         \
      "Issue one that has the name: \"pgseal server tls NAME --host HOST\".")                      \
    X(ERR_NOT_SEEN, 2245, "something could not be looked at",                                      \
      "Your role lacks the right, or it can only be seen on the server's machine.",                \
      "Connect as a superuser, or run pgseal on the server's machine.")                            \
    X(ERR_IDENT, 2246, "pg_ident.conf has an error",                                               \
      "A line that PostgreSQL cannot read; the old maps stay in force until it restarts.",         \
      "Mend the line that the message names, then reload.")                                        \
    X(ERR_CHAIN_INCOMPLETE, 2247, "the server does not send its whole chain",                      \
      "An intermediate certificate is missing from ssl_cert_file: clients that only have "         \
      "the root refuse it.",                                                                       \
      "Append the intermediate certificates to ssl_cert_file.")                                    \
    X(ERR_CLOCKS, 2248, "the server's clock and the one here differ",                              \
      "One of them does not follow a time server: certificates and CRLs made here may not "        \
      "be valid there yet.",                                                                       \
      "Set both by NTP.")                                                                          \
    X(ERR_CERT_ENDS, 2249, "a certificate ends soon",                                              \
      "Its notAfter date is near, and there is no newer one for the same name.",                   \
      "\"pgseal issue\" makes a new one; give it to the application before the old one ends.")     \
    X(ERR_MEMBER_MISSED, 2250, "a member of the cluster has not got a change",                     \
      "It was away, or refused, while the others were changed.",                                   \
      "Run the same again when it is back: those that have it stay as they are.")                  \
    X(ERR_MEMBERS_DIFFER, 2251, "the members of a cluster differ",                                 \
      "Settings, rules and TLS files do not replicate: each member has its own.",                  \
      "Give the cluster's name to the command that makes it so; members that have it stay.")       \
    X(ERR_REVOKED_SESSION, 2252, "a revoked certificate is still in use",                          \
      "A list keeps new logins out; a session that was open before goes on.",                      \
      "End it: \"pgseal sessions NAME\", then d; or \"pgseal revoke SERIAL --end-sessions\".")     \
    X(ERR_TRUST_UNKNOWN, 2253, "the server trusts a CA of ours, and the store does not know",      \
      "It got the CA by hand or from another store: what is revoked is not brought to it.",        \
      "\"pgseal server trust NAME --ca CA\" brings what is missing and remembers it.")             \
    /* -- 23xx what the doctor of a login finds ------------------------------------------- */     \
    X(ERR_CERT_NOT_SENT, 2301, "the server wants a certificate, and none came",                    \
      "The client found no certificate where it looks, or keeps it back.",                         \
      "Name the files in the connection string, as sslcert and sslkey.")                           \
    X(ERR_CERT_NOT_FOUND, 2302, "the client's certificate file is not there",                      \
      "libpq ignores a missing sslcert without a word and connects without it.",                   \
      "Correct sslcert, or put the file where libpq looks: ~/.postgresql/postgresql.crt.")         \
    X(ERR_CLIENT_KEY_MISSING, 2303, "the client's key file is not there",                          \
      "A certificate needs its private key beside it.", "Correct sslkey, or bring the key file.")  \
    X(ERR_CLIENT_KEY_OTHER, 2304, "key and certificate do not belong together",                    \
      "One of them was exchanged alone, or the certificate file begins with a CA.",                \
      "Take the pair that was issued together; the client's own certificate comes first in "       \
      "the file.")                                                                                 \
    X(ERR_CLIENT_CERT_FORMAT, 2305, "the client's certificate file is not PEM",                    \
      "libpq reads PEM only: not DER, not PKCS#12.",                                               \
      "Convert it: openssl x509 -inform DER, or openssl pkcs12 -nokeys.")                          \
    X(ERR_CLIENT_KEY_FORMAT, 2306, "the client's key file cannot be used",                         \
      "libpq reads PEM, and DER without a passphrase; not PKCS#12.",                               \
      "Convert it: openssl pkey, or openssl pkcs12 -nocerts.")                                     \
    X(ERR_CLIENT_KEY_PASSPHRASE, 2307, "the client's key wants a passphrase",                      \
      "The key file is encrypted, and no sslpassword opens it. Started by cron, libpq would "      \
      "wait for somebody to type it.",                                                             \
      "Give sslpassword to the application, or use a key without a passphrase and mode "           \
      "0600.")                                                                                     \
    X(ERR_CLIENT_WEAK, 2308, "the client's certificate is too weak for OpenSSL",                   \
      "RSA below 2048 bits, or signed with SHA-1.", "Issue a new one.")                            \
    X(ERR_ROOT_MISSING, 2309, "the client has no root certificate file",                           \
      "sslmode=verify-ca and verify-full compare the server's certificate with a CA, and "         \
      "there is none.",                                                                            \
      "Put the certificate of the server's CA (not the client CA) into sslrootcert or "            \
      "~/.postgresql/root.crt. Do not lower sslmode.")                                             \
    X(ERR_ROOT_FORMAT, 2310, "the root certificate file cannot be used",                           \
      "It is empty or not PEM. libpq reads it whenever it is there, also with "                    \
      "sslmode=require.",                                                                          \
      "Put the certificate of the server's CA there.")                                             \
    X(ERR_SERVER_NOT_VERIFIED, 2311, "the client does not trust the server's certificate",         \
      "Another CA signed it than the client's root file holds, or it has ended.",                  \
      "Give the client the certificate of the server's CA, after comparing its fingerprint.")      \
    X(ERR_HOST_DIFFERS, 2312, "the server's certificate is for another host",                      \
      "The name in the connection string is not among the certificate's names.",                   \
      "Use one of its names (host=NAME hostaddr=ADDRESS), or issue a certificate that has "        \
      "the name.")                                                                                 \
    X(ERR_TLS_VERSIONS, 2313, "client and server have no TLS version in common",                   \
      "ssl_min_protocol_version and ssl_max_protocol_version of the two do not meet.",             \
      "Take the limits out of the connection string.")                                             \
    X(ERR_NO_RULE, 2315, "no rule of pg_hba.conf lets this login in",                              \
      "No line fits role, database, address and encryption, or the one that fits says "            \
      "reject.",                                                                                   \
      "\"pgseal server simulate NAME\" walks through the file.")                                   \
    X(ERR_ROLE_LOGIN, 2316, "the role does not exist or may not log in",                           \
      "The role is not there, or has no LOGIN; it is not the certificate's fault.",                \
      "CREATE ROLE ... LOGIN, or ALTER ROLE ... LOGIN.")                                           \
    X(ERR_CERT_NUL, 2317, "the certificate's name holds a zero byte",                              \
      "Its CN is stored in two bytes a character (BMPString), which PostgreSQL refuses.",          \
      "Issue it again: pgseal writes UTF8String.")                                                 \
    X(ERR_LIBPQ_OLD, 2318, "this libpq does not know that option",                                 \
      "The connection string was written for a newer libpq.",                                      \
      "Leave it out, or install a newer libpq.")                                                   \
    X(ERR_CLEAR_TEXT, 2319, "this login goes in clear text",                                       \
      "With sslmode=disable, allow or prefer the client takes a connection without TLS, "          \
      "also when TLS just failed.",                                                                \
      "Use sslmode=verify-full, and \"hostnossl ... reject\" on the server.")                      \
    X(ERR_CLIENT_CURVE, 2320, "the server does not take this kind of key",                         \
      "TLS 1.2 holds client keys to the server's one curve; other kinds are not sent at "          \
      "all.",                                                                                      \
      "Issue a P-256 or RSA certificate.")                                                         \
    X(ERR_PASSWORD_NEEDED, 2322, "the login got as far as the password",                           \
      "TLS and certificate are fine; the rule asks for a password as well, and there is "          \
      "none in ~/.pgpass.",                                                                        \
      "Give the password to the application.")                                                     \
    X(ERR_STALE_CERT, 2323, "a rejected certificate breaks logins that need none",                 \
      "libpq sends ~/.postgresql/postgresql.crt whenever a server asks, and a certificate "        \
      "that is refused ends the connection before any rule is looked at.",                         \
      "Remove or replace the old files, or name a file that is not there as sslcert.")             \
    X(ERR_ROLE_PASSWORD_OR_NAME, 2324,                                                             \
      "password refused, or the certificate's name is another one",                                \
      "With scram-sha-256 and clientcert=verify-full PostgreSQL says \"password "                  \
      "authentication failed\" for both.",                                                         \
      "Compare the name in the certificate with the role first.")                                  \
    X(ERR_CLOSED, 2325, "the server closed the connection without a word",                         \
      "It crashed, a firewall or pooler stands between, or the alert was lost.",                   \
      "The server's log says more.")                                                               \
    X(ERR_CLIENT_OPTION, 2326, "an option of the client ends the login",                           \
      "libpq gives up by itself: sslrootcert=system, sslnegotiation, sslcertmode or require_auth " \
      "ask for what this login is not.",                                                           \
      "Change that option, or what it asks for.")                                                  \
    /* -- 3xxx files -------------------------------------------------------------------- */       \
    X(ERR_FILE_EXISTS, 3001, "the file exists already", "An earlier run made it.",                 \
      "pgseal never overwrites: give another name, or move it away.")                              \
    X(ERR_KEY_MODE, 3002, "the private key can be read by others",                                 \
      "It was copied without umask 077.", "Make it private: chmod 600 FILE.")                      \
    X(ERR_FILE, 3003, "a file could not be read or written", "The message is the system's own.",   \
      "Check the path and its permissions.")                                                       \
    X(ERR_DISK_FULL, 3004, "the disk is full", "No space is left where the file should go.",       \
      "Make room and run it again; nothing is half-written.")                                      \
    X(ERR_FILE_UNSAFE, 3005, "the file is not safe to use",                                        \
      "It belongs to somebody else, is a symbolic link, or others may write it.",                  \
      "Move it to a folder of your own with mode 0700.")                                           \
    /* -- 4xxx CA and store ------------------------------------------------------------- */       \
    X(ERR_PASSPHRASE, 4001, "wrong passphrase", "The passphrase does not open the key.",           \
      "Type it again; capital letters count.")                                                     \
    X(ERR_STORE_BUSY, 4002, "the store is busy for longer than 10 s",                              \
      "Another pgseal writes to it.", "Wait, or end the other one.")                               \
    X(ERR_STORE, 4003, "the store could not be used", "The message is SQLite's own.",              \
      "Check the disk; \"pgseal backup\" copies what can be read.")                                \
    X(ERR_STORE_NEWER, 4004, "the store was written by a newer pgseal",                            \
      "Its schema version is higher than this program knows.", "Use the newer pgseal.")            \
    X(ERR_STORE_OWNER, 4005, "the store belongs to somebody else",                                 \
      "Under sudo, HOME may be another user's.", "Give --store DIR or set PGSEAL_STORE.")          \
    X(ERR_NO_STORE, 4006, "there is no store here yet", "No CA was created and no server added.",  \
      "\"pgseal ca create NAME\" makes it.")                                                       \
    X(ERR_CA_UNKNOWN, 4010, "there is no CA of this name",                                         \
      "The name is misspelt, or this is another store.", "\"pgseal ca list\" shows the names.")    \
    X(ERR_CA_EXISTS, 4011, "there is a CA of this name already",                                   \
      "Each CA needs a name of its own: PostgreSQL tells them apart by name.",                     \
      "Take another name, for example with \"G2\" at its end.")                                    \
    X(ERR_CA_CHOOSE, 4012, "there are several CAs", "No CA was named.", "Name one (--ca NAME).")   \
    X(ERR_CA_KEY, 4013, "the CA's private key is not here",                                        \
      "The key file was moved or is offline.",                                                     \
      "Bring the key file back to the folder keys/ of the store.")                                 \
    X(ERR_CERT_UNKNOWN, 4014, "there is no such certificate in the store",                         \
      "The serial number or role is misspelt, or another CA issued it.",                           \
      "\"pgseal list\" shows what was issued.")                                                    \
    X(ERR_CERT_AMBIGUOUS, 4015, "several certificates fit",                                        \
      "The role has more than one, or the prefix is short.", "Give the whole serial number.")      \
    X(ERR_REVOKED_ALREADY, 4016, "the certificate is revoked already", "It was revoked before.",   \
      "Nothing is to be done; \"pgseal crl show\" has the list.")                                  \
    X(ERR_PLAN_UNKNOWN, 4017, "there is no plan of this number",                                   \
      "It is another store, or was misspelt.", "\"pgseal plan list\" shows them.")                 \
    X(ERR_NOTHING_TO_UNDO, 4018, "there is nothing to take back",                                  \
      "No change was kept on this server.", "\"pgseal plan list\" shows what was done.")           \
    X(ERR_ROTATION_UNKNOWN, 4019, "there is no such rotation under way",                           \
      "It ended, was never begun, or several are under way.",                                      \
      "\"pgseal rotate status\" lists them.")                                                      \
    X(ERR_ROTATION_EXISTS, 4020, "a rotation of this is under way already",                        \
      "Another admin began it.",                                                                   \
      "\"pgseal rotate status\" shows it, \"pgseal rotate next\" takes it up.")                    \
    X(ERR_ROTATION_MOVED, 4021, "another admin moved the rotation on meanwhile",                   \
      "Two worked on it at the same time.", "Look at it again: \"pgseal rotate status\".")         \
    X(ERR_ROTATION_BLOCKED, 4022, "the rotation cannot go on yet",                                 \
      "What its phase is for is not so yet, as measured.",                                         \
      "\"pgseal rotate status\" names what blocks and who is left.")                               \
    /* -- 5xxx terminal ----------------------------------------------------------------- */       \
    X(ERR_TERMINAL, 5001, "this terminal cannot be used for the wizard",                           \
      "An editor's shell, a CI job, or no terminal at all.",                                       \
      "Use the commands (\"pgseal --help\"), or set TERM to your terminal's type.")                \
    X(ERR_TERMINAL_TYPE, 5002, "this terminal type is not known here",                             \
      "Its terminfo entry is not installed on this machine.", "pgseal goes on as xterm-256color.") \
    X(ERR_TERMINAL_GONE, 5003, "the terminal is gone",                                             \
      "The window or the SSH session was closed.",                                                 \
      "Start pgseal again; what was open was taken back or is offered at the start.")              \
    /* -- 9xxx pgseal ------------------------------------------------------------------- */       \
    X(ERR_CRYPTO, 9001, "the crypto library refused", "The message is OpenSSL's own.",             \
      "Please report it with the message.")                                                        \
    X(ERR_INTERNAL, 9002, "pgseal met something that should not be possible",                      \
      "A mistake in pgseal.", "Please report it with the message.")                                \
    X(ERR_CANCELLED, 9003, "stopped", "You asked for it.", "Start it again when you like.")        \
    X(ERR_DEMO, 9004, "the private PostgreSQL could not be started",                               \
      "The server programs are missing, or the folder is not usable.",                             \
      "Install the package \"postgresql\"; the message has the server's last words.")

enum err_code {
    ERR_NONE = 0,
#define X(name, number, title, cause, help) name = number,
    ERR_CODES(X)
#undef X
};

struct err_code_info {
    enum err_code code;
    const char *name;  /* "ERR_POLICY", for tests and logs */
    const char *title; /* untranslated: the reader calls gettext() */
    const char *cause;
    const char *help;
};

/* The row of a code; for a number that is not in the table, NULL. */
const struct err_code_info *err_code_info(int number);

/* All rows, by number; sets *ret_n. */
const struct err_code_info *err_code_table(size_t *ret_n);

#endif
