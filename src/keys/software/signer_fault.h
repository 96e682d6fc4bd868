/*
 * The seam through which a test makes a signature wrong between signing and verifying. The product has none: there, this
 * is an empty function.
 */
#ifndef GATEHOUSE_KEYS_SOFTWARE_SIGNER_FAULT_H
#define GATEHOUSE_KEYS_SOFTWARE_SIGNER_FAULT_H

#include "model/signing_request.h"

#if defined(GATEHOUSE_FAULTS)
void signer_fault(struct signature *signature); /* defined by the test */
#else
static inline void
signer_fault(struct signature *) {}
#endif

#endif
