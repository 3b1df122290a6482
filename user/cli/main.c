/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp-nat64: the table of commands. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct command commands[] = {
	{ "attach", cmd_attach, "put the translator on its interfaces", "[OPTIONS]",
	  "Loads the programs, attaches them to the interfaces, makes the pair\n"
	  "nat64/nat64x and starts the worker, then exits: the gateway goes on working.\n"
	  "All or nothing: on an error everything that was done is undone." },
	{ "detach", cmd_detach, "remove exactly what attach made", "[OPTIONS]",
	  "Stops the worker, removes programs, pins and the pair, and restores what\n"
	  "attach changed on the host. Other programs, routes and rules stay." },
	{ "reload", cmd_reload, "apply a changed configuration without losing a packet",
	  "[OPTIONS]",
	  "Loads the programs again over the pinned maps and swaps them in on every\n"
	  "interface. What cannot change while running is refused by name. Without\n"
	  "options the words of the last attach or reload are used again (a file is\n"
	  "read again); with options, give all of them, interfaces included." },
	{ "worker", cmd_worker, "run the slow path of an attached instance", "[OPTIONS]",
	  "Translates what the fast path hands over: fragments, ICMP errors, options.\n"
	  "attach starts it; a service manager may do so instead (attach --no-worker)." },
	{ "status", cmd_status, "show what is attached and whether it is healthy", "[OPTIONS]",
	  "Shows health first, each problem with its remedy, then interfaces,\n"
	  "prefixes, worker and counters of the instance." },
	{ "stats", cmd_stats, "show the counters of every stage", "[OPTIONS]",
	  "Every packet leaves a stage with exactly one reason; these are the sums." },
	{ "check", cmd_check, "judge a configuration and show what would be in force", "[OPTIONS]",
	  "Reads the configuration as attach would, changes nothing, and prints every\n"
	  "option with its value, the lists, the prefixes and the memory of the maps.\n"
	  "Mode stateful: also the ports of pool4 and what the tables are made for. At\n"
	  "most 4096 addresses; one with all its ports takes 25 to 45 MiB, less with\n"
	  "max-tcp-mappings and its like. More than this host has available is a\n"
	  "warning here, and attach refuses it.\n"
	  "Warnings go to stderr. Exit status 2: the configuration is wrong." },
	{ "addr", cmd_addr, "convert between IPv4 and IPv6 addresses (RFC 6052)",
	  "ADDRESS... [OPTIONS]",
	  "An IPv4 address is embedded in each prefix, an IPv6 address is\n"
	  "read by the prefix that holds it. Without -6 the prefix is 64:ff9b::/96." },
	{ "mapping", cmd_mapping, "show and change the mappings of modes stateful and dynamic",
	  "list|lookup|add|del|flush|save|restore [WORDS] [OPTIONS]",
	  "list [FILTER...]                        mappings that FILTER means, or all\n"
	  "lookup V4:PORT                          who has or had this address and port\n"
	  "lookup V6                               what this host has and would get\n"
	  "add tcp|udp|icmp V4:PORT [V6]:PORT      a static mapping, until detach\n"
	  "del tcp|udp|icmp V4:PORT or [V6]:PORT   ends it at once, static or not\n"
	  "flush FILTER...                         ends dynamic mappings\n"
	  "save FILE, restore FILE                 mode dynamic: who has which address\n"
	  "In mode dynamic a mapping is of two addresses, without protocol and ports:\n"
	  "lookup V4, add V4 V6, del V4 or V6. What restore cannot make again, because\n"
	  "the configuration or a newer mapping is against it, it leaves out.\n"
	  "Ports of ICMP are query identifiers. A dash: not known, or never." },
	{ "session", cmd_session, "show and end the TCP sessions of mode stateful",
	  "list|flush [OPTIONS]",
	  "list [FILTER...]   sessions that FILTER means, or all\n"
	  "flush FILTER...    ends sessions; their mappings stay\n"
	  "Shown are TCP sessions (states of RFC 6146 3.5.2), with filtering adf also\n"
	  "the peers that a UDP or ICMP mapping may hear from (permission), and SYNs\n"
	  "from IPv4 that wait for one from IPv6 (stored-syn). UDP and ICMP under\n"
	  "filtering eif keep no sessions: see xdp-nat64 mapping list." },
	{ "run", cmd_run, "start an IPv4-only program on an IPv6-only host",
	  "[OPTIONS] -- PROGRAM [ARGS]",
	  "Puts a library in front of PROGRAM (LD_PRELOAD; no root needed) that makes its\n"
	  "IPv4 TCP and UDP sockets IPv6 ones: destinations are reached by the NAT64\n"
	  "prefix, or by IPv4 where the network has no way for the NAT64 address. The\n"
	  "prefix is that of the rule file, else what ipv4only.arpa tells (RFC 7050), else\n"
	  "64:ff9b::/96. Programs that are linked statically or call the kernel\n"
	  "themselves are not caught. Exit status: PROGRAM's; 127, 126: not found, not\n"
	  "started. XDP_NAT64_CONFIG, XDP_NAT64_PREF64, XDP_NAT64_VERBOSE and XDP_NAT64_LOG\n"
	  "in the environment say the same as the options." },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static void usage(FILE *f)
{
	fputs("Usage: xdp-nat64 COMMAND [OPTIONS]\n\n"
	      "A NAT64 gateway: translates between IPv6 and IPv4 in XDP.\n\nCommands\n", f);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\nxdp-nat64 COMMAND --help shows the options of a command, --version the release.\n"
	      "Exit status: 0 done, 1 failed, 2 wrong words or file (nothing was changed).\n", f);
}

static int unknown(const char *word)
{
	const char *names[N_COMMANDS];
	const char *near;

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i].name;
	near = nearest_word(word, names, N_COMMANDS);
	fprintf(stderr, "xdp-nat64: word 1 '%s' is not a command; write %s\n", word,
		near ? near : "one of those that xdp-nat64 --help lists");
	return CLI_USAGE;
}

int main(int argc, char **argv)
{
	const struct command *c;

	signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write, not a death */
	if (argc < 2) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return CLI_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("xdp-nat64 %s\n", N64_VERSION);
		return CLI_OK;
	}
	c = command_find(argv[1]);
	return c ? c->run(argc - 1, argv + 1) : unknown(argv[1]);
}
