#include "policy/prove/generated.h"

const char generated_schema[] =
	"entity Unit in [Unit]; entity Group; entity Person in [Unit, Group] = { suspended: Bool };"
	"entity Workload in [Unit] = { suspended: Bool }; entity Account in [Unit]; entity Key in [Account, Unit] = { "
	"state: String };"
	"action sign appliesTo { principal: [Person, Workload], resource: Key, context: {"
	"  amount: { usd_cents: Long, fee_usd_cents?: Long }, approvals: { treasury: Long, risk: Long, independent: "
	"Long },"
	"  destination: { allowed: Bool, list?: String, sanctioned: Bool }, destinations: Set<String>, emergency: Bool,"
	"  source: ipaddr, spent: { day: Long, hour: Long }, zone: String } };";

/* Freezes and sanctions are carried by a forbid each; amounts by every permit. */
const char generated_invariant[] = "@id(\"i\") forbid (principal, action == Action::\"sign\", resource)"
				   "unless { !context.destination.sanctioned && resource.state == \"active\" &&"
				   "  (context.amount.usd_cents <= 1000000 || (context.approvals.treasury >= 2 && "
				   "context.approvals.independent >= 1)) };";

static void
write_ordinary(struct buffer *to, size_t i) {
	switch (i % 5) {
	case 0:
		buffer_append_format(
			to,
			"permit(principal is Workload, action == Action::\"sign\", resource in Account::\"a%zu\")"
			" when { context.amount.usd_cents <= %zu && context.destination.allowed &&"
			" context.spent.day <= %zu };\n",
			i, 1000 + 997 * i % 998'000, 5'000'000 + i);
		break;
	case 1:
		buffer_append_format(
			to,
			"permit(principal in Unit::\"u%zu\", action == Action::\"sign\", resource in Account::\"a%zu\")"
			" when { context.amount.usd_cents <= %zu && context.approvals.treasury >= %zu &&"
			" context.approvals.independent >= 1 && context.destinations.containsAny([\"d%zu\", \"d%zu\"]) "
			"};\n",
			i % 40, i, 50'000'000 + i, 2 + i % 3, i, i + 1);
		break;
	case 2:
		buffer_append_format(to,
				     "permit(principal, action == Action::\"sign\", resource == Key::\"k%zu\")"
				     " when { (context.amount.usd_cents <= %zu || (context.approvals.treasury >= 2 &&"
				     " context.approvals.risk >= 1 && context.approvals.independent >= 1)) &&"
				     " context.source.isInRange(ip(\"10.%zu.0.0/16\")) };\n",
				     i, 500'000 + i, i % 256);
		break;
	case 3:
		buffer_append_format(to,
				     "forbid(principal, action == Action::\"sign\", resource in Account::\"a%zu\")"
				     " when { context.spent.hour > %zu || context.zone == \"z%zu\" };\n",
				     i - 3, 100'000'000 + i, i);
		break;
	default:
		buffer_append_format(
			to,
			"forbid(principal in Unit::\"u%zu\", action == Action::\"sign\", resource)"
			" when { context.destination has list && context.destination.list like \"blocked-%zu-*\" };\n",
			i % 40, i);
		break;
	}
}

void
generated_policies(struct buffer *to, size_t count, enum plant plant, size_t place) {
	static const char *const guards[] = {
		"forbid(principal, action, resource) when { context.destination.sanctioned };\n",
		"forbid(principal, action, resource) unless { resource.state == \"active\" };\n",
	};
	static const char *const planted[] = {
		[PLANT_LIMIT] = "permit(principal, action, resource in Account::\"p\") when { context.amount.usd_cents "
				"<= 1000001 };\n",
		[PLANT_VOTES] = "permit(principal, action, resource in Account::\"p\") when { "
				"context.approvals.treasury >= 1 &&"
				" context.approvals.independent >= 1 };\n",
		[PLANT_EITHER] = "permit(principal, action, resource in Account::\"p\") when { "
				 "context.approvals.treasury >= 2 ||"
				 " context.approvals.independent >= 1 };\n",
		[PLANT_OTHER] =
			"permit(principal, action, resource in Account::\"p\") when { context.approvals.risk >= 2 &&"
			" context.approvals.independent >= 1 };\n",
		[PLANT_UNTYPED] = "permit(principal, action, resource in Account::\"p\") when { context.amount has "
				  "fee_usd_cents &&"
				  " context.amount.fee_usd_cents <= 1000000 };\n",
		[PLANT_EXCEPTION] =
			"permit(principal, action, resource in Account::\"p\") when { context.emergency };\n",
	};
	for (size_t i = 0; i < count; i++) {
		if (plant != PLANT_NONE && i == place)
			buffer_append_text(to, planted[plant]);
		else if (i < 2)
			buffer_append_text(to, guards[i]);
		else
			write_ordinary(to, i);
	}
}
