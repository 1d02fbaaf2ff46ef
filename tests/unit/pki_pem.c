/* What people paste: each way in which a terminal, a mail or a hand damages PEM. */
#include "config.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pki/ossl.h"
#include "tests/unit/pki_fixture.h"

struct fixture {
    struct pair ca;
    struct strbuf pem; /* of the CA */
    struct strbuf der;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct err err = ERR_INIT;

    fixture->ca = fixture_ca("Acme PG Root CA");
    strbuf_init(&fixture->pem);
    strbuf_init(&fixture->der);
    fixture_pem(&fixture->pem, fixture->ca.cert);
    assert_ok(cert_to_der(fixture->ca.cert, &fixture->der, &err), &err);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    pair_clear(&fixture->ca);
    strbuf_clear(&fixture->pem);
    strbuf_clear(&fixture->der);
    free(fixture);
    return 0;
}

/* Appends text with every `from` replaced by `to`. */
static void replace(struct strbuf *out, const char *text, const char *from, const char *to)
{
    const char *found;

    while ((found = strstr(text, from)) != NULL) {
        strbuf_add(out, text, (size_t)(found - text));
        strbuf_add_str(out, to);
        text = found + strlen(from);
    }
    strbuf_add_str(out, text);
}

/* The CA comes out byte for byte, and what had to be cleaned is told. */
static void assert_taken(const struct fixture *fixture, const void *bytes, size_t len,
                         unsigned cleaned)
{
    struct pem pem;

    pem_scan(bytes, len, &pem);
    assert_int_equal(pem.problem, PEM_FINE);
    assert_int_equal(pem.n, 1);
    assert_int_equal(pem.blocks[0].kind, PEM_CERTIFICATE);
    assert_true(strbuf_equal(&pem.blocks[0].der, &fixture->der));
    assert_false(pem.has_private_key);
    if (pem.cleaned != cleaned)
        fail_msg("cleaned 0x%x, expected 0x%x in: %.200s", pem.cleaned, cleaned,
                 (const char *)bytes);
    pem_clear(&pem);
}

static void assert_text_taken(const struct fixture *fixture, const struct strbuf *text,
                              unsigned cleaned)
{
    assert_taken(fixture, text->data, text->len, cleaned);
}

static void test_replaced(void **state)
{
    static const struct {
        const char *from;
        const char *to;
        unsigned cleaned;
    } rows[] = {
        {"\n", "\r\n", PEM_CLEANED_LINE_ENDS},
        {"\n", "\r", PEM_CLEANED_LINE_ENDS},
        {"\n", "\r\r", PEM_CLEANED_LINE_ENDS | PEM_CLEANED_BLANK_LINES}, /* CRLF through tmux */
        {"\n", "\n\n", PEM_CLEANED_BLANK_LINES},
        {"\n", " \n", 0}, /* OpenSSL takes spaces at the end, too */
        {"\n", " ", PEM_CLEANED_ONE_LINE},
        {"\n", "", PEM_CLEANED_ONE_LINE},
        {"\n", "\\n", PEM_CLEANED_ONE_LINE}, /* JSON, environment files */
        {"\n", "\\r\\n", PEM_CLEANED_ONE_LINE},
        {"\n", "\n   ", PEM_CLEANED_INDENT},
        {"\n", "\n\t", PEM_CLEANED_INDENT},
        {"\n", "\n> ", PEM_CLEANED_QUOTES},
        {"\n", "\n> > ", PEM_CLEANED_QUOTES},
        {"\n", "\n| ", PEM_CLEANED_QUOTES},
        {"\n", "\n\xc2\xa0", PEM_CLEANED_INDENT | PEM_CLEANED_SPACES},
        {"\n", "\xa0\n", PEM_CLEANED_SPACES}, /* NBSP of Windows-1252 */
        {"\n", "\xe2\x80\x8b\n", PEM_CLEANED_SPACES},
        {"\n", "\x01\n", PEM_CLEANED_CONTROL},
        {"\n", "\n\x7f", PEM_CLEANED_CONTROL},
        {"-----", "----", PEM_CLEANED_DASHES},
        {"-----", "------", PEM_CLEANED_DASHES},
        {"-----", "\xe2\x80\x93\xe2\x80\x93", PEM_CLEANED_DASHES},
        {"-----", "\xe2\x80\x94-", PEM_CLEANED_DASHES},
        {"-----", "\x96\x96", PEM_CLEANED_DASHES}, /* en dashes of Windows-1252 */
        {"-----BEGIN", "----- BEGIN", PEM_CLEANED_DASHES},
        {"BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE", PEM_CLEANED_DASHES},
        {"END CERTIFICATE-----", "END CERTIFICATE", PEM_CLEANED_DASHES},
        {" CERTIFICATE", " X509 CERTIFICATE", 0},
        {"-----BEGIN", "\n\n   \n-----BEGIN", 0},
        {"-----BEGIN", "\xef\xbb\xbf-----BEGIN", PEM_CLEANED_BOM},
        {"-----BEGIN", "Bag Attributes\n    friendlyName: x\n-----BEGIN", PEM_CLEANED_TEXT},
        {"-----BEGIN", "ca: \"-----BEGIN", PEM_CLEANED_TEXT},
        {"-----BEGIN", "-- \nregards --\n-----BEGIN", PEM_CLEANED_TEXT},
        {"-----BEGIN", "Certificate:\n\xc2\xa0 \\n Data\n-----BEGIN", PEM_CLEANED_TEXT},
    };
    const struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct strbuf text = STRBUF_INIT;

        replace(&text, fixture->pem.data, rows[i].from, rows[i].to);
        assert_text_taken(fixture, &text, rows[i].cleaned);
        strbuf_clear(&text);
    }
}

static void test_shapes(void **state)
{
    const struct fixture *fixture = *state;
    struct strbuf text = STRBUF_INIT;
    char *base64 = strchr(fixture->pem.data, '\n') + 1;

    assert_text_taken(fixture, &fixture->pem, 0);
    /* without the last line end */
    assert_taken(fixture, fixture->pem.data, fixture->pem.len - 1, 0);
    /* every line indented, the first one, too */
    strbuf_add_str(&text, "    ");
    replace(&text, fixture->pem.data, "\n", "\n    ");
    assert_text_taken(fixture, &text, PEM_CLEANED_INDENT);
    /* every line quoted */
    strbuf_reset(&text);
    strbuf_add_str(&text, "> ");
    replace(&text, fixture->pem.data, "\n", "\n> ");
    assert_text_taken(fixture, &text, PEM_CLEANED_QUOTES);
    /* lines of 30 and 34 */
    strbuf_reset(&text);
    strbuf_add(&text, fixture->pem.data, (size_t)(base64 - fixture->pem.data));
    for (const char *line = base64; *line; line = strchr(line, '\n') + 1) {
        size_t len = strcspn(line, "\n");

        if (len > 30 && line[0] != '-') {
            strbuf_add(&text, line, 30);
            strbuf_add_char(&text, '\n');
            strbuf_add(&text, line + 30, len - 30);
        } else {
            strbuf_add(&text, line, len);
        }
        strbuf_add_char(&text, '\n');
    }
    assert_text_taken(fixture, &text, 0);
    /* text behind */
    strbuf_reset(&text);
    strbuf_add_str(&text, fixture->pem.data);
    strbuf_add_str(&text, "$ ");
    assert_text_taken(fixture, &text, PEM_CLEANED_TEXT);
    strbuf_clear(&text);
}

static void test_utf16(void **state)
{
    const struct fixture *fixture = *state;
    struct strbuf text = STRBUF_INIT;

    strbuf_add_str(&text, "\xff\xfe");
    for (size_t i = 0; i < fixture->pem.len; i++) {
        strbuf_add_char(&text, fixture->pem.data[i]);
        strbuf_add_char(&text, '\0');
    }
    assert_text_taken(fixture, &text, PEM_CLEANED_BOM);
    strbuf_reset(&text);
    strbuf_add_str(&text, "\xfe\xff");
    for (size_t i = 0; i < fixture->pem.len; i++) {
        strbuf_add_char(&text, '\0');
        strbuf_add_char(&text, fixture->pem.data[i]);
    }
    assert_text_taken(fixture, &text, PEM_CLEANED_BOM);
    strbuf_clear(&text);
}

static void test_der(void **state)
{
    const struct fixture *fixture = *state;
    struct pem pem;

    assert_text_taken(fixture, &fixture->der, PEM_CLEANED_DER);
    pem_scan(fixture->der.data, fixture->der.len - 5, &pem);
    assert_int_equal(pem.problem, PEM_CUT);
    assert_int_equal(pem.n, 0);
    pem_clear(&pem);
}

static void test_trusted(void **state)
{
    const struct fixture *fixture = *state;
    X509 *x = X509_dup(ossl_cert(fixture->ca.cert));
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    long len;

    assert_int_equal(X509_add1_trust_object(x, OBJ_nid2obj(NID_server_auth)), 1);
    assert_int_equal(PEM_write_bio_X509_AUX(bio, x), 1);
    len = BIO_get_mem_data(bio, &data);
    assert_non_null(memmem(data, (size_t)len, "TRUSTED", 7));
    assert_taken(fixture, data, (size_t)len, PEM_CLEANED_TRUSTED);
    BIO_free(bio);
    X509_free(x);
}

static void assert_problem(const char *text, enum pem_problem problem, size_t n)
{
    struct pem pem;

    pem_scan(text, strlen(text), &pem);
    if (pem.problem != problem || pem.n != n)
        fail_msg("problem %d, %zu blocks: %.80s", pem.problem, pem.n, text);
    pem_clear(&pem);
}

static void test_problems(void **state)
{
    const struct fixture *fixture = *state;
    struct strbuf text = STRBUF_INIT;
    const char *body = strchr(fixture->pem.data, '\n') + 1;
    char *large = calloc(1, PEM_SCAN_MAX + 1);
    struct pem pem;

    assert_problem("", PEM_EMPTY, 0);
    assert_problem(" \r\n\t\n", PEM_EMPTY, 0);
    assert_problem("hello", PEM_NO_BEGIN, 0);
    assert_problem("-----", PEM_NO_BEGIN, 0);
    assert_problem("-- BEGIN the story", PEM_NO_BEGIN, 0);
    assert_problem("-----BEGIN CERTIFICATE-----", PEM_CUT, 0);
    assert_problem("-----BEGIN CERTIF", PEM_CUT, 0);
    assert_problem("-----BEGIN CERTIFICATE-----\nMIIB\n", PEM_CUT, 0);
    assert_problem("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFIC", PEM_CUT, 0);
    assert_problem("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", PEM_BAD_BASE64, 0);
    assert_problem("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", PEM_BAD_BASE64,
                   0);
    assert_problem("-----BEGIN CERTIFICATE-----\nM*IB\n-----END CERTIFICATE-----", PEM_BAD_BASE64,
                   0);
    assert_problem("-----BEGIN CERTIFICATE-----\nMIIB\n-----END X509 CRL-----", PEM_CUT, 0);
    assert_problem(body, PEM_NO_BEGIN, 0); /* its first line is missing */
    strbuf_add(&text, body, (size_t)(strstr(body, "-----END") - body));
    assert_problem(text.data, PEM_NO_BEGIN, 0); /* bare base64 */
    /* the first one whole, the second one cut */
    strbuf_reset(&text);
    strbuf_add_str(&text, fixture->pem.data);
    strbuf_add(&text, fixture->pem.data, 200);
    assert_problem(text.data, PEM_CUT, 1);
    /* one character changed */
    strbuf_reset(&text);
    strbuf_add_str(&text, fixture->pem.data);
    *(strchr(text.data, '\n') + 2) = 'A';
    assert_problem(text.data, PEM_BAD_BASE64, 0);
    /* a certificate under another name */
    strbuf_reset(&text);
    replace(&text, fixture->pem.data, "CERTIFICATE", "X509 CRL");
    assert_problem(text.data, PEM_BAD_BASE64, 0);
    pem_scan(large, PEM_SCAN_MAX + 1, &pem);
    assert_int_equal(pem.problem, PEM_TOO_LARGE);
    pem_clear(&pem);
    free(large);
    strbuf_clear(&text);
}

static void assert_kind(const void *text, size_t len, enum pem_kind kind)
{
    struct pem pem;

    pem_scan(text, len, &pem);
    assert_int_equal(pem.n, 1);
    assert_int_equal(pem.blocks[0].kind, kind);
    assert_int_equal(pem_count(&pem, kind), 1);
    pem_clear(&pem);
}

/* Kind, no bytes, and has_private_key. */
static void assert_key(const void *text, size_t len, enum pem_kind kind)
{
    struct pem pem;

    pem_scan(text, len, &pem);
    assert_true(pem.has_private_key);
    assert_int_equal(pem.n, 1);
    assert_int_equal(pem.blocks[0].kind, kind);
    assert_int_equal(pem.blocks[0].der.len, 0);
    pem_clear(&pem);
}

static void test_kinds(void **state)
{
    const struct fixture *fixture = *state;
    struct err err = ERR_INIT;
    struct strbuf text = STRBUF_INIT;
    struct strbuf der = STRBUF_INIT;
    struct crl *crl = fixture_crl(&fixture->ca, NULL, 0);
    struct name *subject = name_new_common_name("alice", &err);
    struct csr *csr = csr_new(subject, NULL, fixture->ca.key, &err);
    static const char ssh[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA alice@laptop\n";
    static const char ssh2[] = "---- BEGIN SSH2 PUBLIC KEY ----\nComment: x\nAAAA\n"
                               "---- END SSH2 PUBLIC KEY ----\n";
    static const char other[] =
        "-----BEGIN DH PARAMETERS-----\nMIIB\n-----END DH PARAMETERS-----\n";
    static const char pkcs7[] = "-----BEGIN PKCS7-----\nMAMCAQE=\n-----END PKCS7-----\n";

    assert_ok(crl_to_pem(crl, &text, &err), &err);
    assert_kind(text.data, text.len, PEM_CRL);
    assert_ok(crl_to_der(crl, &der, &err), &err);
    assert_kind(der.data, der.len, PEM_CRL);
    strbuf_reset(&text);
    assert_ok(csr_to_pem(csr, &text, &err), &err);
    assert_kind(text.data, text.len, PEM_REQUEST);
    strbuf_reset(&text);
    strbuf_reset(&der);
    assert_ok(key_public_der(fixture->ca.key, &der, &err), &err);
    pem_write(&text, "PUBLIC KEY", der.data, der.len);
    assert_kind(text.data, text.len, PEM_PUBLIC_KEY);
    assert_kind(der.data, der.len, PEM_PUBLIC_KEY);
    assert_kind(ssh, sizeof(ssh) - 1, PEM_SSH_KEY);
    assert_kind(ssh2, sizeof(ssh2) - 1, PEM_SSH_KEY);
    assert_kind(other, sizeof(other) - 1, PEM_OTHER);
    assert_kind(pkcs7, sizeof(pkcs7) - 1, PEM_PKCS7);
    crl_free(crl);
    csr_free(csr);
    name_free(subject);
    strbuf_clear(&text);
    strbuf_clear(&der);
}

static void test_private_keys(void **state)
{
    const struct fixture *fixture = *state;
    struct err err = ERR_INIT;
    struct secret *plain = key_to_pem(fixture->ca.key, NULL, 0, &err);
    struct secret *passphrase = secret_new(16);
    struct secret *locked;
    struct secret *der = key_to_pkcs8_der(fixture->ca.key, &err);
    struct strbuf text = STRBUF_INIT;
    static const char traditional[] =
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n"
        "AAAA\n-----END RSA PRIVATE KEY-----\n";
    static const char openssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n"
                                  "-----END OPENSSH PRIVATE KEY-----\n";
    static const char putty[] = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n";
    static const char half[] = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA";
    static const char tail[] = "AAAA\n-----END PRIVATE KEY-----";
    static const char broken[] = "-----BEGIN PRIVATE KEY\nMIGHAgEA";
    const char *body;
    struct pem pem;

    assert_true(secret_set(passphrase, "x", 1));
    locked = key_to_pem(fixture->ca.key, passphrase, 2000, &err);
    assert_key(secret_data(plain), secret_len(plain), PEM_PRIVATE_KEY);
    assert_key(secret_data(locked), secret_len(locked), PEM_ENCRYPTED_KEY);
    assert_key(secret_data(der), secret_len(der), PEM_PRIVATE_KEY);
    assert_key(secret_data(der), secret_len(der) - 3, PEM_PRIVATE_KEY);
    assert_key(traditional, sizeof(traditional) - 1, PEM_ENCRYPTED_KEY);
    assert_key(openssh, sizeof(openssh) - 1, PEM_PRIVATE_KEY);
    assert_key(putty, sizeof(putty) - 1, PEM_PRIVATE_KEY);
    assert_key(half, sizeof(half) - 1, PEM_PRIVATE_KEY);
    assert_key(tail, sizeof(tail) - 1, PEM_PRIVATE_KEY);
    assert_key(broken, sizeof(broken) - 1, PEM_PRIVATE_KEY);
    /* without its BEGIN line: bare base64 */
    body = strchr(secret_data(plain), '\n') + 1;
    assert_key(body, (size_t)(strstr(body, "-----END") - body), PEM_PRIVATE_KEY);
    /* under the label of a certificate */
    replace(&text, secret_data(plain), "PRIVATE KEY", "CERTIFICATE");
    assert_key(text.data, text.len, PEM_PRIVATE_KEY);
    /* key and certificate in one file, which OpenSSL takes without a word */
    strbuf_reset(&text);
    strbuf_add(&text, secret_data(plain), secret_len(plain));
    strbuf_add(&text, fixture->pem.data, fixture->pem.len);
    pem_scan(text.data, text.len, &pem);
    assert_true(pem.has_private_key);
    assert_int_equal(pem.n, 2);
    assert_int_equal(pem.blocks[0].der.len, 0);
    assert_true(strbuf_equal(&pem.blocks[1].der, &fixture->der));
    pem_clear(&pem);
    secret_free(plain);
    secret_free(locked);
    secret_free(passphrase);
    secret_free(der);
    strbuf_clear(&text);
}

/* -- classes of use ---------------------------------------------------------------------------- */

static enum err_code cas_code(const char *text, size_t len)
{
    struct err err = ERR_INIT;
    struct cert_list list;
    struct pem pem;
    bool taken;

    pem_scan(text, len, &pem);
    taken = pem_take_cas(&pem, NOW, &list, &err);
    if (taken)
        cert_list_clear(&list);
    else
        assert_true(err.msg[0] != '\0');
    pem_clear(&pem);
    return taken ? ERR_NONE : err.code;
}

static enum err_code crls_code(const char *text, size_t len)
{
    struct err err = ERR_INIT;
    struct crl **crls = NULL;
    size_t n = 0;
    struct pem pem;
    bool taken;

    pem_scan(text, len, &pem);
    taken = pem_take_crls(&pem, &crls, &n, &err);
    for (size_t i = 0; i < n; i++)
        crl_free(crls[i]);
    free(crls);
    pem_clear(&pem);
    return taken ? ERR_NONE : err.code;
}

static void test_cas_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct err err = ERR_INIT;
    struct pair leaf = fixture_leaf(&fixture->ca, PROFILE_CLIENT, "alice");
    struct pair ended = fixture_ca_dates("Old CA", NOW - YEAR, NOW);
    struct crl *crl = fixture_crl(&fixture->ca, NULL, 0);
    struct secret *key = key_to_pem(fixture->ca.key, NULL, 0, &err);
    struct name *subject = name_new_common_name("alice", &err);
    struct csr *csr = csr_new(subject, NULL, fixture->ca.key, &err);
    struct strbuf text = STRBUF_INIT;

    assert_int_equal(cas_code(fixture->pem.data, fixture->pem.len), ERR_NONE);
    assert_int_equal(cas_code("", 0), ERR_NOT_A_CERTIFICATE);
    assert_int_equal(cas_code("hello", 5), ERR_NOT_A_CERTIFICATE);
    assert_int_equal(cas_code(fixture->pem.data, 300), ERR_CUT_OFF);
    fixture_pem(&text, leaf.cert);
    assert_int_equal(cas_code(text.data, text.len), ERR_NOT_A_CA);
    fixture_pem(&text, fixture->ca.cert); /* a leaf beside its CA */
    assert_int_equal(cas_code(text.data, text.len), ERR_NOT_A_CA);
    strbuf_reset(&text);
    fixture_pem(&text, ended.cert);
    assert_int_equal(cas_code(text.data, text.len), ERR_CERT_ENDED);
    strbuf_reset(&text);
    assert_ok(crl_to_pem(crl, &text, &err), &err);
    assert_int_equal(cas_code(text.data, text.len), ERR_NOT_A_CERTIFICATE);
    assert_int_equal(crls_code(text.data, text.len), ERR_NONE);
    strbuf_add(&text, fixture->pem.data, fixture->pem.len); /* PostgreSQL would trust that CA */
    assert_int_equal(crls_code(text.data, text.len), ERR_NOT_A_CRL);
    strbuf_reset(&text);
    assert_ok(csr_to_pem(csr, &text, &err), &err);
    assert_int_equal(cas_code(text.data, text.len), ERR_IS_A_REQUEST);
    strbuf_reset(&text);
    strbuf_add(&text, fixture->pem.data, fixture->pem.len);
    strbuf_add(&text, secret_data(key), secret_len(key));
    assert_int_equal(cas_code(text.data, text.len), ERR_PRIVATE_KEY_PASTED);
    assert_int_equal(crls_code(text.data, text.len), ERR_PRIVATE_KEY_PASTED);
    secret_free(key);
    csr_free(csr);
    name_free(subject);
    crl_free(crl);
    strbuf_clear(&text);
    pair_clear(&leaf);
    pair_clear(&ended);
}

/* Root first, each once, whatever the order of the paste. */
static void test_cas_order(void **state)
{
    struct pair root = fixture_ca("M Root");
    struct pair inter = fixture_sub_ca(&root, "A Inter");
    struct pair below = fixture_sub_ca(&inter, "Z Below");
    struct pair other = fixture_ca("B Other");
    const struct cert *const in_order[] = {other.cert, root.cert, inter.cert, below.cert};
    static const size_t pastes[][5] = {{3, 2, 1, 0, 3}, {0, 1, 2, 3, 0}, {2, 3, 0, 1, 2}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pastes); i++) {
        struct err err = ERR_INIT;
        struct strbuf text = STRBUF_INIT;
        struct cert_list list;
        struct pem pem;

        for (size_t j = 0; j < 5; j++)
            fixture_pem(&text, in_order[pastes[i][j]]);
        pem_scan(text.data, text.len, &pem);
        assert_int_equal(pem.n, 5);
        assert_ok(pem_take_cas(&pem, NOW, &list, &err), &err);
        assert_int_equal(list.n, 4);
        for (size_t j = 0; j < 4; j++)
            assert_true(cert_equal(list.certs[j], in_order[j]));
        cert_list_clear(&list);
        pem_clear(&pem);
        strbuf_clear(&text);
    }
    pair_clear(&root);
    pair_clear(&inter);
    pair_clear(&below);
    pair_clear(&other);
}

static void test_words(void **state)
{
    struct strbuf text = STRBUF_INIT;

    (void)state;
    pem_cleaned_text(0, &text);
    assert_string_equal(text.data, "");
    pem_cleaned_text(PEM_CLEANED_INDENT | PEM_CLEANED_BOM, &text);
    assert_string_equal(text.data, "spaces before lines, a byte order mark");
    for (unsigned bit = 0; bit < 12; bit++) {
        strbuf_reset(&text);
        pem_cleaned_text(1u << bit, &text);
        assert_true(text.len > 0);
    }
    strbuf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaced),    cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_utf16),       cmocka_unit_test(test_der),
        cmocka_unit_test(test_trusted),     cmocka_unit_test(test_problems),
        cmocka_unit_test(test_kinds),       cmocka_unit_test(test_private_keys),
        cmocka_unit_test(test_cas_refused), cmocka_unit_test(test_cas_order),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
