/*
 * `gatehouse policy conform DIR`: runs Cedar's published test cases against this implementation.
 *
 * Every *.json below DIR that is an object with "policies", "entities" and "requests" is a case, in the format of the
 * cedar-integration-tests repository. The files that a case names are found at that path below DIR or one of the folders
 * above it, or else beside the case by their base name. Entities and contexts are read with implicit entity references, without
 * the schema. A request agrees where decision, reasons and erroring policies are all equal; a validation where the policies
 * validate by the case's schema if and only if "shouldValidate" says so.
 */
#ifndef GATEHOUSE_POLICY_CONFORM_H
#define GATEHOUSE_POLICY_CONFORM_H

#include "base/io.h"
#include "base/json.h"

constexpr size_t CONFORM_DIFFERENCES_MAX = 10;

struct conform_report {
	size_t cases;
	size_t requests;
	size_t agree;
	size_t validations; /* cases with a schema and a "shouldValidate" */
	size_t validations_agree;
	size_t difference_count; /* kept below: the first ones */
	char *differences[CONFORM_DIFFERENCES_MAX];
};

void conform_report_free(struct conform_report *report); /* a cleanup function */

/* A case that cannot be read is one difference, and none of its requests agrees. Errors: conform.none where there is no case at all;
 * what io says. */
enum status conform_run(const struct io *io, const char *directory, struct conform_report *report);
/* The same without validations: schemas are not read. */
enum status conform_run_requests(const struct io *io, const char *directory, struct conform_report *report);

/* "cases: 22\nrequests: 74\nagree: 74\nvalidations: 22\nvalidations_agree: 22\n" and a line per difference. */
void conform_print(const struct conform_report *report, struct buffer *to);
/* {"agree":74,"cases":22,"differences":[],"requests":74,"validations":22,"validations_agree":22} */
void conform_write(const struct conform_report *report, struct json_writer *writer);

#endif
