/* SPDX-License-Identifier: GPL-2.0-only */
/* GERR-23: the configured address; the address of the interface towards the
 * sender; another address of the host; what can be said when there is none. */
#include "worker/source.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "addr.h"

/* May an error leave with this address? Never that of the pair, which is the
 * same on every gateway, nor one that means nothing elsewhere. */
static bool usable(const struct n64_conf *conf, const struct addr *a, enum ip_family fam)
{
	if (a->ifindex == conf->pair_kernel || a->scope >= RT_SCOPE_LINK)
		return false;
	if (fam == FAM_4)
		return a->fam == AF_INET && !src4_is_illegal(a->local.w[0]);
	return a->fam == AF_INET6 && !src6_is_illegal(&a->local) &&
	       !(a->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED));
}

/* The better, the higher; 0: not usable. */
static int rank(const struct n64_conf *conf, const struct addr *a, enum ip_family fam,
		const struct addr6 *dst, __u32 oif, const struct addr6 *hint)
{
	bool on_link;

	if (!usable(conf, a, fam))
		return 0;
	on_link = fam == FAM_4 ? prefix4_contains(a->prefix.w[0], a->len, dst->w[0]) :
				 prefix6_contains(&a->prefix, a->len, dst);
	/* a route's own source address, or the choice of RFC 6724 */
	if (!addr6_is_zero(hint) && addr6_equal(&a->local, hint))
		return 16;
	return 1 + (a->ifindex == oif ? 8 : 0) + (on_link ? 4 : 0) +
	       (a->flags & (IFA_F_SECONDARY | IFA_F_DEPRECATED) ? 0 : 2);
}

static bool last_resort(const struct n64_conf *conf, enum ip_family fam, struct addr6 *src)
{
	if (fam == FAM_4) {
		*src = (struct addr6){ { IP4(192, 0, 0, 8) } };
		return true;
	}
	if (!conf->n_pref64 || !conf->opt.icmp_src4)
		return false;
	rfc6052_embed(&conf->pref64[conf->first_pref64], conf->opt.icmp_src4, src);
	return true;
}

bool source_pick(const struct n64_conf *conf, const struct links *l, enum ip_family fam,
		 const struct addr6 *dst, __u32 oif, const struct addr6 *hint,
		 struct addr6 *src)
{
	int best = 0;

	if (fam == FAM_4 && conf->opt.icmp_src4) {
		*src = (struct addr6){ { conf->opt.icmp_src4 } };
		return true;
	}
	if (fam == FAM_6 && !addr6_is_zero(&conf->opt.icmp_src6)) {
		*src = conf->opt.icmp_src6;
		return true;
	}
	for (size_t i = 0; i < l->n_addr; i++) {
		int r = rank(conf, &l->addr[i], fam, dst, oif, hint);

		if (r > best) {
			best = r;
			*src = l->addr[i].local;
		}
	}
	return best || last_resort(conf, fam, src);
}
