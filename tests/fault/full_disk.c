#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/store/revoked.h"
#include "core/store/sql.h"
#include "tests/fault/full_disk.h"

static struct err err;

static int64_t number(struct store *store, const char *text)
{
    struct sql *sql = sql_new(store, text, &err);
    int64_t value = 0;

    if (sql == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(sql_run_int(sql, -1, &value, &err));
    return value;
}

int64_t issue_until_full(struct box *box, const struct authority *authority, const struct key *key)
{
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct issue_spec spec = {.role = "alice", .key = own};
    int64_t made = 0;

    for (;;) {
        struct issued *issued = issued_make(box->store, authority, key, &spec, &err);

        if (issued == NULL)
            break;
        issued_free(issued);
        made++;
        assert_true(made < 5000);
    }
    box_assert_err(&err, ERR_DISK_FULL);
    key_free(own);
    return made;
}

void after_full(struct box *box, struct authority *authority, const struct key *key, int64_t made)
{
    struct issued_filter filter = {.state = -1, .limit = 1};
    struct issued_list list;
    struct crl *crl;

    assert_int_equal(number(box->store, "SELECT count(*) FROM issued WHERE kind < 2"), made);
    box_reopen(box, STORE_WRITE);
    assert_int_equal(number(box->store, "SELECT count(*) FROM issued WHERE kind < 2"), made);
    assert_int_equal(number(box->store, "SELECT count(*) FROM pragma_integrity_check"
                                        " WHERE integrity_check <> 'ok'"),
                     0);
    /* with room again, the same store goes on */
    BOX_OK(issued_list(box->store, &filter, &list, &err));
    assert_int_equal(list.total, made);
    crl = revoked_and_sign(box->store, authority, key, list.rows[0], CRL_SUPERSEDED, 0, &err);
    if (crl == NULL)
        fail_msg("%s", err.msg);
    assert_true(crl_has(crl, &list.rows[0]->serial));
    crl_free(crl);
    issued_list_clear(&list);
}

void check_reading(struct box *box)
{
    struct issued_filter filter = {.state = -1};
    struct authority *authority;
    struct issued_list list;
    struct crl *crl;

    box->store = store_open(box->store_folder, STORE_READ, &err);
    if (box->store == NULL)
        fail_msg("%s", err.msg);
    authority = authority_load(box->store, NULL, &err);
    assert_non_null(authority);
    crl = authority_crl(box->store, authority, &err);
    assert_non_null(crl);
    BOX_OK(issued_list(box->store, &filter, &list, &err));
    assert_int_equal(list.n, 1);
    issued_list_clear(&list);
    assert_false(store_note(box->store, "act", "object", NULL, &err));
    box_assert_err(&err, ERR_STORE);
    crl_free(crl);
    authority_free(authority);
    store_close(box->store);
    box->store = NULL;
}

void check_writing_is_refused(struct box *box)
{
    struct store *store = store_open(box->store_folder, STORE_WRITE, &err);

    if (store != NULL) { /* opening writes nothing when the schema is of today */
        assert_false(store_note(store, "act", "object", NULL, &err));
        store_close(store);
    }
    box_assert_err(&err, ERR_STORE);
}
