/*
 * From what people write in a table of tests to a request: facts and entities in YAML, typed by the bundle's schema.
 */
#ifndef GATEHOUSE_POLICY_TEST_REQUEST_H
#define GATEHOUSE_POLICY_TEST_REQUEST_H

#include "base/yaml.h"
#include "policy/bundle_check.h"

struct test_reader {
	struct arena *arena;
	const struct bundle *bundle;
	const struct bundle_host *host;
	struct policy_source source;
	struct policy_diagnostics *diagnostics;
};

/* Notes a finding at a node: STATUS_INVALID. */
enum status test_complain(const struct test_reader *reader, const struct yaml_node *node, const char *name,
			  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Type::"id"; for an action also its id alone. */
enum status test_read_uid(const struct test_reader *reader, const struct yaml_node *node, bool is_action,
			  struct entity_uid *uid);
/* A value of the type. */
enum status test_read_value(const struct test_reader *reader, const struct yaml_node *node, const struct type *type,
			    struct value *value);
/* The context of an action, from the facts of a test and, behind them, its file's defaults; either may be null. */
enum status test_read_context(const struct test_reader *reader, const struct yaml_node *test,
			      const struct yaml_node *own, const struct yaml_node *defaults,
			      const struct schema_action *action, struct value *context);
/* A file's entities and the bundle's, sealed; list may be null. */
enum status test_read_entities(const struct test_reader *reader, const struct yaml_node *list,
			       struct policy_entities **entities);

#endif
