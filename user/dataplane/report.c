/* SPDX-License-Identifier: GPL-2.0-only */
/* Sentences for the operator. */
#include "report.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

int report_error(struct config_error *err, int rc, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return rc;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return rc;
}

void report_say(say_fn say, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (!say)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	say(line);
}

const char *addr4_text(__be32 addr, char buf[PREFIX_TEXT])
{
	inet_ntop(AF_INET, &addr, buf, PREFIX_TEXT);
	return buf;
}
