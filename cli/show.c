/*
 * show.c - "show": says what anything is, and what is wrong with it.
 *
 * Rule     a private key is named and never printed; the bytes that were read are wiped.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/record.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/pki/inspect.h"
#include "core/pki/pem.h"

#define LABEL_WIDTH 24

struct shown { /* one block while it is described */
    struct cli *cli;
    json_t *json; /* its fields */
    const struct inspect_node *tree;
    json_t *problems; /* sentences */
};

/* ---- the tree ---- */

static const char *mark_of(enum inspect_mark mark)
{
    switch (mark) {
    case INSPECT_PLAIN:
        return "";
    case INSPECT_GOOD:
        return "[ok] ";
    case INSPECT_NOTE:
        return "[--] ";
    case INSPECT_WARN:
        return "[!!] ";
    case INSPECT_BAD:
        break;
    }
    return "[xx] ";
}

static void print_tree(const struct output *output, const struct inspect_node *node, int depth)
{
    size_t width = 0;

    for (size_t i = 0; i < node->n; i++)
        if (strlen(node->children[i]->label) > width)
            width = strlen(node->children[i]->label);
    if (width > LABEL_WIDTH)
        width = LABEL_WIDTH;
    for (size_t i = 0; i < node->n; i++) {
        const struct inspect_node *child = node->children[i];

        if (*child->label)
            output_line(output, "%*s%-*s  %s%s", depth * 2, "", (int)width, child->label,
                        mark_of(child->mark), child->text);
        else
            output_line(output, "%*s%s%s", depth * 2, "", mark_of(child->mark), child->text);
        print_tree(output, child, depth + 1);
    }
}

/* {"label","text","mark","children"}, without what is empty. */
static json_t *tree_json(const struct inspect_node *node)
{
    static const char *const marks[] = {"", "good", "note", "warning", "error"};
    json_t *json = json_object();
    json_t *children;

    if (*node->label)
        json_object_set_new(json, "label", json_string_or_empty(node->label));
    json_object_set_new(json, "text", json_string_or_empty(node->text));
    if (node->mark != INSPECT_PLAIN)
        json_object_set_new(json, "mark", json_string(marks[node->mark]));
    if (node->n == 0)
        return json;
    children = json_array();
    for (size_t i = 0; i < node->n; i++)
        json_array_append_new(children, tree_json(node->children[i]));
    json_object_set_new(json, "children", children);
    return json;
}

/* The sentences that say what is wrong. */
static void add_problems(json_t *problems, const struct inspect_node *node)
{
    if (node->mark >= INSPECT_WARN)
        json_array_append_new(problems, json_string_or_empty(node->text));
    for (size_t i = 0; i < node->n; i++)
        add_problems(problems, node->children[i]);
}

/* ---- what only the JSON document has as fields ---- */

static void cert_fields(struct shown *shown, const struct cert *cert)
{
    json_t *fields = record_cert(cert);
    bool ca = cert_is_ca(cert);

    json_object_update(shown->json, fields);
    json_decref(fields);
    json_object_set_new(shown->json, "san", record_san(cert));
    json_object_set_new(shown->json, "is_ca", json_boolean(ca));
    json_object_set_new(shown->json, "for_clients", json_boolean(!ca && cert_for_clients(cert)));
    json_object_set_new(shown->json, "for_servers", json_boolean(!ca && cert_for_servers(cert)));
}

/* What the store knows of a certificate that came from elsewhere. */
static bool store_state(struct shown *shown, const struct cert *cert, struct err *err)
{
    struct serial serial = cert_serial(cert);
    struct issued *issued;
    struct err unknown = ERR_INIT;
    char hex[SERIAL_HEX_MAX], date[CLOCK_TEXT_MAX], text[160];

    if (!cli_store_if_any(shown->cli, err))
        return false;
    if (!shown->cli->store)
        return true;
    issued = issued_find(shown->cli->store, serial_format_hex(hex, &serial), &unknown);
    if (!issued || !cert_equal(issued->cert, cert)) {
        issued_free(issued);
        return true;
    }
    output_line(&shown->cli->out, _("  issued by us, by the CA \"%s\""), issued->authority);
    json_object_set_new(shown->json, "ca", json_string_or_empty(issued->authority));
    json_object_set_new(
        shown->json, "state",
        json_string(issued_state_name(issued_state_at(issued, clock_now(), RECORD_WITHIN_DAYS))));
    if (issued->revoked_at != 0) {
        snprintf(text, sizeof(text), _("It was revoked on %s (%s)."),
                 clock_format_date(date, issued->revoked_at), crl_reason_name(issued->reason));
        output_line(&shown->cli->out, "  [!!] %s", text);
        json_array_append_new(shown->problems, json_string(text));
    }
    issued_free(issued);
    return true;
}

static void crl_fields(struct shown *shown, const struct crl *crl)
{
    struct strbuf issuer = STRBUF_INIT;
    uint64_t number = 0;
    bool has_number = crl_number(crl, &number);

    crl_format_issuer(crl, &issuer);
    json_object_set_new(shown->json, "issuer", json_string_or_empty(issuer.data));
    json_object_set_new(shown->json, "number",
                        has_number ? json_integer((json_int_t)number) : json_null());
    json_object_set_new(shown->json, "this_update", json_time(crl_this_update(crl)));
    json_object_set_new(shown->json, "next_update", json_time(crl_next_update(crl)));
    json_object_set_new(shown->json, "revoked", json_integer((json_int_t)crl_count(crl)));
    strbuf_clear(&issuer);
}

/* None for a request that is not signed by its own key: the tree says that. */
static void request_fields(struct shown *shown, const struct pem_block *block)
{
    struct err unsigned_request = ERR_INIT;
    struct strbuf text = STRBUF_INIT;
    struct csr *csr;
    struct name *subject;

    pem_write(&text, "CERTIFICATE REQUEST", block->der.data, block->der.len);
    csr = csr_from_pem(text.data, text.len, &unsigned_request);
    strbuf_reset(&text);
    if (!csr) {
        strbuf_clear(&text);
        return;
    }
    subject = csr_subject(csr);
    name_format(subject, &text);
    json_object_set_new(shown->json, "subject", json_string_or_empty(text.data));
    json_object_set_new(shown->json, "key_type", json_string(key_type_name(csr_key_type(csr))));
    strbuf_clear(&text);
    name_free(subject);
    csr_free(csr);
}

static void key_fields(struct shown *shown, const struct strbuf *input, bool encrypted)
{
    struct err ignored =
        ERR_INIT; /* a key of a kind that OpenSSL cannot read has no type to show */
    struct key *key = encrypted ? NULL : key_from_pem(input->data, input->len, NULL, &ignored);

    json_object_set_new(shown->json, "encrypted", json_boolean(encrypted));
    if (key)
        json_object_set_new(shown->json, "key_type", json_string(key_type_name(key_type_of(key))));
    key_free(key);
}

static const char *kind_word(enum pem_kind kind) /* JSON */
{
    switch (kind) {
    case PEM_CERTIFICATE:
        return "certificate";
    case PEM_CRL:
        return "crl";
    case PEM_REQUEST:
        return "request";
    case PEM_PRIVATE_KEY:
    case PEM_ENCRYPTED_KEY:
        return "private-key";
    case PEM_PUBLIC_KEY:
        return "public-key";
    case PEM_SSH_KEY:
        return "ssh-key";
    case PEM_PKCS7:
        return "pkcs7";
    case PEM_PKCS12:
        return "pkcs12";
    case PEM_OTHER:
        break;
    }
    return "other";
}

static bool block_fields(struct shown *shown, const struct pem_block *block,
                         const struct strbuf *input, struct err *err)
{
    struct cert *cert;
    struct crl *crl;
    bool done = true;

    json_object_set_new(shown->json, "kind", json_string(kind_word(block->kind)));
    switch (block->kind) {
    case PEM_CERTIFICATE:
        cert = cert_from_der(block->der.data, block->der.len, err);
        if (!cert)
            return false;
        cert_fields(shown, cert);
        done = store_state(shown, cert, err);
        cert_free(cert);
        break;
    case PEM_CRL:
        crl = crl_from_der(block->der.data, block->der.len, err);
        if (!crl)
            return false;
        crl_fields(shown, crl);
        crl_free(crl);
        break;
    case PEM_REQUEST:
        request_fields(shown, block);
        break;
    case PEM_PRIVATE_KEY:
    case PEM_ENCRYPTED_KEY:
        key_fields(shown, input, block->kind == PEM_ENCRYPTED_KEY);
        break;
    case PEM_PUBLIC_KEY:
    case PEM_SSH_KEY:
    case PEM_PKCS7:
    case PEM_PKCS12:
    case PEM_OTHER:
        break;
    }
    return done;
}

static bool show_block(struct shown *shown, const struct pem_block *block,
                       const struct strbuf *input, struct err *err)
{
    output_line(&shown->cli->out, "%s", shown->tree->text);
    print_tree(&shown->cli->out, shown->tree, 1);
    add_problems(shown->problems, shown->tree);
    json_object_set_new(shown->json, "tree", tree_json(shown->tree));
    return block_fields(shown, block, input, err);
}

/* Nothing that is known was found: the sentence for what is there instead. */
static bool not_known(const struct pem *pem, const char *path, struct err *err)
{
    switch (pem->problem) {
    case PEM_CUT:
        return err_set(err, ERR_CUT_OFF, _("\"%s\" has a BEGIN line without its END line"), path);
    case PEM_TOO_LARGE:
        return err_set(err, ERR_TOO_LARGE, _("\"%s\" is larger than %u bytes"), path, PEM_SCAN_MAX);
    case PEM_BAD_BASE64:
        return err_set(err, ERR_NOT_A_CERTIFICATE, _("\"%s\" has a block that does not decode"),
                       path);
    case PEM_EMPTY:
        return err_set(err, ERR_NOT_A_CERTIFICATE, _("\"%s\" is empty"), path);
    case PEM_NO_BEGIN:
    case PEM_FINE:
        break;
    }
    err_set(err, ERR_NOT_A_CERTIFICATE, _("\"%s\" is no certificate, CRL, request, key or bundle"),
            path);
    return err_cause(err, _("There is no -----BEGIN ...----- line in it, and it is not DER."));
}

static bool read_options(struct cli *cli, const char *path, struct inspect_options *options,
                         struct secret **ret_passphrase, struct err *err)
{
    struct stat st;

    options->now = clock_now();
    if (!cli_secret_file(cli, OPT_P12_PASSPHRASE_FILE, ret_passphrase, err) ||
        (!*ret_passphrase && !cli_secret_file(cli, OPT_KEY_PASSPHRASE_FILE, ret_passphrase, err)))
        return false;
    options->passphrase = *ret_passphrase;
    if (strcmp(path, "-") != 0 && stat(path, &st) == 0)
        options->file_mode = (unsigned)st.st_mode & 07777;
    return true;
}

static bool show_bytes(struct cli *cli, const char *path, const struct strbuf *input,
                       struct err *err)
{
    struct inspect_options options = {.file_mode = 0};
    struct secret *passphrase = NULL;
    struct inspect_node *tree = NULL;
    struct pem pem;
    json_t *items = json_array();
    json_t *problems = json_array();
    bool done;

    pem_scan(input->data, input->len, &pem);
    done = pem.n > 0 ? read_options(cli, path, &options, &passphrase, err)
                     : not_known(&pem, path, err);
    if (done)
        tree = inspect_bytes(input->data, input->len, &options);
    for (size_t i = 0; done && i < pem.n; i++) {
        struct shown shown = {
            .cli = cli, .json = json_object(), .problems = json_array(), .tree = tree->children[i]};

        if (i > 0)
            output_line(&cli->out, "%s", "");
        done = show_block(&shown, &pem.blocks[i], input, err);
        json_object_set_new(shown.json, "problems", shown.problems);
        json_array_append_new(items, shown.json);
    }
    if (done && tree->n > pem.n) {
        const struct inspect_node *whole = tree->children[tree->n - 1];

        output_line(&cli->out, "\n%s", whole->text);
        print_tree(&cli->out, whole, 1);
        add_problems(problems, whole);
    }
    if (done && cli->out.json)
        output_json(json_pack("{s:o, s:O, s:O}", "source", json_string_or_empty(path), "items",
                              items, "problems", problems),
                    false);
    json_decref(items);
    json_decref(problems);
    inspect_free(tree);
    secret_free(passphrase);
    pem_clear(&pem);
    return done;
}

static bool show_file(struct cli *cli, const char *path, struct err *err)
{
    struct strbuf input = STRBUF_INIT;
    bool done =
        cli_read_input(path, PEM_SCAN_MAX, &input, err) && show_bytes(cli, path, &input, err);

    strbuf_wipe(&input);
    return done;
}

static bool show_issued(struct cli *cli, const char *what, struct err *err)
{
    struct issued *issued;
    struct inspect_node *tree;
    char date[96];

    if (!cli_store_if_any(cli, err))
        return false;
    if (!cli->store) {
        err_set(err, ERR_FILE, _("there is no file \"%s\""), what);
        return err_cause(err, _("And there is no store here, so it is no serial number either."));
    }
    issued = issued_find(cli->store, what, err);
    if (!issued && err->code == ERR_CERT_UNKNOWN)
        return err_cause(err, _("There is no file of this name either."));
    if (!issued)
        return false;
    if (cli->out.json) {
        output_json(record_issued_state(issued, RECORD_WITHIN_DAYS), false);
    } else {
        output_pair(&cli->out, _("name"), issued->role);
        output_pair(&cli->out, _("kind"), issued_kind_name(issued->kind));
        output_pair(&cli->out, _("CA"), issued->authority);
        output_pair(&cli->out, _("note"), issued->note);
        output_pair(&cli->out, _("state"),
                    issued_state_name(issued_state_at(issued, clock_now(), RECORD_WITHIN_DAYS)));
        if (issued->revoked_at != 0) {
            output_pair(&cli->out, _("revoked"),
                        record_date(date, sizeof(date), issued->revoked_at));
            output_pair(&cli->out, _("reason"), crl_reason_name(issued->reason));
        }
        if (!issued->delivered)
            output_pair(&cli->out, _("[!!]"), _("Its files were never written."));
        output_line(&cli->out, _("Certificate"));
        tree = inspect_cert(issued->cert, clock_now());
        print_tree(&cli->out, tree, 1);
        inspect_free(tree);
    }
    issued_free(issued);
    return true;
}

bool run_show(struct cli *cli, struct err *err)
{
    const char *what = cli->args->names[0];
    struct stat st;
    bool file =
        stat(what, &st) == 0 && !S_ISDIR(st.st_mode); /* a kit's folder has the role's name */

    if (strcmp(what, "-") == 0 || file)
        return show_file(cli, what, err);
    return show_issued(cli, what, err);
}
