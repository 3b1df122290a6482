/* SPDX-License-Identifier: GPL-2.0-only */
/* `run`: a program that cannot speak IPv6, started with the client shim. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "client/settings.h"
#include "output/output.h"

#define SHIM_NAME "libxdp-nat64-client.so"
#define NOT_FOUND 127	/* as of a shell */
#define NOT_RUN 126

struct job {
	struct cli cli;
	const char *file, *pref64, *log, *check;
	bool verbose;
	struct dest_rules rules;
};

/* ---- --check ----------------------------------------------------------------------- */

static const char *const whys[] = {
	[DEST_HOST] = "this host, this link or many hosts: never translated",
	[DEST_LOCAL] = "local network, reached directly",
	[DEST_PATH] = "path",
	[DEST_DEFAULT] = "default",
	[DEST_DISCOVERED] = "discovered by ipv4only.arpa (RFC 7050)",
	[DEST_WELL_KNOWN] = "nothing discovered: the well-known prefix",
	[DEST_NO_PREFIX] = "no prefix: default none",
	[DEST_NONGLOBAL] = "no prefix: 64:ff9b::/96 carries global addresses only (RFC 6052 3.1)",
};

/* Is there a route and an address for it? Connecting a UDP socket sends nothing. */
static int probe(const struct addr6 *a, __u16 port)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(port ? port : 9) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), e = 0;

	memcpy(&to.sin6_addr, a, sizeof(to.sin6_addr));
	if (fd < 0)
		return errno;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		e = errno;
	close(fd);
	return e;
}

static bool add_way(json_t *ways, const char *method, const struct addr6 *a, __u16 port)
{
	char text[INET6_ADDRSTRLEN];
	json_t *row = out_row(ways);
	int e = probe(a, port);

	inet_ntop(AF_INET6, a, text, sizeof(text));
	out_str(row, "method", "%s", method);
	out_str(row, "address", "%s", text);
	out_str(row, "network", "%s", e ? strerror(e) : "reachable");
	return !e;
}

static void explain(const struct job *j, json_t *root, __be32 v4, __u16 port)
{
	struct dest_choice c = dest_choose(&j->rules, v4, port, settings_discover);
	struct addr6 mapped = { { 0, 0, be32(0xffff), v4 } }, six;
	char text4[INET_ADDRSTRLEN], text6[INET6_ADDRSTRLEN];
	const char *used = "none";
	json_t *ways;

	inet_ntop(AF_INET, &v4, text4, sizeof(text4));
	out_str(root, "destination", "%s", text4);
	if (port)
		out_int(root, "port", port);
	if (c.line)
		out_str(root, "rule", "%s (%s line %u)", whys[c.why], settings_file(), c.line);
	else
		out_str(root, "rule", "%s", whys[c.why]);
	if (c.translated) {
		inet_ntop(AF_INET6, &c.pref.prefix, text6, sizeof(text6));
		out_str(root, "prefix", "%s/%u", text6, c.pref.len);
	}
	ways = out_table(root, "ways");
	if (c.translated) {
		rfc6052_embed(&c.pref, v4, &six);
		if (add_way(ways, "nat64", &six, port))
			used = "nat64";
	}
	if (add_way(ways, "ipv4", &mapped, port) && !strcmp(used, "none"))
		used = "ipv4";
	out_str(root, "used", "%s", used);
}

/* HOST or HOST:PORT. */
static int read_target(const struct job *j, __be32 *v4, __u16 *port)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;
	const char *colon = strrchr(j->check, ':');
	char host[256], *end = NULL;
	unsigned long n = 0;
	int rc;

	snprintf(host, sizeof(host), "%.*s", colon ? (int)(colon - j->check) : 255, j->check);
	if (colon)
		n = strtoul(colon + 1, &end, 10);
	if (!*host || strchr(host, ':') || (colon && (!n || n > 65535 || *end))) {
		cli_error(&j->cli, "'%s' (--check) is not a destination; write HOST or HOST:PORT, "
			  "HOST being an IPv4 address or a name", j->check);
		return CLI_USAGE;
	}
	*port = (__u16)n;
	rc = getaddrinfo(host, NULL, &hints, &found);
	if (rc) {
		cli_error(&j->cli, "the name %s (--check) has no IPv4 address: %s; write an "
			  "address, or ask the name server", host, gai_strerror(rc));
		return CLI_FAILED;
	}
	memcpy(v4, &((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr, sizeof(*v4));
	freeaddrinfo(found);
	return CLI_GO_ON;
}

static int check(const struct job *j)
{
	json_t *root;
	__be32 v4;
	__u16 port;
	int rc = read_target(j, &v4, &port);

	if (rc != CLI_GO_ON)
		return rc;
	root = json_object();
	explain(j, root, v4, port);
	rc = output_print(root, j->cli.json, stdout);
	json_decref(root);
	if (!rc)
		return CLI_OK;
	cli_error(&j->cli, "the output cannot be written: %s", strerror(-rc));
	return CLI_FAILED;
}

/* ---- starting ------------------------------------------------------------------------ */

/* Beside the program (build tree), or where `make install` puts it. */
static int find_shim(const struct job *j, char *path, size_t size)
{
	static const char *const places[] = { "", "../lib/xdp-nat64/" };
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	*(strrchr(self, '/') ? strrchr(self, '/') + 1 : self) = '\0';
	for (int i = 0; i < 2; i++) {
		snprintf(path, size, "%s%s" SHIM_NAME, self, places[i]);
		if (access(path, R_OK))
			continue;
		if (!strpbrk(path, " :"))
			return 0;
		cli_error(&j->cli, "%s has a blank or a colon in its path, at which LD_PRELOAD is "
			  "cut; put it somewhere else", path);
		return -1;
	}
	cli_error(&j->cli, SHIM_NAME " is neither in %s nor in %s../lib/xdp-nat64; run make "
		  "install", self, self);
	return -1;
}

static int prepare(const struct job *j, const char *shim)
{
	const char *old = getenv("LD_PRELOAD");
	char preload[2048];
	int n = snprintf(preload, sizeof(preload), "%s%s%s", shim, old && *old ? ":" : "",
			 old ? old : "");

	if (n < (int)sizeof(preload) && !setenv("LD_PRELOAD", preload, 1))
		return 0;
	cli_error(&j->cli, "LD_PRELOAD is longer than 2047 bytes with %s in front; shorten it",
		  shim);
	return -1;
}

static int start(const struct job *j, char **program)
{
	char shim[1024];

	if (find_shim(j, shim, sizeof(shim)) || prepare(j, shim))
		return CLI_FAILED;
	signal(SIGPIPE, SIG_DFL); /* main() ignores it, and that would be inherited */
	execvp(program[0], program);
	cli_error(&j->cli, "%s cannot be started: %s", program[0], strerror(errno));
	return errno == ENOENT ? NOT_FOUND : NOT_RUN;
}

/* The library cannot complain about its log: the program's stderr is not its own. */
static int check_log(const struct job *j)
{
	const char *log = getenv(CLIENT_ENV_LOG);
	int fd;

	if (!log || !*log || j->check)
		return CLI_GO_ON;
	fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
		return CLI_GO_ON;
	}
	cli_error(&j->cli, "the log %s (--log, " CLIENT_ENV_LOG ") cannot be written: %s", log,
		  strerror(errno));
	return CLI_USAGE;
}

/* The options become the environment, which is what the library reads. */
static int settle(struct job *j)
{
	char err[DEST_ERROR];

	if ((j->file && setenv(CLIENT_ENV_CONFIG, j->file, 1)) ||
	    (j->pref64 && setenv(CLIENT_ENV_PREF64, j->pref64, 1)) ||
	    (j->log && setenv(CLIENT_ENV_LOG, j->log, 1)) ||
	    (j->verbose && setenv(CLIENT_ENV_VERBOSE, "1", 1))) {
		cli_error(&j->cli, "not enough memory for the environment");
		return CLI_FAILED;
	}
	if (settings_read(&j->rules, err)) {
		cli_error(&j->cli, "%s", err);
		return CLI_USAGE;
	}
	return check_log(j);
}

static int go(struct job *j, char **program)
{
	int rc = settle(j);

	if (rc != CLI_GO_ON)
		return rc;
	if (j->check && program) {
		cli_error(&j->cli, "--check starts no program; leave '%s' out", program[0]);
		return CLI_USAGE;
	}
	if (j->check)
		return check(j);
	if (j->cli.json) {
		cli_error(&j->cli, "--json is for --check; leave it out");
		return CLI_USAGE;
	}
	if (program)
		return start(j, program);
	cli_error(&j->cli, "there is no program to run; write xdp-nat64 run -- PROGRAM ARGS");
	return CLI_USAGE;
}

int cmd_run(int argc, char **argv)
{
	struct job j = { .file = NULL };
	const struct cli_opt extra[] = {
		{ "config", 'c', "FILE", "rules: local, path and default lines; without "
		  CLIENT_FILE, NULL, &j.file },
		{ "pref64", '6', "PREFIX", "NAT64 prefix instead of the file's default", NULL,
		  &j.pref64 },
		{ "verbose", 'v', NULL, "tell each destination and its address", &j.verbose,
		  NULL },
		{ "log", 0, "FILE", "tell it to FILE instead of stderr", NULL, &j.log },
		{ "check", 0, "HOST[:PORT]", "explain how HOST would be reached, run nothing",
		  NULL, &j.check },
		{ NULL, 0, NULL, NULL, NULL, NULL },
	};
	char **program = NULL;
	int words = argc, rc;

	/* What stands behind -- is the program's. */
	for (int i = 1; i < words; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		words = i;
		program = i + 1 < argc ? argv + i + 1 : NULL;
	}
	rc = cli_parse(&j.cli, words, argv, CLI_JSON, extra);
	if (rc == CLI_GO_ON)
		rc = go(&j, program);
	cli_free(&j.cli);
	return rc;
}
