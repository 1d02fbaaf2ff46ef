/* foreign_ca.c - another's CA, by paste or file. */
#include "config.h"

#include "screens/foreign_ca.h"

#include "core/base/clock.h"
#include "core/base/intl.h"

static const struct form_field paste_field = {
    .label = N_("Paste"),
    .why =
        N_("The CA's certificate, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, "
           "and its CRL below it where there is one. Never paste a private key: it would be "
           "thrown away."),
    .help = N_("Line ends, indentation and mail quotes are cleaned and named. Ctrl-U empties the "
               "box; a second paste is added to the first."),
    .word = "PEM",
};
static const struct form_field file_field = {
    .label = N_("File"),
    .why = N_("The CA's certificate, and its CRL in the same file where there is one; PEM or DER."),
    .help = N_("An absolute path, one from here, or ~/... It is only read."),
    .word = "PEM",
    .width = 48,
    .max = 1000,
};

void foreign_ca_init(struct foreign_ca_fields *fields)
{
    *fields = (struct foreign_ca_fields){.seen = 0};
    source_input_init(&fields->input);
    ca_box_clear(&fields->box);
}

void foreign_ca_clear(struct foreign_ca_fields *fields)
{
    ca_box_clear(&fields->box);
    source_input_clear(&fields->input);
}

void foreign_ca_add(struct foreign_ca_fields *fields, struct form *form)
{
    fields->seen = 0;
    source_fields_add(&fields->source, form, &paste_field, &file_field, NULL);
}

static bool several(const struct foreign_ca_fields *fields)
{
    return fields->box.cas.n > 1;
}

/* Once for each paste: a look at a CRL of a million rows is not for every key. */
static void look(struct foreign_ca_fields *fields, const char *bytes, size_t len)
{
    if (len == fields->seen)
        return;
    fields->seen = len;
    ca_box_look(&fields->box, bytes, len, clock_now(), NULL);
}

void foreign_ca_describe(const struct foreign_ca_fields *fields, struct strbuf *out)
{
    const struct cert *cert = foreign_ca_cert(fields);
    const struct crl *crl = foreign_ca_crl(fields);
    char date[CLOCK_TEXT_MAX], sha256[CERT_SHA256_HEX];

    cert_format_subject(cert, out);
    strbuf_printf(out,
                  cert_is_self_signed(cert) ? _(", root CA, ends %s\nSHA-256 %s\n")
                                            : _(", intermediate CA, ends %s\nSHA-256 %s\n"),
                  clock_format_date(date, cert_not_after(cert)), cert_sha256_hex(cert, sha256));
    if (crl != NULL)
        strbuf_printf(out, _("CRL beside it: %zu revoked, until %s"), crl_count(crl),
                      crl_next_update(crl) != 0 ? clock_format_date(date, crl_next_update(crl))
                                                : _("no date"));
    else
        strbuf_add_str(out, _("no CRL beside it"));
}

/* What it is stands below the box, where the focus is. */
static void say(const struct foreign_ca_fields *fields, struct form *form)
{
    const struct ca_box *box = &fields->box;
    struct strbuf text = STRBUF_INIT;

    if (several(fields)) {
        form_say(form, fields->source.paste, MARK_BAD,
                 _("one CA: these are several. Paste the one that servers trust."));
        return;
    }
    if (box->cas.n > 0)
        foreign_ca_describe(fields, &text);
    if (box->note.len > 0)
        strbuf_printf(&text, "%s%s", text.len > 0 ? "\n" : "", box->note.data);
    form_say(form, fields->source.paste, box->mark, text.len > 0 ? text.data : NULL);
    strbuf_clear(&text);
}

void foreign_ca_check(struct foreign_ca_fields *fields, struct form *form, bool shown)
{
    bool file = source_fields_from_file(&fields->source, form);
    const char *bytes;
    size_t len;

    source_fields_check(&fields->source, form); /* wipes a private key */
    bytes = form_bytes(form, fields->source.paste, &len);
    form_show(form, fields->source.choice, shown);
    form_show(form, fields->source.paste, shown && !file);
    form_show(form, fields->source.file, shown && file);
    if (!shown || file || fields->source.key)
        return;
    look(fields, bytes, len);
    if (len > 0)
        say(fields, form);
}

void foreign_ca_take(struct foreign_ca_fields *fields, const struct form *form)
{
    source_fields_take(&fields->source, form, &fields->input);
}

bool foreign_ca_read(struct foreign_ca_fields *fields, struct err *err)
{
    struct ca_box *box = &fields->box;

    if (!source_input_read(&fields->input, PEM_SCAN_MAX, err))
        return false;
    ca_box_look(box, fields->input.bytes.data, fields->input.bytes.len, clock_now(), NULL);
    fields->seen = 0; /* of the paste box, which is looked at again */
    if (box->wipe) {
        strbuf_wipe(&fields->input.bytes);
        err_set(err, ERR_PRIVATE_KEY_PASTED, _("there is a private key in it"));
        return err_hint(err, _("It was not taken. Give the certificate alone."));
    }
    if (box->cas.n == 0)
        return err_set(err, ERR_NOT_A_CA, "%.200s",
                       box->note.len > 0 ? box->note.data : _("there is no CA in it"));
    if (several(fields))
        return err_set(err, ERR_NOT_A_CA,
                       _("one CA is replaced by one: in this text there are %zu"), box->cas.n);
    if (box->n_crls > 1 || (box->n_crls == 1 && !crl_signed_by(box->crls[0], box->cas.certs[0])))
        return err_set(err, ERR_NOT_A_CRL, _("the CRL beside it is not of this CA"));
    return true;
}

const struct cert *foreign_ca_cert(const struct foreign_ca_fields *fields)
{
    return fields->box.cas.n > 0 ? fields->box.cas.certs[0] : NULL;
}

const struct crl *foreign_ca_crl(const struct foreign_ca_fields *fields)
{
    return fields->box.n_crls > 0 ? fields->box.crls[0] : NULL;
}
