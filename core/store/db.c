/* db.c - the open store: its transactions, and its log of who did what. */
#include "config.h"

#include "core/store/db.h"

#include <pwd.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/db_state.h"
#include "core/store/sql.h"

sqlite3 *store_db(const struct store *store)
{
    return store->db;
}

bool store_only_reads(const struct store *store)
{
    return store->mode == STORE_READ;
}

bool store_in_transaction(const struct store *store)
{
    return store->depth > 0;
}

const char *store_folder(const struct store *store)
{
    return store->folder;
}

static void end_transaction(struct store *store)
{
    /* A full disk or an I/O error may have ended it already. Nothing can be done about a ROLLBACK
     * that fails: the next one to open the store finds the journal and puts things back. */
    if (!sqlite3_get_autocommit(store->db))
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->depth = 0;
    store->doomed = false;
    delivered_clear(&store->taken);
}

/* At the beginning of a transaction that writes. */
static bool take_over_lines(struct store *store, struct err *err)
{
    delivered_read(store, &store->taken);
    return delivered_take_over(store, &store->taken, err);
}

bool store_begin(struct store *store, struct err *err)
{
    /* IMMEDIATE: whoever will write waits for its turn here, not in the middle. A reader's
     * transaction is one snapshot. */
    if (store->depth == 0 &&
        !sql_exec(store, store->mode == STORE_READ ? "BEGIN" : "BEGIN IMMEDIATE", err))
        return false;
    store->depth++;
    if (store->depth == 1 && store->ready && store->mode != STORE_READ &&
        !take_over_lines(store, err)) {
        end_transaction(store);
        return false;
    }
    return true;
}

bool store_begin_reading(struct store *store, struct err *err)
{
    if (store->depth == 0 && !sql_exec(store, "BEGIN", err))
        return false;
    store->depth++;
    return true;
}

bool store_commit(struct store *store, struct err *err)
{
    if (store->depth == 0)
        return err_set(err, ERR_INTERNAL, _("a transaction was ended that never began"));
    if (store->depth > 1) {
        store->depth--;
        return true;
    }
    if (store->doomed) {
        end_transaction(store);
        return err_set(err, ERR_STORE, _("a part of the change failed, nothing was stored"));
    }
    if (sqlite3_get_autocommit(store->db)) { /* SQLite rolled back by itself */
        end_transaction(store);
        return err_set(err, ERR_STORE, _("the store lost the transaction, nothing was stored"));
    }
    if (!sql_exec(store, "COMMIT", err)) {
        end_transaction(store);
        return false;
    }
    store->depth = 0;
    delivered_forget(store, &store->taken);
    delivered_clear(&store->taken);
    return true;
}

void store_settle(struct store *store)
{
    struct err ignored = ERR_INIT;

    if (store->depth > 0 || !sql_exec(store, "BEGIN IMMEDIATE", &ignored))
        return;
    store->depth = 1;
    if (!take_over_lines(store, &ignored) || !store_commit(store, &ignored))
        end_transaction(store);
}

void store_rollback(struct store *store)
{
    if (store->depth > 1) {
        store->depth--;
        store->doomed = true;
        return;
    }
    end_transaction(store);
}

bool store_end(struct store *store, bool good, struct err *err)
{
    if (good)
        return store_commit(store, err);
    store_rollback(store);
    return false;
}

bool store_will_roll_back(const struct store *store)
{
    char *journal = fs_join(store->folder, "pgseal.db-journal");
    bool there = fs_exists(journal);

    free(journal);
    return there;
}

/* The person at the keyboard: under sudo both names. */
static char *who(void)
{
    const char *sudo = getenv("SUDO_USER");
    struct passwd entry;
    struct passwd *found = NULL;
    char buffer[4096];
    char name[128];
    char behind[128];

    if (getpwuid_r(getuid(), &entry, buffer, sizeof(buffer), &found) == 0 && found != NULL)
        text_clean_copy(name, sizeof(name), found->pw_name);
    else
        name[0] = '\0';
    if (sudo != NULL && sudo[0] != '\0' && getuid() == 0)
        return mem_printf("%s (sudo: %s)", name, text_clean_copy(behind, sizeof(behind), sudo));
    return name[0] != '\0' ? mem_strdup(name) : mem_printf("%ld", (long)getuid());
}

bool store_note(struct store *store, const char *act, const char *object, const char *detail,
                struct err *err)
{
    struct sql *sql = sql_new(
        store, "INSERT INTO log (at, who, act, object, detail) VALUES (?1, ?2, ?3, ?4, ?5)", err);
    char *name;

    if (sql == NULL)
        return false;
    name = who();
    sql_bind_int(sql, 1, clock_now());
    sql_bind_text(sql, 2, name);
    sql_bind_text(sql, 3, act);
    sql_bind_text(sql, 4, object != NULL ? object : "");
    sql_bind_text(sql, 5, detail != NULL ? detail : "");
    free(name);
    return sql_run(sql, err);
}
