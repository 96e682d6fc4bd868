/*
 * Reader: policy/limits_table.c, policy/limits_cedar.c
 * Property: a table that is read goes through CSV, YAML and Cedar and comes back as it was; every refusal has a name. The first
 * byte says which form the input has.
 */
#include <stdlib.h>

#include "policy/limits_testing.h"

static void
check_equal(const struct limits_table *a, const struct limits_table *b, enum status status) {
	if (status != OK || a->count != b->count)
		abort();
	for (size_t i = 0; i < a->count; i++)
		if (!limits_rows_equal(&a->rows[i], &b->rows[i]))
			abort();
}

static void
check_table(const struct limits_table *table) {
	_cleanup_(limits_table_free) struct limits_table csv = {}, yaml = {}, cedar = {};
	_cleanup_(buffer_free) struct buffer as_csv = {}, as_yaml = {}, as_cedar = {};
	limits_table_write_csv(table, &as_csv);
	check_equal(table, &csv, limits_table_read(&csv, "t.csv", buffer_bytes(&as_csv), nullptr));
	limits_table_write_yaml(table, &as_yaml);
	check_equal(table, &yaml, limits_table_read(&yaml, "t.yaml", buffer_bytes(&as_yaml), nullptr));
	if (limits_table_compile(table, &as_cedar) != OK)
		abort();
	check_equal(table, &cedar, limits_table_extract(&cedar, "t.cedar", buffer_bytes(&as_cedar), nullptr));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(limits_table_free) struct limits_table table = {};
	if (size == 0)
		return 0;
	struct bytes text = bytes_of(data + 1, size - 1);
	enum status status = data[0] == 'c'   ? limits_table_extract(&table, "t.cedar", text, nullptr)
			     : data[0] == 'y' ? limits_table_read(&table, "t.yaml", text, nullptr)
					      : limits_table_read(&table, "t.csv", text, nullptr);
	if (status == OK)
		check_table(&table);
	else if (fail_message()[0] == '\0')
		abort();
	return 0;
}
