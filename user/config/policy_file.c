/* SPDX-License-Identifier: GPL-2.0-only */
/* policy.bin: the compiled policy as attach hands it to the worker. Host order,
 * for this machine and this build only: a header that says so, then the parts in
 * the order of `struct policy`, and a CRC-32 over all of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zlib.h>

#include "addr.h"
#include "policy_int.h"

#define POLICY_MAGIC 0x4e363450u /* "N64P" */
/* The arrays behind conf, in their order; from PART_LINES on they are those of mode
 * stateful, and NULL in the others. */
enum { PART_ROW4, PART_ROW6, PART_POOL4, PART_POOL6, PART_LINES, PART_DYNAMIC, PART_SLOTS,
       N_ARRAYS };
#define N_PARTS (1 + N_ARRAYS)

struct header {
	__u32 magic;
	__u32 version;		/* N64_ABI */
	__u32 crc;		/* of everything behind the header */
	__u32 parts;		/* N_PARTS */
	__u32 size[N_PARTS];	/* of one element of each part */
	__u64 n[N_PARTS];	/* how many */
};

_Static_assert(sizeof(struct header) == 16 + N_PARTS * 12, "every byte of it is judged");

struct part {
	void **v;
	size_t n;
	size_t size;
};

static void parts_of(struct policy *p, struct part part[N_ARRAYS])
{
	const struct n64_state_conf *st = &p->conf.st;

	part[PART_ROW4] = (struct part){ (void **)&p->row4, p->n4, sizeof(*p->row4) };
	part[PART_ROW6] = (struct part){ (void **)&p->row6, p->n6, sizeof(*p->row6) };
	part[PART_POOL4] = (struct part){ (void **)&p->pool4, p->n_pool4, sizeof(*p->pool4) };
	part[PART_POOL6] = (struct part){ (void **)&p->pool6, p->n_pool6, sizeof(*p->pool6) };
	part[PART_LINES] = (struct part){ (void **)&p->pool_line,
					  p->pool_line ? st->pool_lines : 0,
					  sizeof(*p->pool_line) };
	part[PART_DYNAMIC] = (struct part){ (void **)&p->dynamic, p->dynamic ? st->n_dynamic : 0,
					    sizeof(*p->dynamic) };
	part[PART_SLOTS] = (struct part){ (void **)&p->slot, p->slot ? N64_MAX_SLOTS : 0,
					  sizeof(*p->slot) };
}

/* Sizes of the arrays that are to be read; those of mode stateful stand in conf, too. */
static int load_numbers(const struct header *h, struct policy *p)
{
	const struct n64_state_conf *st = &p->conf.st;
	const __u64 *n = h->n + 1;

	p->n4 = n[PART_ROW4];
	p->n6 = n[PART_ROW6];
	p->n_pool4 = n[PART_POOL4];
	p->n_pool6 = n[PART_POOL6];
	if (n[PART_LINES] != st->pool_lines || st->pool_lines & (st->pool_lines - 1) ||
	    n[PART_DYNAMIC] != st->n_dynamic ||
	    (n[PART_SLOTS] && n[PART_SLOTS] != N64_MAX_SLOTS))
		return -EBADMSG;
	return 0;
}

static void fill_header(struct policy *p, struct header *h)
{
	struct part part[N_ARRAYS];
	uLong crc = crc32(0, (const Bytef *)&p->conf, sizeof(p->conf));

	memset(h, 0, sizeof(*h));
	h->magic = POLICY_MAGIC;
	h->version = N64_ABI;
	h->parts = N_PARTS;
	h->size[0] = sizeof(p->conf);
	h->n[0] = 1;
	parts_of(p, part);
	for (int i = 0; i < N_ARRAYS; i++) {
		h->size[i + 1] = (__u32)part[i].size;
		h->n[i + 1] = part[i].n;
		if (part[i].n)
			crc = crc32_z(crc, *part[i].v, part[i].n * part[i].size);
	}
	h->crc = (__u32)crc;
}

static int write_all(int fd, const void *buf, size_t len)
{
	const char *at = buf;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_policy(int fd, struct policy *p)
{
	struct part part[N_ARRAYS];
	struct header h;
	int rc;

	fill_header(p, &h);
	parts_of(p, part);
	rc = write_all(fd, &h, sizeof(h));
	if (!rc)
		rc = write_all(fd, &p->conf, sizeof(p->conf));
	for (int i = 0; !rc && i < N_ARRAYS; i++)
		rc = write_all(fd, *part[i].v, part[i].n * part[i].size);
	if (!rc && fsync(fd))
		rc = -errno;
	return rc;
}

/* The new name counts only once its folder is on disk. */
static int sync_folder(const char *path)
{
	char dir[512];
	char *slash;
	int fd, rc;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fsync(fd) ? -errno : 0;
	close(fd);
	return rc == -EINVAL ? 0 : rc; /* no such thing on this file system */
}

int policy_save(const struct policy *p, const char *path)
{
	struct policy copy = *p; /* parts_of wants to write for load */
	char temp[512];
	int fd, rc;

	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	fd = mkstemp(temp);
	if (fd < 0)
		return -errno;
	rc = write_policy(fd, &copy);
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && rename(temp, path))
		rc = -errno;
	if (rc)
		unlink(temp);
	return rc ? rc : sync_folder(path);
}

static int read_all(int fd, void *buf, size_t len)
{
	char *at = buf;

	while (len) {
		ssize_t n = read(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EBADMSG;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The header fits this build, and the file is as long as it says. */
static int judge_header(const struct header *h, struct policy *p, size_t file_len)
{
	struct part part[N_ARRAYS];
	size_t left = file_len - sizeof(*h);

	if (h->magic != POLICY_MAGIC)
		return -EBADMSG;
	if (h->version != N64_ABI || h->parts != N_PARTS || h->size[0] != sizeof(p->conf) ||
	    h->n[0] != 1)
		return -EPROTO;
	if (left < sizeof(p->conf))
		return -EBADMSG;
	left -= sizeof(p->conf);
	parts_of(p, part);
	for (int i = 0; i < N_ARRAYS; i++) {
		if (h->size[i + 1] != part[i].size)
			return -EPROTO;
		if (h->n[i + 1] > left / part[i].size)
			return -EBADMSG;
		left -= h->n[i + 1] * part[i].size;
	}
	return left ? -EBADMSG : 0;
}

static int read_parts(int fd, const struct header *h, struct policy *p)
{
	struct part part[N_ARRAYS];
	struct header again;
	int rc;

	rc = read_all(fd, &p->conf, sizeof(p->conf));
	if (!rc)
		rc = load_numbers(h, p);
	parts_of(p, part);
	for (int i = 0; !rc && i < N_ARRAYS; i++) {
		size_t len = h->n[i + 1] * part[i].size;

		if (!len && i >= PART_LINES)
			continue;
		*part[i].v = malloc(len + 1);
		if (!*part[i].v)
			return -ENOMEM;
		rc = read_all(fd, *part[i].v, len);
	}
	if (rc)
		return rc;
	fill_header(p, &again);
	return again.crc == h->crc ? 0 : -EBADMSG;
}

static int judge_pool(const struct policy *p)
{
	const struct n64_state_conf *st = &p->conf.st;

	if (st->n_udp_port > N64_MAX_UDP_PORTS)
		return -EBADMSG;
	for (__u32 i = 0; i < st->n_dynamic; i++)
		if (p->dynamic[i].slot >= N64_MAX_SLOTS)
			return -EBADMSG;
	for (__u32 i = 0; i < st->pool_lines * POOL_WAYS; i++)
		if (p->pool_line[i / POOL_WAYS].way[i % POOL_WAYS].slot >= N64_MAX_SLOTS)
			return -EBADMSG;
	return 0;
}

/* A file with the right checksum was written by us; these are the values that
 * later code uses as an index or a shift. */
static int judge_content(const struct policy *p)
{
	const struct n64_conf *c = &p->conf;

	if (c->n_pref64 > N64_MAX_PREF64 || c->n_plateaus > N64_MAX_PLATEAUS ||
	    (c->n_pref64 && !pref64_exists(c, c->first_pref64)))
		return -EBADMSG;
	if (c->n_stateless > N64_MAX_STATELESS)
		return -EBADMSG;
	for (__u32 i = 0; i < N64_ALL_PREF64; i++)
		if (c->pref64[i].len && !pref64_length_ok(c->pref64[i].len))
			return -EBADMSG;
	for (size_t i = 0; i < p->n4; i++)
		if (p->row4[i].key.prefixlen > 32 || p->row4[i].val.eam4_len > 32 ||
		    p->row4[i].val.n_noxlat_port > N64_NOXLAT_PORTS)
			return -EBADMSG;
	for (size_t i = 0; i < p->n6; i++)
		if (p->row6[i].key.prefixlen > 128 || p->row6[i].val.eam4_len > 32 ||
		    p->row6[i].val.n_noxlat_port > N64_NOXLAT_PORTS)
			return -EBADMSG;
	return judge_pool(p);
}

int policy_load(struct policy *p, const char *path)
{
	struct header h;
	struct stat st;
	int fd, rc;

	memset(p, 0, sizeof(*p));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode) || (size_t)st.st_size < sizeof(h))
		rc = -EBADMSG;
	else
		rc = read_all(fd, &h, sizeof(h));
	if (!rc)
		rc = judge_header(&h, p, (size_t)st.st_size);
	if (!rc)
		rc = read_parts(fd, &h, p);
	if (!rc)
		rc = judge_content(p);
	if (!rc)
		rc = policy_index(p);
	close(fd);
	if (rc)
		policy_free(p);
	return rc;
}
