/* For tests: a CA and a certificate signed by it for sip.test, 127.0.0.1 and ::1, made afresh into
 * PEM files of a temporary directory. */
#ifndef VIADUCT_TEST_CERTIFICATE_H
#define VIADUCT_TEST_CERTIFICATE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct certificate {
    char dir[40];
    char ca[60], cert[60], key[60];
} certificate;

static inline X509 *certificate_sign(EVP_PKEY *key, const char *name, const char *san, X509 *issuer,
                                     EVP_PKEY *issuer_key, long serial)
{
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME *subject = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : subject);
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer ? issuer : x, x, NULL, NULL, 0);
    X509_EXTENSION *e = san ? X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, san)
                            : X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints, "CA:TRUE");
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    assert_true(X509_sign(x, issuer_key, EVP_sha256()) > 0);
    return x;
}

static inline void certificate_write(const char *path, X509 *x, EVP_PKEY *key)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(
        x ? PEM_write_X509(f, x) : PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
}

static inline void certificate_make(certificate *c)
{
    snprintf(c->dir, sizeof(c->dir), "/tmp/viaduct-test-XXXXXX");
    assert_non_null(mkdtemp(c->dir));
    snprintf(c->ca, sizeof(c->ca), "%s/ca.pem", c->dir);
    snprintf(c->cert, sizeof(c->cert), "%s/cert.pem", c->dir);
    snprintf(c->key, sizeof(c->key), "%s/key.pem", c->dir);
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = certificate_sign(ca_key, "Viaduct test CA", NULL, NULL, ca_key, 1);
    X509 *cert =
        certificate_sign(key, "sip.test", "DNS:sip.test,IP:127.0.0.1,IP:::1", ca, ca_key, 2);
    certificate_write(c->ca, ca, NULL);
    certificate_write(c->cert, cert, NULL);
    certificate_write(c->key, NULL, key);
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

static inline void certificate_remove(certificate *c)
{
    unlink(c->ca);
    unlink(c->cert);
    unlink(c->key);
    rmdir(c->dir);
}

#endif
