/* Between policy_json_read.c and policy_json_expression.c. */
#ifndef GATEHOUSE_POLICY_POLICY_JSON_READER_H
#define GATEHOUSE_POLICY_POLICY_JSON_READER_H

#include "policy/json_source.h"

struct policy_json_reader {
	struct json_source json;
	struct policy_set_options options;
	size_t depth;
};

enum status policy_json_expression(struct policy_json_reader *reader, struct json_node node,
				   const struct expression **expression);

#endif
