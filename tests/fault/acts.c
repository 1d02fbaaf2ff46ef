/* acts.c - everything that changes a store, as a table. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/kit/batch.h"
#include "core/store/authority_change.h"
#include "core/store/authority_request.h"
#include "core/store/sql.h"
#include "tests/fault/acts.h"

char *acts_path(const struct box *box, const char *name)
{
    return mem_printf("%s/out/%s", box->folder, name);
}

int64_t acts_number(struct store *store, const char *query)
{
    struct err err = ERR_INIT;
    struct sql *sql = sql_new(store, query, &err);
    int64_t value = 0;

    if (sql == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(sql_run_int(sql, -1, &value, &err));
    return value;
}

/* ---- a certificate with its kit ---- */

static bool unlock_acme(struct box *box, struct authority **ret_authority, struct key **ret_key,
                        struct err *err)
{
    *ret_key = NULL;
    *ret_authority = authority_load(box->store, "Acme", err);
    if (*ret_authority != NULL)
        *ret_key = authority_unlock(box->store, *ret_authority, NULL, err);
    return *ret_key != NULL;
}

bool acts_issue_kit(struct box *box, const char *role, const char *folder,
                    const struct issued *replaces, struct err *err)
{
    struct authority *authority = NULL;
    struct key *authority_key = NULL;
    struct key *key = key_generate(KEY_EC_P256, NULL, NULL, err);
    struct issue_spec spec = {.role = role, .key = key, .replaces = replaces};
    char *path = acts_path(box, folder);
    struct kit_spec kit = {.folder = path, .key_follows = true};
    struct kit_files files = {.key = NULL};
    struct issued draft = {.kind = ISSUED_CLIENT, .role = mem_strdup(role)};
    struct issued *issued = NULL;
    bool done = false;

    kit.issued = &draft;
    if (key == NULL || !unlock_acme(box, &authority, &authority_key, err) || !kit_check(&kit, err))
        goto out;
    issued = issued_make(box->store, authority, authority_key, &spec, err);
    if (issued == NULL)
        goto out;
    kit.issued = issued;
    kit.key = key;
    kit.key_follows = false;
    kit.ca = authority->cert;
    done = kit_write(&kit, &files, err) && issued_mark_delivered(box->store, issued, err);
out:
    kit_files_clear(&files);
    issued_free(issued);
    authority_free(authority);
    key_free(authority_key);
    key_free(key);
    free(draft.role);
    free(path);
    return done;
}

static bool has_folder(struct box *box, const char *name)
{
    char *path = acts_path(box, name);
    bool there = fs_exists(path);

    free(path);
    return there;
}

static bool issue(struct box *box, struct err *err)
{
    return acts_issue_kit(box, "carol", "carol", NULL, err);
}

static bool issue_done(struct box *box)
{
    return has_folder(box, "carol");
}

/* Her first certificate; by name she is not found when she has two, or none that is valid. */
static struct issued *first_of_alice(struct box *box, struct err *err)
{
    struct issued_filter filter = {.role = "alice", .state = -1, .sort = ISSUED_SORT_OLD};
    struct issued_list list = {.n = 0};
    struct issued *first;

    if (!issued_list(box->store, &filter, &list, err))
        return NULL;
    first = list.rows[0];
    list.rows[0] = list.rows[--list.n];
    issued_list_clear(&list);
    return first;
}

static bool renew(struct box *box, struct err *err)
{
    struct issued *old = first_of_alice(box, err);
    bool done = old != NULL && acts_issue_kit(box, "alice", "alice-again", old, err);

    issued_free(old);
    return done;
}

static bool renew_done(struct box *box)
{
    return has_folder(box, "alice-again");
}

/* ---- many ---- */

static bool run_batch(struct box *box, struct err *err)
{
    static const char text[] = "role,days\nalice,\ncarol,10\ndave,20\n";
    struct batch_list list = {.n = 0};
    struct batch_result result;
    struct authority *authority = NULL;
    struct key *key = NULL;
    char *folder = mem_printf("%s/out", box->folder);
    struct batch_spec spec = {.list = &list, .folder = folder, .key_type = KEY_EC_P256};
    bool done = false;

    if (batch_parse(text, sizeof(text) - 1, &list, err) &&
        unlock_acme(box, &authority, &key, err)) {
        spec.authority = authority;
        spec.authority_key = key;
        done = batch_run(box->store, &spec, &result, err);
    }
    batch_list_clear(&list);
    authority_free(authority);
    key_free(key);
    free(folder);
    return done;
}

/* Role by role: what is there counts. */
static bool batch_done(struct box *box)
{
    return has_folder(box, "carol") && has_folder(box, "dave");
}

/* ---- revocations ---- */

static bool revoke(struct box *box, struct err *err)
{
    struct issued *issued = first_of_alice(box, err);
    struct authority *authority = NULL;
    struct key *key = NULL;
    struct crl *crl = NULL;

    if (issued != NULL && unlock_acme(box, &authority, &key, err))
        crl = revoked_and_sign(box->store, authority, key, issued, CRL_KEY_COMPROMISE, 0, err);
    issued_free(issued);
    authority_free(authority);
    key_free(key);
    if (crl == NULL)
        return false;
    crl_free(crl);
    return true;
}

static bool revoke_done(struct box *box)
{
    return acts_number(box->store,
                       "SELECT revoked_at IS NOT NULL FROM issued WHERE role = 'alice'") == 1;
}

static bool refresh(struct box *box, struct err *err)
{
    struct authority *authority = NULL;
    struct key *key = NULL;
    struct crl *crl = NULL;

    if (unlock_acme(box, &authority, &key, err))
        crl = authority_sign_crl(box->store, authority, key, 0, err);
    authority_free(authority);
    key_free(key);
    if (crl == NULL)
        return false;
    crl_free(crl);
    return true;
}

static bool refresh_done(struct box *box)
{
    return acts_number(box->store, "SELECT max(number) FROM crl WHERE authority_id = 1") > 2;
}

/* ---- CAs ---- */

static bool create(struct box *box, struct err *err)
{
    struct secret *passphrase = box_secret(ACTS_PASSPHRASE);
    struct authority_spec spec = {.name = "Second", .passphrase = passphrase};
    struct authority *authority = authority_create(box->store, &spec, err);
    bool done = authority != NULL;

    authority_free(authority);
    secret_free(passphrase);
    return done;
}

static bool create_done(struct box *box)
{
    return acts_number(box->store, "SELECT count(*) FROM authority WHERE name = 'Second'") == 1;
}

static bool set_passphrase(struct box *box, struct err *err)
{
    struct secret *passphrase = box_secret(ACTS_PASSPHRASE);
    struct authority *authority = NULL;
    struct key *key = NULL;
    bool done = unlock_acme(box, &authority, &key, err) &&
                authority_set_passphrase(box->store, authority, key, passphrase, err);

    authority_free(authority);
    key_free(key);
    secret_free(passphrase);
    return done;
}

static bool set_passphrase_done(struct box *box)
{
    return acts_number(box->store, "SELECT key_encrypted FROM authority WHERE name = 'Acme'") == 1;
}

static bool renew_ca(struct box *box, struct err *err)
{
    struct authority_renewed renewed = {.authority = NULL};
    struct authority *authority = NULL;
    struct key *key = NULL;
    bool done = unlock_acme(box, &authority, &key, err) &&
                authority_renew(box->store, authority, key, 4000, &renewed, err);

    authority_free(renewed.authority);
    authority_free(authority);
    key_free(key);
    return done;
}

static bool renew_ca_done(struct box *box)
{
    return acts_number(box->store, "SELECT count(*) FROM authority_cert") > 0;
}

static bool delete_ca(struct box *box, struct err *err)
{
    struct authority *authority = authority_load(box->store, "Acme", err);
    bool done = authority != NULL && authority_delete(box->store, authority, err);

    authority_free(authority);
    return done;
}

static bool delete_ca_done(struct box *box)
{
    return acts_number(box->store,
                       "SELECT deleted_at IS NOT NULL FROM authority WHERE name = 'Acme'") == 1;
}

static bool request(struct box *box, struct err *err)
{
    struct authority_spec spec = {.name = "Below"};
    struct authority_request *made = authority_request_make(box->store, &spec, err);
    bool done = made != NULL;

    authority_request_free(made);
    return done;
}

static bool request_done(struct box *box)
{
    return acts_number(box->store, "SELECT count(*) FROM authority_request") == 1;
}

/* ---- a certificate from the root, in ---- */

/* The answer of the root to the request of prepare_install(), as a file. */
static void prepare_install(struct box *box)
{
    struct err err = ERR_INIT;
    struct authority_spec spec = {.name = "Below"};
    struct authority_request *made = authority_request_make(box->store, &spec, &err);
    struct key *root_key = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct name *root_name = name_new_common_name("Offline Root", &err);
    struct name *name = name_new_common_name("Below", &err);
    struct cert_request root = {.profile = PROFILE_CA,
                                .subject = root_name,
                                .key = root_key,
                                .serial = {.len = 1, .bytes = {1}},
                                .not_before = BOX_NOW - CLOCK_DAY,
                                .not_after = BOX_NOW + 4000 * CLOCK_DAY};
    struct cert_request below = root;
    struct cert *root_cert;
    struct cert *cert;
    struct strbuf pem = STRBUF_INIT;
    char *path = mem_printf("%s/answer.pem", box->folder);

    assert_true(made != NULL && root_key != NULL && root_name != NULL && name != NULL);
    below.subject = name;
    below.key = NULL;
    below.csr = made->csr;
    below.serial.bytes[0] = 2;
    root_cert = cert_sign(&root, NULL, root_key, &err);
    if (root_cert == NULL)
        fail_msg("%s", err.msg);
    cert = cert_sign(&below, root_cert, root_key, &err);
    if (cert == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(cert_to_pem(cert, &pem, &err) && cert_to_pem(root_cert, &pem, &err));
    BOX_OK(fs_write_new(path, pem.data, pem.len, FS_MODE_PUBLIC, &err));
    strbuf_clear(&pem);
    cert_free(root_cert);
    cert_free(cert);
    name_free(root_name);
    name_free(name);
    key_free(root_key);
    authority_request_free(made);
    free(path);
}

static void read_answer(const struct box *box, struct cert_list *ret)
{
    char *path = mem_printf("%s/answer.pem", box->folder);
    char *text = box_read(path);
    struct err err = ERR_INIT;
    struct pem pem;

    pem_scan(text, strlen(text), &pem);
    for (size_t i = 0; i < pem.n; i++)
        cert_list_take(ret, cert_from_der(pem.blocks[i].der.data, pem.blocks[i].der.len, &err));
    pem_clear(&pem);
    free(text);
    free(path);
}

static bool install(struct box *box, struct err *err)
{
    struct authority_request *made = NULL;
    struct authority_parents parents = {.crls = NULL};
    struct authority *authority = NULL;
    struct cert_list answer;
    struct cert *cert = NULL;
    struct key *key = NULL;

    cert_list_init(&answer);
    read_answer(box, &answer);
    if (!authority_request_load(box->store, "Below", &made, err))
        goto out;
    if (made == NULL) {
        err_set(err, ERR_CA_EXISTS, "the request was answered");
        goto out;
    }
    key = authority_request_unlock(box->store, made, NULL, err);
    if (key != NULL && authority_sort_answer(&answer, NULL, 0, key, &cert, &parents, err))
        authority = authority_install(box->store, made, NULL, key, cert, &parents, err);
out:
    authority_request_free(made);
    authority_parents_clear(&parents);
    cert_list_clear(&answer);
    cert_free(cert);
    key_free(key);
    if (authority == NULL)
        return false;
    authority_free(authority);
    return true;
}

static bool install_done(struct box *box)
{
    return acts_number(box->store, "SELECT count(*) FROM authority WHERE name = 'Below'") == 1;
}

/* ---- the table ---- */

const struct act acts[] = {
    {"ca create", NULL, create, create_done, ERR_CA_EXISTS, TOUCHES_KEYS},
    {"issue client", NULL, issue, issue_done, ERR_FILE_EXISTS, TOUCHES_KITS},
    {"batch", NULL, run_batch, batch_done, ERR_NONE, TOUCHES_KITS},
    {"renew", NULL, renew, renew_done, ERR_FILE_EXISTS, TOUCHES_KITS},
    {"revoke", NULL, revoke, revoke_done, ERR_REVOKED_ALREADY, TOUCHES_ROWS},
    {"crl refresh", NULL, refresh, refresh_done, ERR_NONE, TOUCHES_ROWS},
    {"ca passphrase", NULL, set_passphrase, set_passphrase_done, ERR_PASSPHRASE, TOUCHES_KEYS},
    {"ca renew", NULL, renew_ca, renew_ca_done, ERR_NONE, TOUCHES_KEYS},
    {"ca delete", NULL, delete_ca, delete_ca_done, ERR_CA_UNKNOWN, TOUCHES_KEYS},
    {"ca request", NULL, request, request_done, ERR_CA_EXISTS, TOUCHES_KEYS},
    {"ca import", prepare_install, install, install_done, ERR_CA_EXISTS, TOUCHES_KEYS},
};
const size_t n_acts = ARRAY_LEN(acts);

void acts_prepare(struct box *box, const struct act *act)
{
    struct err err = ERR_INIT;
    struct key *key = NULL;
    struct authority *authority = box_authority(box, "Acme", &key);
    struct issued *bob = NULL;
    struct crl *crl = NULL;

    BOX_OK(acts_issue_kit(box, "alice", "alice", NULL, &err));
    bob = box_issue(box, authority, key, "bob", 100);
    crl = revoked_and_sign(box->store, authority, key, bob, CRL_SUPERSEDED, 0, &err);
    if (crl == NULL)
        fail_msg("%s", err.msg);
    if (act->prepare != NULL)
        act->prepare(box);
    crl_free(crl);
    issued_free(bob);
    authority_free(authority);
    key_free(key);
}
