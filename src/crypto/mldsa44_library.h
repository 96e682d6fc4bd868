/* Between crypto/mldsa44.c and crypto/mldsa44_private_library.c alone: ML-DSA-44 in OpenSSL. */
#ifndef GATEHOUSE_CRYPTO_MLDSA44_LIBRARY_H
#define GATEHOUSE_CRYPTO_MLDSA44_LIBRARY_H

#include <openssl/evp.h>

EVP_SIGNATURE *mldsa44_library_algorithm(void);
/* selection, name: of EVP_PKEY_fromdata(). Null if it is no key. */
EVP_PKEY *mldsa44_library_key(int selection, const char *name, const uint8_t *bytes, size_t len);

#endif
