/* word_list.c - the words of the field. */
#include "config.h"

#include "core/base/word_list.h"

#include <string.h>
#include <strings.h>

#include "core/base/intl.h"
#include "core/base/text.h"

static const struct word words[] = {
    {"backend/session", N_("one client's connection on the server"),
     N_("PostgreSQL starts one process for each client. It checks the certificate once, when the "
        "client connects: a session that is open stays open when its certificate is revoked."),
     "pg_stat_activity, pg_stat_ssl", "SELECT * FROM pg_stat_ssl", "revoke, reload"},
    {"CA", N_("certificate authority"),
     N_("A key and a certificate that sign other certificates. A server that holds a copy of the "
        "CA's certificate accepts every client whose certificate the CA has signed."),
     "ssl_ca_file", "openssl x509 -in ca.crt -noout -text", "root certificate, chain, rotate"},
    {"cert method", N_("login by certificate alone"),
     N_("A rule in pg_hba.conf whose method is cert asks for no password: the name in the "
        "certificate (CN) must be the role, or a map must say that they belong together."),
     "hostssl all alice all cert", "SELECT * FROM pg_hba_file_rules",
     "clientcert, CN, pg_ident map"},
    {"certificate", N_("a public key with a name, signed by a CA"),
     N_("It says whose public key this is, who says so, and until when. It is not secret: without "
        "its private key nobody can use it."),
     "sslcert, ssl_cert_file", "openssl x509 -in alice.crt -noout -text",
     "private key, CA, expiry"},
    {"chain", N_("the certificates from a client up to the root"),
     N_("Each certificate in it is signed by the next one. Whoever checks must hold the last one, "
        "the root, and get the ones between from the other side."),
     "", "openssl verify -CAfile root.crt alice.crt", "root certificate, CA"},
    {"cipher", N_("how a TLS session is encrypted"),
     N_("Both sides choose it together. All that PostgreSQL 13 and later allow by default are "
        "good."),
     "ssl_ciphers, pg_stat_ssl.cipher", "openssl ciphers -v", "TLS/SSL"},
    {"clientcert", N_("a certificate beside another method"),
     N_("clientcert=verify-full asks for a certificate whose name is the role, and for the "
        "password "
        "too. clientcert=verify-ca takes any certificate of the CA: never use it with trust."),
     "hostssl all all all scram-sha-256 clientcert=verify-full", "", "cert method, hostssl"},
    {"CN", N_("common name"),
     N_("The name inside a certificate. PostgreSQL compares the CN of a client certificate with "
        "the "
        "role, letter by letter; capital letters count."),
     "pg_stat_ssl.client_dn", "openssl x509 -in alice.crt -noout -subject",
     "subject, pg_ident map"},
    {"CRL", N_("certificate revocation list"),
     N_("A file, signed by the CA, with the serial numbers of certificates that must not be used "
        "any "
        "more. It has an end date: when it is over, PostgreSQL refuses EVERY client of that CA."),
     "ssl_crl_file, ssl_crl_dir", "openssl crl -in ca.crl -noout -text",
     "revoke, serial number, reload"},
    {"CSR", N_("certificate signing request"),
     N_("A public key and a wished name, signed with the private key. A CA makes a certificate of "
        "it; the private key never leaves its owner."),
     "", "openssl req -in alice.csr -noout -text", "CA, private key"},
    {"DER", N_("the binary form of certificates and keys"),
     N_("The same content as PEM without the text around it. PostgreSQL takes PEM only; Java wants "
        "private keys in DER (.pk8)."),
     "", "openssl x509 -inform DER -in a.der -out a.crt", "PEM, PKCS#12"},
    {"expiry", N_("the end of a certificate"),
     N_("After its notAfter date a certificate is refused. There is no grace: a new one must be in "
        "use before."),
     "", "openssl x509 -in alice.crt -noout -enddate", "renew, CRL"},
    {"fingerprint (SHA-256)", N_("a short number that stands for a whole certificate"),
     N_("Two certificates with the same fingerprint are the same. Compare it by telephone with the "
        "sender before you trust a CA that came by mail."),
     "", "openssl x509 -in ca.crt -noout -fingerprint -sha256", "certificate"},
    {"generation", N_("a CA that takes another one's place"),
     N_("It has a key of its own and a name of its own, \"... G2\": PostgreSQL tells CAs apart by "
        "their names, and the same name with another key would lock everybody out."),
     "ssl_ca_file with both", "", "rotate, overlap, CA"},
    {"hostssl", N_("a rule for TLS connections only"),
     N_("A line of pg_hba.conf that begins with hostssl fits only clients that came with TLS. A "
        "host "
        "line below it still lets clients in without TLS, unless a hostnossl reject line is "
        "above."),
     "pg_hba.conf", "SELECT * FROM pg_hba_file_rules", "pg_hba.conf, cert method"},
    {"issuer", N_("who signed a certificate"),
     N_("The name of the CA, as it stands in the certificate. Two CAs with the same name cannot be "
        "told apart by people, and hardly by programs."),
     "pg_stat_ssl.issuer_dn", "openssl x509 -in alice.crt -noout -issuer", "subject, CA"},
    {"overlap", N_("old and new side by side"),
     N_("While something is replaced, both work: servers trust the old and the new CA, a role has "
        "an "
        "old and a new certificate. The old one goes when nobody uses it any more."),
     "", "", "rotate, renew"},
    {"passphrase", N_("what a private key is locked with"),
     N_("The key file is of no use to a thief who does not know it. Services that start alone need "
        "a "
        "key without one."),
     "sslpassword, ssl_passphrase_command", "openssl pkey -in alice.key -noout", "private key"},
    {"PEM", N_("the text form of certificates and keys"),
     N_("Lines between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----. It can be mailed "
        "and pasted; a private key in PEM form must not be."),
     "", "openssl x509 -in alice.crt -noout -subject", "DER, certificate"},
    {"pg_hba.conf", N_("who may log in how"),
     N_("PostgreSQL reads it from the top and uses the FIRST line that fits database, role, "
        "address "
        "and TLS. What stands below that line does not count."),
     "hba_file", "SELECT * FROM pg_hba_file_rules", "hostssl, reload"},
    {"pg_ident map", N_("certificate name to role"),
     N_("A line in pg_ident.conf says that the name in a certificate may log in as another role. A "
        "rule names the map: cert map=NAME."),
     "pg_ident.conf", "SELECT * FROM pg_ident_file_mappings", "CN, cert method"},
    {"PKCS#12", N_("key and certificates in one file"),
     N_("A .p12 or .pfx file, locked with a passphrase. Java and Windows read it, libpq (psql, "
        "pgAdmin) does not; Java "
        "asks "
        "for the entry named \"user\"."),
     "", "openssl pkcs12 -in alice.p12 -info -noout", "PEM, DER"},
    {"private key", N_("the secret half of a key pair"),
     N_("Whoever has it can be the client, until the certificate ends or is revoked. It stays on "
        "one "
        "machine, readable by its owner only (0600)."),
     "sslkey, ssl_key_file", "openssl pkey -in alice.key -noout -text", "public key, passphrase"},
    {"public key", N_("the half that may be shown"),
     N_("It stands in the certificate. \"Paste the public key\" of a cloud console means the "
        "certificate of the CA, never a .key file."),
     "", "openssl x509 -in ca.crt -noout -pubkey", "private key, certificate"},
    {"reload", N_("the server reads its files again"),
     N_("Sessions stay open. When a TLS file is missing or damaged, PostgreSQL keeps the old ones "
        "and "
        "says so only in its log: a handshake from outside shows which ones it uses."),
     "pg_reload_conf()", "SELECT pg_reload_conf()", "restart"},
    {"renew", N_("a new certificate before the old one ends"),
     N_("A new key and a new end date for the same role. The old one stays valid until it ends or "
        "is "
        "revoked."),
     "", "", "expiry, overlap"},
    {"restart", N_("the server stops and starts"),
     N_("All sessions end. With a missing or damaged TLS file the server does not start at all, so "
        "every change is proven before."),
     "pg_ctl restart", "", "reload"},
    {"revoke", N_("to call a certificate back"),
     N_("Its serial number goes on the CRL, and every server must get the new list. It stops new "
        "logins; open sessions have to be ended."),
     "ssl_crl_file", "openssl ca -revoke alice.crt", "CRL, backend/session"},
    {"root certificate", N_("a CA that signed itself"),
     N_("The end of every chain. Whoever checks has a copy of it and trusts it for that reason "
        "alone."),
     "sslrootcert, ssl_ca_file", "openssl x509 -in root.crt -noout -text", "CA, chain"},
    {"rotate", N_("to replace a CA or a key in steps"),
     N_("First both are trusted, then the clients move one by one, then the old one is taken away. "
        "In this order nobody is locked out. Home r leads through it."),
     "", "pgseal rotate status", "generation, straggler, overlap, renew"},
    {"SAN", N_("subject alternative name"),
     N_("The host names and addresses in a server's certificate. A client with verify-full "
        "compares "
        "them with the host that it wanted."),
     "", "openssl x509 -in server.crt -noout -ext subjectAltName", "verify-full"},
    {"self-signed", N_("signed with its own key"),
     N_("A root CA is. A server certificate that signed itself can be trusted only by copying it "
        "to "
        "every client."),
     "", "openssl verify -CAfile a.crt a.crt", "root certificate"},
    {"serial number", N_("the number of a certificate"),
     N_("Unique for one CA. openssl and pgseal print it in hex, pg_stat_ssl in decimal; it is what "
        "a "
        "CRL lists."),
     "pg_stat_ssl.client_serial", "openssl x509 -in alice.crt -noout -serial", "CRL, issuer"},
    {"sslmode", N_("what a client insists on"),
     N_("prefer, the default, may end without TLS. require encrypts but does not look who the "
        "server "
        "is. verify-full does both, and is the one to use."),
     "sslmode=verify-full", "psql \"host=db1 sslmode=verify-full\"", "verify-full"},
    {"straggler", N_("who uses the old one still"),
     N_("A session that is open with an old certificate, or a client that was seen with one and "
        "not yet with its new one: a pool, a nightly job, a standby. It would be refused when the "
        "old CA goes."),
     "pg_stat_ssl.client_serial", "SELECT client_serial, issuer_dn FROM pg_stat_ssl",
     "rotate, overlap, backend/session"},
    {"subject", N_("whose certificate it is"),
     N_("A name with parts such as CN and O. pgseal puts only the CN into it: pg_stat_ssl cuts "
        "names "
        "at 63 bytes."),
     "pg_stat_ssl.client_dn", "openssl x509 -in alice.crt -noout -subject", "CN, issuer"},
    {"TLS/SSL", N_("encryption on the way, and proof who is there"),
     N_("SSL is the old name of TLS; PostgreSQL still says ssl. Version 1.2 and 1.3 are good, 1.0 "
        "and "
        "1.1 are broken."),
     "ssl = on", "openssl s_client -starttls postgres -connect db1:5432", "cipher, certificate"},
    {"verify-full", N_("the client checks the server"),
     N_("It must show a certificate of a CA that the client trusts, for the host name that was "
        "asked "
        "for. Anything less lets somebody in the middle be the server."),
     "sslmode=verify-full sslrootcert=root.crt", "", "SAN, sslmode"},
};

const struct word *word_list(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(words);
    return words;
}

size_t word_find(const char *word)
{
    size_t i = 0;

    while (i < ARRAY_LEN(words) && strcasecmp(words[i].word, word) != 0)
        i++;
    return i;
}

/* The next part of a word, from *at on: "TLS/SSL" has two, "fingerprint (SHA-256)" as well. */
static size_t next_part(const char **at)
{
    size_t len;

    *at += strspn(*at, "/() ");
    len = strcspn(*at, "/() ");
    return len;
}

static bool has_part(const char *word, const char *text)
{
    size_t len;

    for (const char *at = word; (len = next_part(&at)) > 0; at += len) {
        if (strlen(text) == len && strncasecmp(at, text, len) == 0)
            return true;
    }
    return false;
}

size_t word_meant(const char *text)
{
    size_t n = ARRAY_LEN(words), at = word_find(text), part = n, parts = 0, begin = n, begins = 0;

    if (at < n || text[0] == '\0')
        return at;
    for (size_t i = 0; i < n; i++) {
        if (has_part(words[i].word, text) && parts++ == 0)
            part = i;
        if (strncasecmp(words[i].word, text, strlen(text)) == 0 && begins++ == 0)
            begin = i;
    }
    return parts == 1 ? part : begins == 1 ? begin : n;
}

/* How far a text is from a word: 0 to 2 typing errors, then found elsewhere. */
enum { DISTANCE_TITLE = 3, DISTANCE_TEXT, DISTANCE_FAR };

static size_t distance_to(const struct word *word, const char *text)
{
    size_t best = DISTANCE_FAR, typos = strlen(text) < 5 ? 1 : 2, len;
    char part[32];

    if (strcasestr(word->word, text) != NULL)
        return 0;
    for (const char *at = word->word; (len = next_part(&at)) > 0; at += len) {
        size_t distance;

        if (len >= sizeof(part))
            continue;
        memcpy(part, at, len);
        part[len] = '\0';
        distance = text_distance(part, text);
        if (distance <= typos && distance < best)
            best = distance;
    }
    len = text_distance(word->word, text);
    if (len <= typos && len < best)
        best = len;
    if (best == DISTANCE_FAR && strcasestr(gettext(word->title), text) != NULL)
        best = DISTANCE_TITLE;
    if (best == DISTANCE_FAR && strlen(text) > 2 && strcasestr(gettext(word->text), text) != NULL)
        best = DISTANCE_TEXT;
    return best;
}

size_t word_near(const char *text, size_t *ret, size_t max)
{
    size_t n = 0;

    for (size_t distance = 0; distance <= DISTANCE_TEXT; distance++) {
        for (size_t i = 0; i < ARRAY_LEN(words) && n < max; i++) {
            if (distance_to(&words[i], text) == distance)
                ret[n++] = i;
        }
    }
    return n;
}
