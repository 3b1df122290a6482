/* SPDX-License-Identifier: GPL-2.0-only */
/* The worker: one event loop over the sockets, netlink, signals and the beat, in one
 * thread (beside it only drain.c). */
#define _GNU_SOURCE
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/report.h"
#include "worker/parts.h"
#include "worker/privilege.h"

#define BEAT_MS 250
#define DRAIN_ROUNDS 4096 /* at the end: more than the rings hold */
#define DRAIN_WAIT_US 10000 /* what a CPU is about to put into a ring gets there */

enum event { EVENT_PACKETS, EVENT_NETLINK, EVENT_SIGNAL, EVENT_TIMER };

struct loop {
	struct worker *w;
	int epoll, signals, timer;
	bool stop;
	int result;	/* of the process: 0, or -errno */
};

/* ---- the beat ------------------------------------------------------------------ */

static void beat(struct worker *w)
{
	struct timespec t;
	__u64 dropped = w->dropped_before;

	for (__u32 i = 0; i < w->n_queues; i++)
		dropped += queue_dropped(&w->queue[i]);
	clock_gettime(CLOCK_MONOTONIC, &t);
	__atomic_store_n(&w->control->xsk_rx_dropped, dropped, __ATOMIC_RELAXED);
	__atomic_store_n(&w->control->beat,
			 (__u64)t.tv_sec * 1000000000ull + (__u64)t.tv_nsec,
			 __ATOMIC_RELAXED);
	world_beat(&w->world);
}

static void sync_view(struct worker *w)
{
	int r = view_sync(&w->world.view);
	bool have = w->world.policy.conf.have & HAVE_VLAN;

	if (r && !w->told_view)
		log_line(LOG_WARNING, "cannot read links and addresses (%s); will try again",
			 strerror(-r));
	w->told_view = r;
	if (w->world.view.links_new) {
		w->world.view.links_new = false;
		world_share_pool(&w->world);
	}
	if (w->world.view.n_vlans && !have && !w->told_vlan)
		log_line(LOG_WARNING, "a VLAN device stands on a port since the programs were "
			 "loaded; run 'xdp-nat64 reload' to have its packets translated");
	w->told_vlan = w->world.view.n_vlans && !have;
}

/* The view may be behind or not complete; the kernel knows. */
static bool xlat_gone(const struct worker *w)
{
	__u32 ifindex = w->world.policy.conf.pair_xlat;
	char name[IF_NAMESIZE];

	return !link_by_index(&w->world.view.links, ifindex) && !if_indextoname(ifindex, name);
}

static void on_timer(struct loop *l)
{
	struct worker *w = l->w;
	__u64 ticks;

	if (read(l->timer, &ticks, sizeof(ticks)) != sizeof(ticks))
		return;
	beat(w);
	if (xlat_gone(w)) {
		/* sockets of a device that is gone never speak again */
		log_line(LOG_ERR, "%s was deleted; detach the instance and attach it again",
			 w->path.xlat);
		l->result = -ENODEV;
		l->stop = true;
	}
	if (__atomic_load_n(&w->control->policy_gen, __ATOMIC_ACQUIRE) != w->policy_gen)
		worker_reload(w, false);
	sync_view(w);
	view_tick(&w->world.view);
	if (!worker_has_state(w))
		return;
	packets_clock(w);
	w->now.q = &w->queue[0];
	if (worker_is_stateful(w)) {
		fragments_tick(w);
		syn_tick(w);
	}
	sweep_tick(w);
	warm_tick(w);
}

static void on_netlink(struct worker *w)
{
	if (!view_events(&w->world.view))
		return;
	route_cache_flush(&w->world.cache);
	sync_view(w);
}

static void on_signal(struct loop *l)
{
	struct signalfd_siginfo s;

	while (read(l->signals, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGHUP) {
			worker_reload(l->w, true);
			sync_view(l->w);
		} else {
			l->stop = true;
		}
	}
}

/* ---- the loop ------------------------------------------------------------------- */

static int watch(const struct loop *l, int fd, enum event what)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = what };

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static sigset_t our_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	return set;
}

static int loop_open(struct loop *l)
{
	const struct itimerspec every = {
		.it_interval.tv_nsec = BEAT_MS * 1000000L,
		.it_value.tv_nsec = BEAT_MS * 1000000L,
	};
	const sigset_t set = our_signals();
	int r;

	signal(SIGPIPE, SIG_IGN);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->epoll < 0 || l->signals < 0 || l->timer < 0 ||
	    timerfd_settime(l->timer, 0, &every, NULL))
		return -errno;
	r = watch(l, l->signals, EVENT_SIGNAL);
	if (!r)
		r = watch(l, l->timer, EVENT_TIMER);
	if (!r)
		r = watch(l, view_fd(&l->w->world.view), EVENT_NETLINK);
	for (__u32 i = 0; !r && i < l->w->n_queues * N_RINGS; i++)
		r = watch(l, xsk_socket__fd(l->w->queue[i / N_RINGS].xsk[i % N_RINGS]),
			  EVENT_PACKETS);
	return r;
}

static void dispatch(struct loop *l, enum event what)
{
	switch (what) {
	case EVENT_SIGNAL:
		on_signal(l);
		break;
	case EVENT_TIMER:
		on_timer(l);
		break;
	case EVENT_NETLINK:
		on_netlink(l->w);
		break;
	case EVENT_PACKETS:
		break; /* every turn looks at all rings */
	}
}

static void loop_run(struct loop *l)
{
	struct epoll_event e[16];
	bool more = false;

	while (!l->stop) {
		int n = epoll_wait(l->epoll, e, 16, more ? 0 : -1);

		for (int i = 0; i < n; i++)
			dispatch(l, e[i].data.u32);
		more = packets_serve(l->w);
		more |= sweep_slice(l->w);
		more |= !more && warm_slice(l->w);
	}
	/* what is in the rings is finished, what comes now is not taken */
	worker_unplug(l->w);
	for (int last = 0; last < 2; last++) {
		for (int i = 0; i < DRAIN_ROUNDS && packets_serve(l->w); i++)
			;
		if (!last)
			usleep(DRAIN_WAIT_US);
	}
	/* and what is held ends here, so that everything taken has left (GEN-10) */
	fragments_close(l->w);
	l->w->control->held = 0;
	beat(l->w);
	l->w->control->worker_pid = 0;
}

/* ---- running ----------------------------------------------------------------------- */

/* What reload writes anew is the worker's own, which reads it without privileges. */
static int become_user(const struct worker *w, const char *user, struct config_error *err)
{
	char prog[sizeof(w->path.pin) + 16];
	const char *own[] = { w->path.policy, NULL, NULL };

	snprintf(prog, sizeof(prog), "%s/prog_state", w->path.pin);
	if (worker_has_state(w))
		own[1] = prog;
	return privilege_drop(user, own, err);
}

/* Serves in this process. `told` >= 0: one byte is written there when ready. */
static int serve(const struct worker_opts *o, int told, struct config_error *err)
{
	/* large, and so not on the stack; one process, one worker */
	static struct worker w;
	struct loop l = { .w = &w, .epoll = -1, .signals = -1, .timer = -1 };
	const sigset_t set = our_signals();
	int r;

	/* our pid is known as soon as we have the lock: what is told to us from then
	 * on waits for the loop */
	sigprocmask(SIG_BLOCK, &set, NULL);
	r = worker_open(&w, o->name, err);
	prctl(PR_SET_NAME, "nat64-worker"); /* what ps and top show */
	log_bound(w.path.run);
	if (!r)
		r = become_user(&w, o->user ? o->user : "nobody", err);
	if (!r) {
		r = loop_open(&l);
		if (r)
			report_error(err, r, "cannot set up the event loop: %s", strerror(-r));
	}
	if (!r) {
		w.control->worker_pid = getpid();
		beat(&w);
		if (o->ready_fd >= 0 && write(o->ready_fd, "R", 1) == 1)
			close(o->ready_fd);
		if (told >= 0 && write(told, "R", 1) == 1)
			close(told);
		log_line(LOG_INFO, "serving %s, %u queues", w.path.xlat, w.n_queues);
		loop_run(&l);
		r = l.result;
		if (r)
			report_error(err, r, "%s was deleted", w.path.xlat);
		log_line(LOG_INFO, "ended");
	}
	close(l.epoll);
	close(l.signals);
	close(l.timer);
	worker_close(&w);
	return r;
}

/* Whatever the caller had open, a lock perhaps, it does not share with a daemon. */
static void close_all_but(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a, from = 3;

	if (low >= from) {
		if (low > from)
			close_range(from, low - 1, 0);
		from = low + 1;
	}
	if (high >= from) {
		if (high > from)
			close_range(from, high - 1, 0);
		from = high + 1;
	}
	close_range(from, ~0U, 0);
}

/* The process that stays: away from the terminal; what went wrong before it was
 * ready goes to its parent through the pipe. */
static void __attribute__((noreturn)) serve_detached(const struct worker_opts *o, int told)
{
	struct config_error err = { "" };
	int null = open("/dev/null", O_RDWR);
	int r;

	setsid();
	if (chdir("/") || null < 0)
		_exit(1);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close_all_but(told, o->ready_fd);
	log_open(true);
	r = serve(o, told, &err);
	if (r && write(told, err.text, strlen(err.text)) < 0)
		log_line(LOG_ERR, "%s", err.text);
	_exit(r ? 1 : 0);
}

static int run_detached(const struct worker_opts *o, struct config_error *err)
{
	char text[sizeof(err->text)] = "";
	int told[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(told, O_CLOEXEC))
		return report_error(err, -errno, "cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		close(told[0]);
		serve_detached(o, told[1]);
	}
	close(told[1]);
	n = pid < 0 ? -1 : read(told[0], text, sizeof(text) - 1);
	close(told[0]);
	if (n == 1 && text[0] == 'R')
		return 0;
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return report_error(err, -ECHILD, "%s", n > 0 ? text : "the worker did not start");
}

int worker_run(const struct worker_opts *o, struct config_error *err)
{
	if (geteuid())
		return report_error(err, -EPERM, "the worker is started as root; it drops its "
				    "privileges itself");
	if (!o->foreground)
		return run_detached(o, err);
	log_open(false);
	return serve(o, -1, err);
}
