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
      "Connect as a superuser, or ask the owner for the grants that the message lists.")           \
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
      "Look at who they are; --accept-refused=N goes on although exactly N would be refused.")     \
    X(ERR_CRL_ENDED, 2110, "the list of revoked certificates (CRL) has ended",                     \
      "Nobody renewed it.",                                                                        \
      "\"pgseal crl refresh\" makes a new one: all clients of this CA are locked out until then.") \
    X(ERR_CRL_WEAKER, 2111, "the new CRL is weaker than the one in use",                           \
      "It lacks a revocation, has a lower number, or another key signed it.",                      \
      "Use the store that made the last list.")                                                    \
    X(ERR_UNFINISHED, 2112, "an earlier change was not finished",                                  \
      "pgseal was killed or lost the server in the middle of it, or another pgseal is at it now.", \
      "\"pgseal server undo NAME\" takes it back.")                                                \
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
    /* -- 3xxx files -------------------------------------------------------------------- */       \
    X(ERR_FILE_EXISTS, 3001, "the file exists already", "An earlier run made it.",                 \
      "pgseal never overwrites: give another name, or move it away.")                              \
    X(ERR_KEY_MODE, 3002, "the private key can be read by others",                                 \
      "It was copied without umask 077.", "Make it private: chmod 600 FILE.")                                        \
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
    X(ERR_CA_CHOOSE, 4012, "there are several CAs", "No --ca was given.", "Give --ca NAME.")       \
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
    /* -- 5xxx terminal ----------------------------------------------------------------- */       \
    X(ERR_TERMINAL, 5001, "this terminal cannot be used for the wizard",                           \
      "TERM=dumb, an editor's shell, a CI job, or no terminal at all.",                            \
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
