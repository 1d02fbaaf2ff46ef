/* rotation_cert.c - a server's certificate of another's CA, for the step that installs it. */
#include "config.h"

#include "screens/rotation_cert.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "screens/app.h"

#define KEY_FILE_MAX (64 * 1024)

static const struct form_field paste_field = {
    .label = N_("Certificate"),
    .why = N_("The server's certificate of the new CA, and the intermediate ones above it where "
              "there are some, in any order. Never paste a private key: it would be thrown away."),
    .help = N_("The CA's answer to a request (Home 4 makes one). Of a cluster one member's at a "
               "time: the step comes again for the next."),
    .word = "chain",
};
static const struct form_field file_field = {
    .label = N_("Certificate in"),
    .why = N_("The file with the server's certificate of the new CA, and the intermediate ones "
              "above it where there are some, in any order."),
    .help = N_("PEM. The CA's answer to a request (Home 4 makes one)."),
    .word = "chain",
    .width = 48,
    .max = 1000,
};
static const struct form_field key_field = {
    .label = N_("Its key in"),
    .why = N_("Empty when the server has the key already: that is so after a request of pgseal. "
              "Else the file with the private key; it goes to the server by its own file system, "
              "never over the network."),
    .help = N_("A file of mode 0600. A key is never pasted."),
    .word = "private key",
    .width = 40,
    .max = 1000,
    .after = N_("optional"),
};
static const struct form_field passphrase_field = {
    .label = N_("Key's passphrase"),
    .why = N_("Only for an encrypted key. The server must be able to open it at a reload by "
              "itself: without ssl_passphrase_command it is refused."),
    .help = N_("Used for this change, and forgotten."),
    .word = "passphrase",
    .width = 34,
    .after = N_("optional"),
};

void rotation_cert_init(struct rotation_cert *cert)
{
    *cert = (struct rotation_cert){.key_id = -1};
    source_input_init(&cert->input);
    cert_list_init(&cert->certs);
}

void rotation_cert_forget_key(struct rotation_cert *cert)
{
    secret_free(cert->key);
    cert->key = NULL;
}

void rotation_cert_clear(struct rotation_cert *cert)
{
    rotation_cert_forget_key(cert);
    source_input_clear(&cert->input);
    cert_list_clear(&cert->certs);
    secret_free(cert->passphrase);
    free(cert->key_file);
}

void rotation_cert_add(struct rotation_cert *cert, struct form *form)
{
    form_add_line(form, NULL, _("The server's certificate of the new CA, whose owner signed it:"));
    source_fields_add(&cert->source, form, &paste_field, &file_field, NULL);
    cert->key_id = form_add_text(form, &key_field, "");
    cert->passphrase_id = form_add_secret(form, &passphrase_field);
}

void rotation_cert_check(struct rotation_cert *cert, struct form *form)
{
    source_fields_check(&cert->source, form);
    form_show(form, cert->passphrase_id, form_text(form, cert->key_id)[0] != '\0');
}

void rotation_cert_take(struct rotation_cert *cert, const struct form *form)
{
    const struct secret *passphrase = form_secret(form, cert->passphrase_id);
    const char *key = form_text(form, cert->key_id);

    source_fields_take(&cert->source, form, &cert->input);
    free(cert->key_file);
    secret_free(cert->passphrase);
    cert->key_file = key[0] != '\0' ? app_full_path(key) : NULL;
    cert->passphrase =
        cert->key_file != NULL && secret_len(passphrase) > 0 ? secret_dup(passphrase) : NULL;
}

/* Of root's keys a group may read: Debian's ssl-cert. */
static bool check_mode(const char *path, struct err *err)
{
    struct stat st;

    if (stat(path, &st) != 0 || (st.st_mode & (st.st_uid == 0 ? 0027 : 0077)) == 0)
        return true; /* the reading says what is wrong */
    err_set(err, ERR_KEY_MODE, _("\"%s\" has mode %04o: others can read it"), path,
            (unsigned)st.st_mode & 07777);
    return err_hint(err, _("chmod 600 it; if others were on this machine, make a new key."));
}

static bool read_key(struct rotation_cert *cert, struct err *err)
{
    rotation_cert_forget_key(cert);
    if (cert->key_file == NULL)
        return true;
    if (!check_mode(cert->key_file, err))
        return false;
    cert->key = secret_read_whole(cert->key_file, KEY_FILE_MAX, err);
    return cert->key != NULL;
}

bool rotation_cert_read(struct rotation_cert *cert, struct err *err)
{
    struct pem pem;
    bool good;

    if (!source_input_read(&cert->input, PEM_SCAN_MAX, err))
        return false;
    pem_scan(cert->input.bytes.data, cert->input.bytes.len, &pem);
    cert_list_clear(&cert->certs);
    good = pem_take_certs(&pem, &cert->certs, err);
    if (pem.has_private_key)
        strbuf_wipe(&cert->input.bytes);
    pem_clear(&pem);
    return good && read_key(cert, err);
}

void rotation_cert_describe(const struct rotation_cert *cert, struct strbuf *out)
{
    const struct cert *leaf = cert->certs.n > 0 ? cert->certs.certs[0] : NULL;
    char date[CLOCK_TEXT_MAX];

    for (size_t i = 0; i < cert->certs.n; i++)
        if (!cert_is_ca(cert->certs.certs[i]))
            leaf = cert->certs.certs[i];
    if (leaf == NULL)
        return;
    cert_format_subject(leaf, out);
    strbuf_add_str(out, _(", of "));
    cert_format_issuer(leaf, out);
    strbuf_printf(out, _(", ends %s\n%s"), clock_format_date(date, cert_not_after(leaf)),
                  cert->key_file != NULL ? _("its key comes from a file")
                                         : _("the server has its key"));
}
