/*
 * What the libraries would do at first use (read their configuration, fetch algorithms, seed generators), done now: a process
 * calls this once before it confines itself. Without it everything works all the same where files may still be opened.
 */
#ifndef GATEHOUSE_CRYPTO_START_H
#define GATEHOUSE_CRYPTO_START_H

#include "base/status.h"

enum status crypto_start(void);

#endif
