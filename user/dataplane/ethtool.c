/* SPDX-License-Identifier: GPL-2.0-only */
/* ETHTOOL_GFEATURES and ETHTOOL_SFEATURES. */
#include "ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCKS ((ETHTOOL_MAX_FEATURES + 31) / 32)

static int ethtool_ioctl(const char *dev, void *cmd)
{
	struct ifreq ifr = { 0 };
	int fd, rc;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	ifr.ifr_data = cmd;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	rc = ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static int feature_count(const char *dev, unsigned int *n)
{
	struct {
		struct ethtool_sset_info head;
		__u32 len;
	} q = { .head = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES } };
	int rc = ethtool_ioctl(dev, &q);

	if (rc)
		return rc;
	*n = q.head.sset_mask ? q.len : 0;
	if (*n > ETHTOOL_MAX_FEATURES)
		*n = ETHTOOL_MAX_FEATURES;
	return 0;
}

static int feature_names(const char *dev, struct features *f)
{
	struct ethtool_gstrings *s = calloc(1, sizeof(*s) + ETHTOOL_MAX_FEATURES * ETH_GSTRING_LEN);
	unsigned int i;
	int rc;

	if (!s)
		return -ENOMEM;
	s->cmd = ETHTOOL_GSTRINGS;
	s->string_set = ETH_SS_FEATURES;
	s->len = f->n;
	rc = ethtool_ioctl(dev, s);
	for (i = 0; !rc && i < f->n; i++)
		snprintf(f->f[i].name, sizeof(f->f[i].name), "%.31s",
			 (const char *)s->data + (size_t)i * ETH_GSTRING_LEN);
	free(s);
	return rc;
}

int features_get(const char *dev, struct features *f)
{
	struct {
		struct ethtool_gfeatures head;
		struct ethtool_get_features_block b[BLOCKS];
	} q = { .head = { .cmd = ETHTOOL_GFEATURES, .size = BLOCKS } };
	unsigned int i;
	int rc;

	memset(f, 0, sizeof(*f));
	rc = feature_count(dev, &f->n);
	if (rc == -EOPNOTSUPP)
		return 0;
	if (!rc)
		rc = feature_names(dev, f);
	if (!rc)
		rc = ethtool_ioctl(dev, &q);
	if (rc) {
		f->n = 0;
		return rc;
	}
	for (i = 0; i < f->n; i++) {
		const struct ethtool_get_features_block *b = &q.b[i / 32];
		__u32 bit = 1u << (i % 32);

		f->f[i].on = b->active & bit;
		f->f[i].changeable = (b->available & bit) && !(b->never_changed & bit);
	}
	return 0;
}

const struct feature *feature_find(const struct features *f, const char *name)
{
	unsigned int i;

	for (i = 0; i < f->n; i++) {
		if (!strcmp(f->f[i].name, name))
			return &f->f[i];
	}
	return NULL;
}

int feature_set(const char *dev, const char *name, bool on)
{
	struct {
		struct ethtool_sfeatures head;
		struct ethtool_set_features_block b[BLOCKS];
	} q = { .head = { .cmd = ETHTOOL_SFEATURES } };
	const struct feature *now;
	struct features f;
	unsigned int i;
	int rc;

	rc = features_get(dev, &f);
	if (rc)
		return rc;
	now = feature_find(&f, name);
	if (!now)
		return -EOPNOTSUPP;
	i = (unsigned int)(now - f.f);
	q.head.size = (f.n + 31) / 32;
	q.b[i / 32].valid = 1u << (i % 32);
	q.b[i / 32].requested = on ? 1u << (i % 32) : 0;
	rc = ethtool_ioctl(dev, &q);
	if (rc)
		return rc;
	rc = features_get(dev, &f);
	if (rc)
		return rc;
	return f.f[i].on == on ? 0 : -EOPNOTSUPP;
}
