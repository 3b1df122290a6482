// SPDX-License-Identifier: GPL-2.0-only
/* Sinks and sources, loaded for one measurement. */
#include "load.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "measure.h"
#include "spec.h"

/* An object of which one program is loaded, with the arrays that are pinned. */
static struct bench_bpf *open_for(const char *program)
{
	struct bench_bpf *b = bench_bpf__open();
	struct bpf_program *p;

	if (!b) {
		fail("opening the BPF object", program, -errno);
		return NULL;
	}
	bpf_object__for_each_program(p, b->obj)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), program));
	return b;
}

static int use_pinned(struct bpf_map *map, const char *pin)
{
	int fd, rc;

	if (!pin)
		return 0;
	fd = bpf_obj_get(pin);
	if (fd < 0)
		return fail("opening the pinned array", pin, fd);
	rc = bpf_map__reuse_fd(map, fd);
	close(fd);
	return rc ? fail("using the pinned array", pin, rc) : 0;
}

int load_sink(struct sinking *s, json_t *spec)
{
	const char *netns = text_of(spec, "netns"), *dev = text_of(spec, "dev");
	struct bench_bpf *b = s->b = open_for("sink");
	int rc;

	if (!b || sink_conf_of(spec, (struct sink_conf *)(unsigned long)&b->rodata->to) ||
	    use_pinned(b->maps.externals, text_of(spec, "externals")))
		return 1;
	rc = bench_bpf__load(b);
	if (rc)
		return fail("loading the sink", dev, rc);
	if (enter(netns))
		return 1;
	rc = bpf_xdp_attach((int)if_nametoindex(dev), bpf_program__fd(b->progs.sink),
			    XDP_FLAGS_DRV_MODE, NULL);
	return rc ? fail("attaching the sink to", dev, rc) : 0;
}

int load_source(struct sending *s, json_t *spec)
{
	struct bench_bpf *b = s->b = open_for("source");
	struct source_conf *conf;
	int rc;

	s->spec = spec;
	s->cpu = (int)number_of(spec, "cpu");
	s->batch = (__u32)number_of(spec, "batch");
	s->packets = (__u32)number_of(spec, "packets");
	s->bytes = bytes_of(spec, "frame", s->frame, sizeof(s->frame));
	if (!b || !s->bytes)
		return 1;
	conf = (struct source_conf *)(unsigned long)&b->rodata->from;
	if (source_conf_of(spec, conf) || use_pinned(b->maps.steps, text_of(spec, "steps")) ||
	    enter(text_of(spec, "netns")))
		return 1;
	s->paced = conf->interval != 0;
	conf->out_ifindex = if_nametoindex(text_of(spec, "dev"));
	b->bss->at = conf->begin + (__u32)number_of(spec, "first");
	rc = bench_bpf__load(b);
	return rc ? fail("loading the source for", text_of(spec, "dev"), rc) : 0;
}
