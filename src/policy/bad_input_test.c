/*
 * Everything that policy/ reads, given what it must refuse: the exact message, with file, line, column, and what was expected.
 */
#include "tests/test.h"

#include <stdio.h>

#include "policy/fit.h"
#include "policy/policy_json.h"
#include "policy/schema.h"

static const char schema_text[] =
	"entity User in [Group] {name: String, age?: Long, home: ipaddr, paid: decimal, at: datetime, took: duration, "
	"tint: Color, roles: Set<String>, at_home: {n: Long, ok?: Bool}} tags Long;\n"
	"entity Group in [Group];\n"
	"entity Doc;\n"
	"entity Color enum [\"red\", \"blue\"];\n"
	"action all;\n"
	"action view in all appliesTo {principal: User, resource: Doc, context: {n: Long, who?: User}};\n";

enum reader {
	READ_POLICY,
	READ_POLICY_JSON,
	READ_SCHEMA,
	READ_SCHEMA_JSON,
	READ_ENTITIES,
	READ_ENTITIES_SCHEMA,
	READ_REQUEST,
	READ_REQUEST_SCHEMA,
};

static const struct {
	enum reader reader;
	const char *text, *message;
} bad_texts[] = {
	{READ_POLICY, "permit(principal, action, resource)",
	 "policy.unexpected_end: in:1:36: expected `when`, `unless` or `;`, found the end of the text"},
	{READ_POLICY, "permit(principal action, resource);",
	 "policy.unexpected_token: in:1:18: expected `,` or `)`, found `action`"},
	{READ_POLICY, "allow(principal, action, resource);",
	 "policy.effect: in:1:1: expected `permit` or `forbid`, found `allow`"},
	{READ_POLICY, "permit(principal == User, action, resource);",
	 "policy.unexpected_token: in:1:25: expected `::` and the entity's id in double quotes, found `,`"},
	{READ_POLICY, "permit(principal, action == User::\"a\", resource);",
	 "policy.action_type: in:1:29: expected an entity of type Action, found one of type User"},
	{READ_POLICY, "permit(principal == ?who, action, resource);",
	 "policy.scope_slot: in:1:21: expected an entity or ?principal, found ?who"},
	{READ_POLICY, "permit(principal is \"User\", action, resource);",
	 "policy.unexpected_token: in:1:21: expected an entity type, found `\"User\"`"},
	{READ_POLICY, "permit(principal, action, resource, context);",
	 "policy.scope_extra: in:1:37: the scope has principal, action and resource, and no more"},
	{READ_POLICY, "@a(\"1\") @a permit(principal, action, resource);",
	 "policy.annotation_duplicate: in:1:10: @a stands twice before this policy"},
	{READ_POLICY, "permit(principal, action, resource) when {};",
	 "policy.condition_empty: in:1:43: expected an expression between { and }"},
	{READ_POLICY, "permit(principal, action, resource) while { true };",
	 "policy.condition_keyword: in:1:37: expected `when` or `unless`"},
	{READ_POLICY, "permit(principal, action, resource) when { 9223372036854775808 > 1 };",
	 "policy.integer_range: in:1:44: integers go from -9223372036854775808 to 9223372036854775807"},
	{READ_POLICY, "permit(principal, action, resource) when { -9223372036854775809 > 1 };",
	 "policy.integer_range: in:1:45: integers go from -9223372036854775808 to 9223372036854775807"},
	{READ_POLICY, "permit(principal, action, resource) when { 1 = 2 };",
	 "policy.single_equals: in:1:46: expected `==`, found `=`"},
	{READ_POLICY, "permit(principal, action, resource) when { 1 < 2 < 3 };",
	 "policy.relation_chain: in:1:50: a second relation in a row: put one of them in parentheses"},
	{READ_POLICY, "permit(principal, action, resource) when { 6 / 2 == 3 };",
	 "policy.division: in:1:46: Cedar has no division: only + - *"},
	{READ_POLICY, "permit(principal, action, resource) when { \"a\\qb\" == \"\" };",
	 "policy.escape: in:1:46: `\\q` is no escape: expected \\n \\r \\t \\\\ \\0 \\' \\\" \\x.. or \\u{...}"},
	{READ_POLICY, "permit(principal, action, resource) when { \"\\x80\" == \"\" };",
	 "policy.escape: in:1:45: `\\x80` is no escape: expected \\x and two hexadecimal digits, at most 7f"},
	{READ_POLICY, "permit(principal, action, resource) when { \"\\u{d800}\" == \"\" };",
	 "policy.escape: in:1:45: `\\u{d800}` is no escape: expected \\u{ and one to six hexadecimal digits of a "
	 "character and }"},
	{READ_POLICY, "permit(principal, action, resource) when { \"\\u{110000}\" == \"\" };",
	 "policy.escape: in:1:45: `\\u{110000}` is no escape: expected \\u{ and one to six hexadecimal digits of a "
	 "character and }"},
	{READ_POLICY, "permit(principal, action, resource) when { \"a\" like \"\\p\" };",
	 "policy.escape: in:1:54: `\\p` is no escape: expected \\n \\r \\t \\\\ \\0 \\' \\\" \\x.. or \\u{...}"},
	{READ_POLICY, "permit(principal, action, resource) when { \"open };",
	 "policy.unterminated_string: in:1:44: this string has no closing quote"},
	{READ_POLICY, "permit(principal, action, resource) when { now() > 1 };",
	 "policy.unknown_function: in:1:44: there is no function `now`: expected decimal, ip, datetime or duration"},
	{READ_POLICY, "permit(principal, action, resource) when { principal.isAdmin() };",
	 "policy.unknown_method: in:1:54: there is no method `isAdmin`"},
	{READ_POLICY, "permit(principal, action, resource) when { isIpv4(ip(\"::1\")) };",
	 "policy.function_style: in:1:44: isIpv4 is a method: write value.isIpv4(...)"},
	{READ_POLICY, "permit(principal, action, resource) when { [1].contains() };",
	 "policy.arguments: in:1:44: contains takes 1 argument, found 0"},
	{READ_POLICY, "permit(principal, action, resource) when { decimal(\"1.0\", \"2.0\") == 1 };",
	 "policy.arguments: in:1:44: decimal takes 1 argument, found 2"},
	{READ_POLICY, "permit(principal, action, resource) when { user == 1 };",
	 "policy.unknown_variable: in:1:44: `user` is no variable: expected principal, action, resource or context"},
	{READ_POLICY, "permit(principal, action, resource) when { {a: 1, a: 2} == 1 };",
	 "policy.record_duplicate: in:1:44: the key \"a\" stands twice in this record"},
	{READ_POLICY, "permit(principal, action, resource) when { principal[0] == 1 };",
	 "policy.index: in:1:54: between [ and ] stands an attribute's name in double quotes"},
	{READ_POLICY, "permit(principal, action, resource) when { !!!!!true };",
	 "policy.negations: in:1:44: at most 4 `!` in a row, found 5"},
	{READ_POLICY, "permit(principal, action, resource) when { if true then 1 };",
	 "policy.unexpected_token: in:1:59: expected an operator or `else`, found `}`"},
	{READ_POLICY, "permit(principal, action, resource) when { context.in };",
	 "policy.reserved_word: in:1:52: expected an attribute or a method, found the reserved word `in`"},
	{READ_POLICY, "permit(principal, action, resource) when { 'a' == 1 };",
	 "policy.unexpected_character: in:1:44: the character U+0027 stands where no character of Cedar does; strings "
	 "stand in double quotes"},
	{READ_POLICY, "permit(principal, action, resource) when { principal has (a) };",
	 "policy.has_attribute: in:1:58: after has stands an attribute: a name, names joined by dots, or a string"},
	{READ_POLICY, "permit(principal, action, resource) when { ?principal == principal };",
	 "policy.slot_in_condition: in:1:44: a template's slot stands only in the scope, after principal or resource"},
	{READ_POLICY, "permit(principal, action, resource) when { User::{id: 1} == principal };",
	 "policy.entity_record: in:1:50: an entity is written Type::\"id\": expected a string, found `{`"},
	{READ_POLICY,
	 "// safe \xe2"
	 "\x80"
	 "\xae"
	 "\npermit(principal, action, resource);",
	 "policy.bidirectional_control: in:1:9: U+202E changes the direction of text and could hide what this says; "
	 "write it as \\u{202e}"},
	{READ_POLICY,
	 "permit(principal, action, resource) when { context.user == \"adm\xe2"
	 "\x81"
	 "\xa6"
	 "in\" };",
	 "policy.bidirectional_control: in:1:64: U+2066 changes the direction of text and could hide what this says; "
	 "write it as \\u{2066}"},
	{READ_POLICY,
	 "permit(principal, action, resource) when { "
	 "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
	 "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
	 "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((true)))))))))))))))))))))))"
	 ")))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))"
	 ")))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))"
	 "))))))))))))))))))))))))))))))))))))))))))))))))))))))))))) };",
	 "policy.depth: in:1:300: expressions nest at most 256 deep"},
	{READ_POLICY,
	 "@id(\"a\") permit(principal, action, resource);\n@id(\"a\") permit(principal, action, resource);",
	 "policy.duplicate_id: in:2:10: the id \"a\" is taken by the policy at in:1:10"},
	{READ_POLICY, "permit(principal, action, resource); &",
	 "policy.unexpected_character: in:1:38: the character U+0026 stands where no character of Cedar does; write && "
	 "for and"},
	{READ_POLICY_JSON, "", "json.syntax: in:1:1: input length is 0 at offset 0"},
	{READ_POLICY_JSON, "[]", "policy.type: in:1:1: expected object, found array"},
	{READ_POLICY_JSON, "{\"effect\":\"allow\"}", "policy.effect: in:1:1: expected permit or forbid"},
	{READ_POLICY_JSON,
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"like\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[]}",
	 "policy.scope_operator: in:1:32: expected All, == or in, or is"},
	{READ_POLICY_JSON,
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"==\",\"slot\":\"?resource\"},\"action\":{\"op\":\"All\"},"
	 "\"resource\":{\"op\":\"All\"},\"conditions\":[]}",
	 "policy.scope_slot: in:1:50: expected an entity or ?principal"},
	{READ_POLICY_JSON,
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"Value\":1.5}}]}",
	 "json.float: in:1:136: a number that is not an integer"},
	{READ_POLICY_JSON,
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"Value\":null}}]}",
	 "value.null: in:1:136: null is not a Cedar value"},
	{READ_POLICY_JSON,
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"Var\":\"user\"}}]}",
	 "policy.unknown_variable: in:1:134: expected principal, action, resource or context"},
	{READ_POLICY_JSON,
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"foo\":{\"left\":{\"Value\":1},\"right\":{\"Value\":1}"
	 "}}}]}",
	 "policy.unknown_function: in:1:134: \"foo\" is no form of expression and no function"},
	{READ_POLICY_JSON,
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"==\":{\"left\":{\"Value\":1}}}}]}",
	 "policy.missing: in:1:133: expected a member \"right\""},
	{READ_POLICY_JSON,
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"&&\":{\"left\":{\"Value\":true},\"right\":{\"Value\":"
	 "true}},\"||\":1}}]}",
	 "policy.expression: in:1:127: expected an object with one member, found 2"},
	{READ_POLICY_JSON,
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"ip\":[]}}]}",
	 "policy.arguments: in:1:133: ip takes 1 arguments, found 0"},
	{READ_POLICY_JSON,
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"like\":{\"left\":{\"Value\":\"a\"},\"pattern\":[1]}}}"
	 "]}",
	 "policy.like_pattern: in:1:168: expected \"Wildcard\" or {\"Literal\": ...}"},
	{READ_POLICY_JSON,
	 "{\"staticPolicies\":{},\"templates\":{},\"templateLinks\":[{\"templateId\":\"t\",\"newId\":\"l\",\"values\":{"
	 "}}]}",
	 "policy.link_template: in:1:54: there is no template \"t\""},
	{READ_POLICY_JSON,
	 "{\"staticPolicies\":{\"a\":{\"effect\":\"permit\",\"principal\":{\"op\":\"in\",\"slot\":\"?principal\"},"
	 "\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"},\"conditions\":[]}}}",
	 "policy.template: in:1:24: this policy has a slot: it is a template"},
	{READ_POLICY_JSON, "{\"a\":1,\"a\":2}", "json.duplicate_key: in:1:12: \"a\" stands twice in one object"},
	{READ_POLICY_JSON,
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"Value\":9223372036854775808}}]}",
	 "json.integer: in:1:136: a number beyond 64 bits"},
	{READ_POLICY_JSON,
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[],\"annotations\":{\"a b\":\"x\"}}",
	 "policy.annotation_name: in:1:128: \"a b\" is no name of an annotation"},
	{READ_SCHEMA, "entity User",
	 "policy.unexpected_end: in:1:12: expected `in`, `{`, `tags` or `;`, found the end of the text"},
	{READ_SCHEMA, "entity User in;", "policy.unexpected_token: in:1:15: expected an entity type, found `;`"},
	{READ_SCHEMA, "entity A {x: Nope};", "schema.unknown_type: in:1:14: there is no type Nope"},
	{READ_SCHEMA, "entity A {x: Long, x: Long};",
	 "schema.duplicate: in:1:10: the attribute \"x\" stands twice in this record"},
	{READ_SCHEMA, "entity A;\nentity A;", "schema.duplicate: in:2:8: the entity type A is declared twice"},
	{READ_SCHEMA, "type Long = String;", "schema.reserved_name: in:1:6: Long is the name of a built-in type"},
	{READ_SCHEMA, "entity Action;", "schema.reserved_name: in:1:8: Action is the type of actions"},
	{READ_SCHEMA, "action a in a;", "schema.action_cycle: in:1:8: the action \"a\" is in itself"},
	{READ_SCHEMA, "type T = Set<T>;", "schema.type_cycle: in:1:14: the type T is made of itself"},
	{READ_SCHEMA, "action a appliesTo {principal: A};", "schema.applies_to: in:1:10: appliesTo names no resource"},
	{READ_SCHEMA, "entity A enum [];",
	 "policy.unexpected_token: in:1:16: expected an id in double quotes, found `]`"},
	{READ_SCHEMA, "entity A {x Long};", "policy.unexpected_token: in:1:13: expected `:` or `?:`, found `Long`"},
	{READ_SCHEMA, "namespace N {", "policy.unexpected_end: in:1:14: expected `}`, found the end of the text"},
	{READ_SCHEMA, "entity A in [B];", "schema.unknown_type: in:1:14: there is no entity type B"},
	{READ_SCHEMA, "action a in b;", "schema.unknown_action: in:1:13: there is no action \"b\""},
	{READ_SCHEMA,
	 "entity A; // \xe2"
	 "\x80"
	 "\xae",
	 "policy.bidirectional_control: in:1:14: U+202E changes the direction of text and could hide what this says; "
	 "write it as \\u{202e}"},
	{READ_SCHEMA, "namespace N { entity A; } entity A;",
	 "schema.shadow: in:1:22: A is declared without a namespace as well"},
	{READ_SCHEMA, "entity __cedar;",
	 "policy.reserved_word: in:1:8: expected an entity type's name, found the reserved word `__cedar`"},
	{READ_SCHEMA,
	 "entity A {x: "
	 "Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<"
	 "Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<"
	 "Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Set<Long>"
	 ">>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>};",
	 "policy.depth: in:1:270: types nest at most 64 deep"},
	{READ_SCHEMA_JSON, "{", "json.syntax: in:1:2: unexpected end of data at offset 1"},
	{READ_SCHEMA_JSON, "{\"\":{}}", "schema.missing: in:1:5: expected a member \"entityTypes\""},
	{READ_SCHEMA_JSON, "{\"a b\":{\"entityTypes\":{},\"actions\":{}}}",
	 "schema.name: in:1:8: \"a b\" is no name of a namespace"},
	{READ_SCHEMA_JSON, "{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Long\"}}},\"actions\":{}}}",
	 "schema.record: in:1:34: an entity's shape is a record"},
	{READ_SCHEMA_JSON, "{\"\":{\"entityTypes\":{\"A\":{\"memberOfTypes\":[\"B\"]}},\"actions\":{}}}",
	 "schema.unknown_type: in:1:43: there is no entity type B"},
	{READ_SCHEMA_JSON, "{\"\":{\"entityTypes\":{\"A\":{\"enum\":[]}},\"actions\":{}}}",
	 "schema.enumeration: in:1:33: an enumerated type has at least one id"},
	{READ_SCHEMA_JSON, "{\"\":{\"entityTypes\":{\"A\":{\"tags\":{\"type\":\"Set\"}}},\"actions\":{}}}",
	 "schema.missing: in:1:33: expected a member \"element\""},
	{READ_SCHEMA_JSON,
	 "{\"\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{},\"additionalAttributes\":"
	 "true}}},\"actions\":{}}}",
	 "schema.open_record: in:1:90: records have the attributes that they declare and no more"},
	{READ_SCHEMA_JSON, "{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"memberOf\":[{\"id\":\"b\"}]}}}}",
	 "schema.unknown_action: in:1:51: there is no action \"b\""},
	{READ_SCHEMA_JSON, "{\"\":{\"entityTypes\":{\"A\":{\"colour\":1}},\"actions\":{}}}",
	 "schema.unknown: in:1:35: there is no member \"colour\" here"},
	{READ_SCHEMA_JSON, "{\"\":{\"entityTypes\":{\"A\":{},\"A\":{}},\"actions\":{}}}",
	 "json.duplicate_key: in:1:32: \"A\" stands twice in one object"},
	{READ_ENTITIES, "{}", "entities.list: in:1:1: expected an array of entities, found object"},
	{READ_ENTITIES, "[1]", "entities.entity: in:1:2: expected object, found integer"},
	{READ_ENTITIES, "[{\"attrs\":{},\"parents\":[]}]", "entities.uid: in:1:2: missing, expected object"},
	{READ_ENTITIES, "[{\"uid\":{\"type\":\"a b\",\"id\":\"x\"},\"attrs\":{},\"parents\":[]}]",
	 "value.entity_type: in:1:9: \"a b\" is not a type name: expected identifiers joined by ::"},
	{READ_ENTITIES, "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"a\":null},\"parents\":[]}]",
	 "value.null: in:1:42: null is not a Cedar value"},
	{READ_ENTITIES, "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"a\":1.5},\"parents\":[]}]",
	 "json.float: in:1:47: a number that is not an integer"},
	{READ_ENTITIES,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"a\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.0.0."
	 "256\"}}},\"parents\":[]}]",
	 "value.ip: in:1:42: \"10.0.0.256\": expected an IPv4 or IPv6 address or range, such as \"10.0.0.0/8\""},
	{READ_ENTITIES,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"a\":{\"__extn\":{\"fn\":\"money\",\"arg\":\"1\"}}},"
	 "\"parents\":[]}]",
	 "value.extension_function: in:1:42: \"money\" is not decimal, ip, datetime, duration or offset"},
	{READ_ENTITIES,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"a\":{\"__expr\":\"1\"}},\"parents\":[]}]",
	 "value.expression: in:1:42: __expr escapes are no longer part of the language"},
	{READ_ENTITIES,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{},\"parents\":[]},{\"uid\":{\"type\":\"User\",\"id\":"
	 "\"a\"},\"attrs\":{},\"parents\":[]}]",
	 "entities.duplicate: in:1:66: User::\"a\" stands in the list twice"},
	{READ_ENTITIES,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{},\"parents\":[{\"type\":\"User\",\"id\":\"a\"}]}]",
	 "entities.cycle: in:1:55: User::\"a\" is its own ancestor through User::\"a\""},
	{READ_ENTITIES,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"a\":9223372036854775808},\"parents\":[]}]",
	 "json.integer: in:1:47: a number beyond 64 bits"},
	{READ_ENTITIES, "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"a\":\"\\ud800\"},\"parents\":[]}]",
	 "json.syntax: in:1:54: no low surrogate in string at offset 53"},
	{READ_ENTITIES,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
	 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
	 "]]},\"parents\":[]}]",
	 "json.depth: in:1:108: nested deeper than 64 levels at offset 107"},
	{READ_ENTITIES, "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{},\"parents\":[],\"colour\":1}]",
	 "entities.colour: in:1:2: unknown member"},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"Nope\",\"id\":\"a\"},\"attrs\":{\"name\":\"x\",\"home\":\"10.0.0.1\",\"paid\":\"1.0\","
	 "\"at\":\"2024-01-01\",\"took\":\"1h\",\"tint\":{\"type\":\"Color\",\"id\":\"red\"},\"roles\":[\"a\"],\"at_"
	 "home\":{\"n\":1}},\"parents\":[]}]",
	 "fit.entity_type: in:1:9: the schema has no entity type Nope"},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"home\":\"10.0.0.1\",\"paid\":\"1.0\",\"at\":\"2024-"
	 "01-01\",\"took\":\"1h\",\"tint\":{\"type\":\"Color\",\"id\":\"red\"},\"roles\":[\"a\"],\"at_home\":{\"n\":1}}"
	 ",\"parents\":[]}]",
	 "fit.missing_attribute: in:1:42: expected the attribute name"},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"name\":1,\"home\":\"10.0.0.1\",\"paid\":\"1.0\","
	 "\"at\":\"2024-01-01\",\"took\":\"1h\",\"tint\":{\"type\":\"Color\",\"id\":\"red\"},\"roles\":[\"a\"],\"at_"
	 "home\":{\"n\":1}},\"parents\":[]}]",
	 "fit.type: in:1:50: expected String, found long"},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"name\":\"x\",\"home\":\"10.0.0.1\",\"paid\":\"1.0\","
	 "\"at\":\"2024-01-01\",\"took\":\"1h\",\"tint\":{\"type\":\"Color\",\"id\":\"red\"},\"roles\":[\"a\"],\"at_"
	 "home\":{\"n\":1},\"more\":1},\"parents\":[]}]",
	 "fit.unknown_attribute: in:1:189: the schema has no attribute more here"},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"name\":\"x\",\"home\":\"10.0.0.256\",\"paid\":\"1."
	 "0\",\"at\":\"2024-01-01\",\"took\":\"1h\",\"tint\":{\"type\":\"Color\",\"id\":\"red\"},\"roles\":[\"a\"],"
	 "\"at_home\":{\"n\":1}},\"parents\":[]}]",
	 "value.ip: in:1:61: \"10.0.0.256\": expected an IPv4 or IPv6 address or range, such as \"10.0.0.0/8\""},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"name\":\"x\",\"home\":\"10.0.0.1\",\"paid\":\"1\","
	 "\"at\":\"2024-01-01\",\"took\":\"1h\",\"tint\":{\"type\":\"Color\",\"id\":\"red\"},\"roles\":[\"a\"],\"at_"
	 "home\":{\"n\":1}},\"parents\":[]}]",
	 "value.decimal: in:1:79: \"1\": expected digits, a point and digits, such as \"1.5\""},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"name\":\"x\",\"home\":\"10.0.0.1\",\"paid\":\"1.0\","
	 "\"at\":\"2024-13-01\",\"took\":\"1h\",\"tint\":{\"type\":\"Color\",\"id\":\"red\"},\"roles\":[\"a\"],\"at_"
	 "home\":{\"n\":1}},\"parents\":[]}]",
	 "value.datetime_range: in:1:90: \"2024-13-01\": no such date, time or offset"},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"name\":\"x\",\"home\":\"10.0.0.1\",\"paid\":\"1.0\","
	 "\"at\":\"2024-01-01\",\"took\":\"1x\",\"tint\":{\"type\":\"Color\",\"id\":\"red\"},\"roles\":[\"a\"],\"at_"
	 "home\":{\"n\":1}},\"parents\":[]}]",
	 "value.duration: in:1:110: \"1x\": expected numbers with the units d, h, m, s, ms in that order"},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"name\":\"x\",\"home\":\"10.0.0.1\",\"paid\":\"1.0\","
	 "\"at\":\"2024-01-01\",\"took\":\"1h\",\"tint\":{\"type\":\"Color\",\"id\":\"green\"},\"roles\":[\"a\"],\"at_"
	 "home\":{\"n\":1}},\"parents\":[]}]",
	 "fit.enumerated_id: in:1:122: \"green\" is none of the ids that Color enumerates"},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"name\":\"x\",\"home\":\"10.0.0.1\",\"paid\":\"1.0\","
	 "\"at\":\"2024-01-01\",\"took\":\"1h\",\"tint\":{\"type\":\"Doc\",\"id\":\"red\"},\"roles\":[\"a\"],\"at_"
	 "home\":{\"n\":1}},\"parents\":[]}]",
	 "fit.type: in:1:122: expected Color, found Doc"},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"name\":\"x\",\"home\":\"10.0.0.1\",\"paid\":\"1.0\","
	 "\"at\":\"2024-01-01\",\"took\":\"1h\",\"tint\":{\"type\":\"Color\",\"id\":\"red\"},\"roles\":[\"a\",1],\"at_"
	 "home\":{\"n\":1}},\"parents\":[]}]",
	 "fit.type: in:1:158: expected String, found long"},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"name\":\"x\",\"home\":\"10.0.0.1\",\"paid\":\"1.0\","
	 "\"at\":\"2024-01-01\",\"took\":\"1h\",\"tint\":{\"type\":\"Color\",\"id\":\"red\"},\"roles\":[\"a\"],\"at_"
	 "home\":{\"ok\":1}},\"parents\":[]}]",
	 "fit.missing_attribute: in:1:174: expected the attribute n"},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"name\":\"x\",\"home\":\"10.0.0.1\",\"paid\":\"1.0\","
	 "\"at\":\"2024-01-01\",\"took\":\"1h\",\"tint\":{\"type\":\"Color\",\"id\":\"red\"},\"roles\":[\"a\"],\"at_"
	 "home\":{\"n\":1}},\"parents\":[{\"type\":\"Doc\",\"id\":\"d\"}]}]",
	 "fit.parent: in:1:193: the schema has no User in Doc"},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"name\":\"x\",\"home\":\"10.0.0.1\",\"paid\":\"1.0\","
	 "\"at\":\"2024-01-01\",\"took\":\"1h\",\"tint\":{\"type\":\"Color\",\"id\":\"red\"},\"roles\":[\"a\"],\"at_"
	 "home\":{\"n\":1}},\"parents\":[],\"tags\":{\"t\":\"x\"}}]",
	 "fit.type: in:1:208: expected Long, found string"},
	{READ_ENTITIES_SCHEMA,
	 "[{\"uid\":{\"type\":\"Group\",\"id\":\"g\"},\"attrs\":{},\"parents\":[],\"tags\":{\"t\":1}}]",
	 "fit.tag: in:1:71: Group has no tags"},
	{READ_ENTITIES_SCHEMA, "[{\"uid\":{\"type\":\"Color\",\"id\":\"green\"},\"attrs\":{},\"parents\":[]}]",
	 "fit.enumerated_id: in:1:9: \"green\" is none of the ids that Color enumerates"},
	{READ_ENTITIES_SCHEMA, "[{\"uid\":{\"type\":\"Action\",\"id\":\"view\"},\"attrs\":{},\"parents\":[]}]",
	 "fit.action: in:1:9: the action Action::\"view\" is not as the schema declares it"},
	{READ_ENTITIES_SCHEMA, "[{\"uid\":{\"type\":\"Action\",\"id\":\"edit\"},\"attrs\":{},\"parents\":[]}]",
	 "fit.action: in:1:9: the schema has no action Action::\"edit\""},
	{READ_REQUEST, "[]", "request.type: in:1:1: expected object, found array"},
	{READ_REQUEST, "{}", "request.missing: in:1:1: expected a member \"principal\""},
	{READ_REQUEST,
	 "{\"principal\":{\"type\":\"User\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},"
	 "\"resource\":{\"type\":\"Doc\",\"id\":\"d\"},\"context\":{\"n\":1},\"more\":1}",
	 "request.unknown: in:1:138: there is no member \"more\" here"},
	{READ_REQUEST,
	 "{\"principal\":{\"type\":\"User\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},"
	 "\"resource\":{\"type\":\"Doc\",\"id\":\"d\"},\"context\":{\"n\":null}}",
	 "value.null: in:1:123: null is not a Cedar value"},
	{READ_REQUEST,
	 "{\"principal\":{\"type\":\"Us "
	 "er\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":{\"type\":\"Doc\",\"id\":"
	 "\"d\"},\"context\":{\"n\":1}}",
	 "value.entity_type: in:1:14: \"Us er\" is not a type name: expected identifiers joined by ::"},
	{READ_REQUEST,
	 "{\"principal\":{\"type\":\"User\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},"
	 "\"resource\":{\"type\":\"Doc\",\"id\":\"d\"},\"context\":{\"__entity\":{\"type\":\"User\",\"id\":\"a\"}}}",
	 "request.context: in:1:123: expected a record, found entity"},
	{READ_REQUEST_SCHEMA,
	 "{\"principal\":{\"type\":\"User\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"edit\"},"
	 "\"resource\":{\"type\":\"Doc\",\"id\":\"d\"},\"context\":{\"n\":1}}",
	 "fit.action: in:1:48: the schema has no action Action::\"edit\""},
	{READ_REQUEST_SCHEMA,
	 "{\"principal\":{\"type\":\"User\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"all\"},\"resource\":"
	 "{\"type\":\"Doc\",\"id\":\"d\"},\"context\":{\"n\":1}}",
	 "fit.applies_to: in:1:14: Action::\"all\" does not apply to a principal of type User"},
	{READ_REQUEST_SCHEMA,
	 "{\"principal\":{\"type\":\"Doc\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},\"resource\":"
	 "{\"type\":\"Doc\",\"id\":\"d\"},\"context\":{\"n\":1}}",
	 "fit.applies_to: in:1:14: Action::\"view\" does not apply to a principal of type Doc"},
	{READ_REQUEST_SCHEMA,
	 "{\"principal\":{\"type\":\"User\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},"
	 "\"resource\":{\"type\":\"Nope\",\"id\":\"d\"},\"context\":{\"n\":1}}",
	 "fit.entity_type: in:1:89: the schema has no entity type Nope"},
	{READ_REQUEST_SCHEMA,
	 "{\"principal\":{\"type\":\"User\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},"
	 "\"resource\":{\"type\":\"Doc\",\"id\":\"d\"},\"context\":{\"n\":\"1\"}}",
	 "fit.type: in:1:128: expected Long, found string"},
	{READ_REQUEST_SCHEMA,
	 "{\"principal\":{\"type\":\"User\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},"
	 "\"resource\":{\"type\":\"Doc\",\"id\":\"d\"},\"context\":{\"m\":1}}",
	 "fit.missing_attribute: in:1:123: expected the attribute n"},
	{READ_REQUEST_SCHEMA,
	 "{\"principal\":{\"type\":\"User\",\"id\":\"a\"},\"action\":{\"type\":\"Action\",\"id\":\"view\"},"
	 "\"resource\":{\"type\":\"Doc\",\"id\":\"d\"},\"context\":{\"n\":1,\"who\":{\"type\":\"Doc\",\"id\":\"d\"}}}",
	 "fit.type: in:1:136: expected User, found Doc"},
};

static enum status
read_policies(struct bytes text, bool is_json, struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	TRY(policy_set_create(nullptr, &set));
	return (is_json ? policy_set_add_json : policy_set_add)(set, "in", text, diagnostics);
}

static enum status
read_schema(struct bytes text, enum schema_syntax syntax, struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_schema_destroy) struct policy_schema *read = nullptr;
	return policy_schema_parse("in", text, syntax, &read, diagnostics);
}

static enum status
read_entities(struct bytes text, const struct policy_schema *schema, struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	const struct policy_source source = {"in", text};
	TRY(policy_entities_create(&entities));
	return policy_entities_load(entities, &source, (struct policy_entities_options){.schema = schema}, diagnostics);
}

static enum status
read_request(struct bytes text, const struct policy_schema *schema, struct policy_diagnostics *diagnostics) {
	_cleanup_(arena_free) struct arena arena = {};
	struct policy_request request;
	const struct policy_source source = {"in", text};
	return policy_request_read(&arena, &source, schema, diagnostics, &request);
}

static enum status
read_text(enum reader reader, struct bytes text, const struct policy_schema *schema,
	  struct policy_diagnostics *diagnostics) {
	switch (reader) {
	case READ_POLICY:
	case READ_POLICY_JSON:
		return read_policies(text, reader == READ_POLICY_JSON, diagnostics);
	case READ_SCHEMA:
	case READ_SCHEMA_JSON:
		return read_schema(text, reader == READ_SCHEMA ? SCHEMA_CEDAR : SCHEMA_JSON, diagnostics);
	case READ_ENTITIES:
	case READ_ENTITIES_SCHEMA:
		return read_entities(text, reader == READ_ENTITIES ? nullptr : schema, diagnostics);
	case READ_REQUEST:
	case READ_REQUEST_SCHEMA:
		return read_request(text, reader == READ_REQUEST ? nullptr : schema, diagnostics);
	}
	return OK;
}

/* Without a list the message is the detail; with one it is the first finding's, and the caret stands below its line. */
static void
each_bad_input_gets_its_exact_message(void **) {
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = nullptr;
	size_t wrong = 0;
	assert_ok(policy_schema_parse("schema", bytes_of_text(schema_text), SCHEMA_CEDAR, &schema, nullptr));
	for (size_t i = 0; i < ARRAY_LENGTH(bad_texts); i++) {
		_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
		struct bytes text = bytes_of_text(bad_texts[i].text);
		fail_keep("%s", "none");
		enum status status = read_text(bad_texts[i].reader, text, schema, nullptr);
		if (status != STATUS_INVALID || strcmp(fail_message(), bad_texts[i].message) != 0) {
			print_message("%s\n  expected %s\n  found    %s\n", bad_texts[i].text, bad_texts[i].message,
				      fail_message());
			wrong++;
		}
		assert_int_equal(read_text(bad_texts[i].reader, text, schema, &diagnostics), STATUS_INVALID);
		for (size_t j = 0; j < diagnostics.count; j++)
			assert_true(diagnostics.items[j].line > 0 && diagnostics.items[j].excerpt_column > 0);
	}
	print_message("%zu bad inputs\n", ARRAY_LENGTH(bad_texts));
	assert_int_equal(wrong, 0);
}

/* One run tells of everything that does not fit. */
static void
several_findings_are_told_of_one_document(void **) {
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = nullptr;
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(buffer_free) struct buffer printed = {};
	static const char text[] =
		"[\n"
		"  {\"uid\": {\"type\": \"Group\", \"id\": \"g\"}, \"attrs\": {\"x\": 1},\n"
		"   \"parents\": [{\"type\": \"Doc\", \"id\": \"d\"}]},\n"
		"  {\"uid\": {\"type\": \"Color\", \"id\": \"pink\"}, \"attrs\": {}, \"parents\": []}\n"
		"]\n";
	static const char expected[] =
		"in:2:56: fit.unknown_attribute: the schema has no attribute x here\n"
		"     2 |   {\"uid\": {\"type\": \"Group\", \"id\": \"g\"}, \"attrs\": {\"x\": 1},\n"
		"       |                                                        ^\n"
		"in:3:15: fit.parent: the schema has no Group in Doc\n"
		"     3 |    \"parents\": [{\"type\": \"Doc\", \"id\": \"d\"}]},\n"
		"       |               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
		"in:4:11: fit.enumerated_id: \"pink\" is none of the ids that Color enumerates\n"
		"     4 |   {\"uid\": {\"type\": \"Color\", \"id\": \"pink\"}, \"attrs\": {}, \"parents\": []}\n"
		"       |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n";
	assert_ok(policy_schema_parse("schema", bytes_of_text(schema_text), SCHEMA_CEDAR, &schema, nullptr));
	assert_int_equal(read_entities(bytes_of_text(text), schema, &diagnostics), STATUS_INVALID);
	policy_diagnostics_print(&diagnostics, &printed);
	if (printed.len != strlen(expected) || memcmp(printed.data, expected, printed.len) != 0)
		fail_msg("expected\n%s\nfound\n%.*s", expected, BYTES_ARGS(buffer_bytes(&printed)));
}

RUN_TESTS(T(each_bad_input_gets_its_exact_message), T(several_findings_are_told_of_one_document))
