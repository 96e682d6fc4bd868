/* Between crypto/public_key.c and crypto/certificate.c alone: the library's key behind a public key. */
#ifndef GATEHOUSE_CRYPTO_PUBLIC_KEY_LIBRARY_H
#define GATEHOUSE_CRYPTO_PUBLIC_KEY_LIBRARY_H

#include <openssl/evp.h>

#include "crypto/public_key.h"

/* Takes a reference. STATUS_UNSUPPORTED "public_key.kind" where it is none of the four kinds. */
enum status public_key_of_library(EVP_PKEY *library, struct public_key **key);

#endif
