/*
 * A member of an object that is bytes in hexadecimal digits, as what browsers and people hand in has them. The bytes live in the
 * arena. Errors: STATUS_INVALID "<where>.<member>", those of json_need_string() and hex_decode().
 */
#ifndef GATEHOUSE_GATE_HEX_MEMBER_H
#define GATEHOUSE_GATE_HEX_MEMBER_H

#include "base/json.h"

/* 1 to max bytes. */
enum status hex_member_read(struct arena *arena, const json *object, const char *where, const char *member, size_t max,
			    struct bytes *bytes);

#endif
