/*
 * bundle.h - which CAs a server trusts, with their revocation lists: read, compared, written anew.
 *
 * Source   PostgreSQL "ssl_ca_file", "ssl_crl_file", "ssl_crl_dir". Measured: with a CRL file set, every CA needs a
 *          current list, else all its certificates are refused; a certificate inside the CRL file is
 *          trusted without being listed; a list of another key than the CA's locks out its clients.
 * Errors   ERR_POLICY, ERR_CRL_WEAKER, ERR_CRL_ENDED, ERR_WOULD_LOCK_OUT, errors of files.h and pem.h.
 * Use      core/plan only.
 */
#ifndef PGSEAL_PLAN_BUNDLE_H
#define PGSEAL_PLAN_BUNDLE_H

#include "core/plan/step.h"

#define CRL_DIR_NUMBERS 100 /* files of one hash */

struct crl_dir_file { /* of ssl_crl_dir */
    char *path;
    struct strbuf bytes;
    struct crl **crls;
    size_t n_crls;
    bool torn; /* the beginning of a list: what a full disk left; it is written again */
};

struct bundle {
    struct cert_list cas;
    bool marked; /* a marker of ours stands beside them in ssl_ca_file, and is not among them */
    struct crl **crls; /* owned; read from a server: those of ssl_crl_file */
    size_t n_crls;
    struct crl_dir_file *files; /* owned; those of these CAs' hashes, a hash's in order */
    size_t n_files;
};

void bundle_clear(struct bundle *bundle);
void bundle_take_crl(struct bundle *bundle, struct crl *crl);
bool bundle_has_ca(const struct bundle *bundle, const struct cert *ca);
/* The newest list that this CA's key signed; borrowed; NULL: none. */
const struct crl *bundle_crl(const struct bundle *bundle, const struct cert *ca);

/* A marker that was left behind is no CA, and must not stand in the way of the next list. */
bool bundle_drop_marker(const struct plan *plan, struct bundle *bundle, struct err *err) MUST_CHECK;

/* What the server's settings name now. A setting that is empty gives nothing. */
bool bundle_read(const struct plan *plan, struct bundle *ret, struct err *err) MUST_CHECK;

/* The same by these values of ssl_ca_file and ssl_crl_file; "" gives nothing. */
bool bundle_read_files(const struct plan *plan, const char *ca_file, const char *crl_file,
                       struct bundle *ret, struct err *err) MUST_CHECK;

/* ---- is a list good enough (bundle_choose.c) ---- */

/*
 * The list to publish for a CA: ours from the store, another's the newest that was offered, imported
 * (foreign.h) or is there (NULL in *ret: there is none). Refuses a list that is weaker than the
 * present one, has ended or is about to, or was signed by another key. Another's list that is there
 * already goes on, also when it has ended: it must not keep ours from being published.
 */
bool bundle_choose_crl(const struct plan *plan, const struct cert *ca, const struct bundle *present,
                       struct crl *const *offered, size_t n_offered, struct crl **ret,
                       struct err *err) MUST_CHECK;

/* ---- ssl_crl_dir (crl_dir.c); where it is empty all of these do nothing ---- */

const char *crl_dir_of(const struct plan *plan); /* the setting */
/* Reads the files of these CAs' hashes into bundle, once. */
bool crl_dir_read(const struct plan *plan, const struct cert_list *cas, struct bundle *bundle,
                  struct err *err) MUST_CHECK;
/* From the files as they are now to those before this plan, by the copies that it made. */
bool crl_dir_read_before(const struct plan *plan, struct bundle *bundle,
                         struct err *err) MUST_CHECK;
/* The newest list of this CA in the folder; borrowed; NULL: none. */
const struct crl *crl_dir_newest(const struct bundle *bundle, const struct cert *ca);
/* Where OpenSSL looks for this CA's list: number 0 and on; caller frees. */
char *crl_dir_path(const struct plan *plan, const struct cert *ca, int number) MUST_CHECK;
/* That file among those that were read; borrowed; NULL: it was not. */
const struct crl_dir_file *crl_dir_find(const struct bundle *bundle, const char *path);
/* (crl_dir_steps.c) */
bool crl_dir_add_steps(struct plan *plan, const struct bundle *present, const struct bundle *wanted,
                       struct err *err) MUST_CHECK;
void crl_dir_clear(struct bundle *bundle);

/* Those above one that is removed go from wanted into removed, as untrust_ca_intent.with_parents says
 * (parents.c). */
bool bundle_take_parents(const struct plan *plan, const struct bundle *present,
                         struct bundle *wanted, struct cert_list *removed,
                         struct err *err) MUST_CHECK;

/* Sessions by CAs that are present and not wanted go onto the plan's list of who is refused. An intermediate
 * that would stay without the CA above it: ERR_WOULD_LOCK_OUT (lost_users.c). */
bool bundle_find_lost(struct plan *plan, const struct bundle *present, const struct bundle *wanted,
                      struct err *err) MUST_CHECK;

/* ERR_WOULD_LOCK_OUT: the admin's own connection came with a certificate that these lists revoke
 * (own_login.c). */
bool bundle_check_own_login(const struct plan *plan, const struct bundle *wanted,
                            struct err *err) MUST_CHECK;

/* The steps that make the server use this bundle in place of the present one: files, settings (the
 * order depends on whether CAs are added), reload, and the proof. with_crls false: CRLs stay unset. */
bool bundle_add_steps(struct plan *plan, const struct bundle *present, const struct bundle *wanted,
                      bool with_crls, struct err *err) MUST_CHECK;

/* Where the chain that the server sends is whole only by what stands in ssl_ca_file, and would not be
 * by wanted: a file with the whole chain, and ssl_cert_file names it (own_chain.c). Before the steps
 * that take CAs away. */
bool plan_keep_own_chain(struct plan *plan, const struct bundle *present,
                         const struct bundle *wanted, struct err *err) MUST_CHECK;

/* What the store shall say of the lists on this server: noted in the plan's intent, recorded when the
 * plan is kept (what it made) or taken back (what was before). */
bool bundle_note_lists(struct plan *plan, const struct bundle *present, const struct bundle *wanted,
                       struct err *err) MUST_CHECK;

/* ---- is it safe to take a kept plan back (bundle_undo.c) ---- */

/* Refuses to take a kept plan back where that would let revoked certificates in again, or leave rules
 * that want certificates without a CA or without TLS. The plan's settings are those of now. */
bool bundle_check_undo(const struct plan *plan, struct err *err) MUST_CHECK;

/* Refuses where no TLS change can be loaded, or shown: TLS off, a key that wants a passphrase. */
bool bundle_check_reloadable(const struct plan *plan, struct err *err) MUST_CHECK;

#endif
