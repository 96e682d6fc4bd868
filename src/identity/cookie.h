/*
 * The Cookie field of a request (RFC 6265 §4.2.1), read strictly for one name: pairs of name and value, each after the first
 * behind "; ". What a browser sends for other names is stepped over; a name that stands twice is refused, since nobody can say
 * which of the two was meant.
 *
 * Views borrow from the field. Errors: STATUS_INVALID cookie.form, cookie.duplicate; STATUS_NOT_FOUND cookie.absent.
 */
#ifndef GATEHOUSE_IDENTITY_COOKIE_H
#define GATEHOUSE_IDENTITY_COOKIE_H

#include "base/bytes.h"

enum status cookie_find(struct bytes field, const char *name, struct bytes *value);

#endif
