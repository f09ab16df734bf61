/* libssl and libcrypto, with inline wrappers for what OpenSSL offers only as macros. */
#ifndef REMORA_COPENSSL_H
#define REMORA_COPENSSL_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

static inline long remora_SSL_CTX_set_min_proto_version(SSL_CTX *c, int v) { return SSL_CTX_set_min_proto_version(c, v); }
static inline long remora_SSL_CTX_set_mode(SSL_CTX *c, long m) { return SSL_CTX_set_mode(c, m); }
static inline long remora_SSL_CTX_set_session_cache_mode(SSL_CTX *c, long m) { return SSL_CTX_set_session_cache_mode(c, m); }
static inline void remora_SSL_CTX_set_read_ahead(SSL_CTX *c, int y) { SSL_CTX_set_read_ahead(c, y); }
static inline long remora_SSL_set_tlsext_host_name(SSL *s, const char *n) { return SSL_set_tlsext_host_name(s, n); }
static inline int remora_BIO_get_retry(BIO *b) { return BIO_should_retry(b); }
static inline void remora_BIO_set_retry_read(BIO *b) { BIO_set_retry_read(b); }
static inline void remora_BIO_set_retry_write(BIO *b) { BIO_set_retry_write(b); }
static inline void remora_BIO_clear_retry_flags(BIO *b) { BIO_clear_retry_flags(b); }
static inline X509 *remora_SSL_get1_peer_certificate(SSL *s) { return SSL_get1_peer_certificate(s); }
static inline int remora_ERR_GET_REASON(unsigned long e) { return ERR_GET_REASON(e); }
static inline int remora_ERR_GET_LIB(unsigned long e) { return ERR_GET_LIB(e); }

/* Called old since 3.0 in favour of calls that take any algorithm, and kept: they look nothing up and take no memory. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static inline int remora_SHA256_Init(SHA256_CTX *c) { return SHA256_Init(c); }
static inline int remora_SHA256_Update(SHA256_CTX *c, const void *b, size_t n) { return SHA256_Update(c, b, n); }
static inline int remora_SHA256_Final(unsigned char *d, SHA256_CTX *c) { return SHA256_Final(d, c); }
#pragma GCC diagnostic pop

static const uint64_t remora_SSL_OPTIONS = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION;
static const uint64_t remora_SSL_CLEANSE_PLAINTEXT = SSL_OP_CLEANSE_PLAINTEXT;
static const unsigned long remora_XN_FLAG_ONELINE = XN_FLAG_ONELINE;

#endif
