/* SPDX-License-Identifier: GPL-2.0-only */
/* Giving up what only the start needs. */
#define _GNU_SOURCE
#include "worker/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "dataplane/report.h"

int privilege_drop(const char *user, const char *const *own, struct config_error *err)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (!pw)
		return report_error(err, errno ? -errno : -ENOENT,
				    "there is no user '%s' to run the worker as; create it or "
				    "name another with --user",
				    user);
	if (!pw->pw_uid)
		return report_error(err, -EINVAL,
				    "user '%s' is the superuser; name an unprivileged one "
				    "with --user",
				    user);
	for (; *own; own++)
		if (chown(*own, pw->pw_uid, (gid_t)-1))
			return report_error(err, -errno, "cannot give %s to user '%s': %s", *own,
					    user, strerror(errno));
	/* setuid takes all capabilities, the ambient ones with them */
	if (setgroups(0, NULL) || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return report_error(err, -errno, "cannot become user '%s': %s", user,
				    strerror(errno));
	if (!setuid(0))
		return report_error(err, -EPERM, "privileges of the superuser remain");
	return 0;
}
