#include "pkg/idmap/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/path.h"

/* the number in @proc_sys/@name; @otherwise if this kernel has no such setting */
static gint64
setting_read (const char *proc_sys, const char *name, gint64 otherwise)
{
  g_autofree char *path = g_build_filename (proc_sys, name, NULL);
  g_autofree char *text = NULL;
  if (!path_read_file (AT_FDCWD, path, 4096, &text, NULL, NULL))
    return otherwise;
  return g_ascii_strtoll (text, NULL, 10);
}

/* settings that forbid it; the first that does is named */
static const struct {
  const char *name;        /* below /proc/sys */
  gint64 forbids;          /* this value does */
  const char *remedy;      /* or what it means, and the remedy */
} settings[] = {
  { "user/max_user_namespaces", 0, "none are allowed here; the administrator can allow some: sysctl user.max_user_namespaces=15000" },
  { "kernel/unprivileged_userns_clone", 0, "only root may make them; the administrator can allow it to all: sysctl kernel.unprivileged_userns_clone=1" },
  { "kernel/apparmor_restrict_unprivileged_userns", 1,
    "AppArmor keeps unprivileged programs from using user namespaces; the administrator can give coracle a profile with the line \"userns,\" or allow all: "
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0" },
};

gboolean
explain_namespace (const char *proc_sys, int errsv, const char *doing, GError **error)
{
  gboolean refusal = errsv == EPERM || errsv == EACCES || errsv == ENOSPC || errsv == EUSERS;
  for (size_t i = 0; refusal && i < G_N_ELEMENTS (settings); i++)
    if (setting_read (proc_sys, settings[i].name, -1) == settings[i].forbids)
      {
        g_autofree char *dotted = g_strdelimit (g_strdup (settings[i].name), "/", '.');
        return coracle_throw (error, CORACLE_ERROR_DENIED, "%s: %s is %" G_GINT64_FORMAT ": %s", doing, dotted, settings[i].forbids, settings[i].remedy);
      }
  if (errsv == ENOSPC || errsv == EUSERS)
    return coracle_throw (error, CORACLE_ERROR_DENIED,
                          "%s: too many user namespaces (user.max_user_namespaces is %" G_GINT64_FORMAT " for each user, here or in a container around this one, and "
                          "they nest at most 32 deep)", doing, setting_read (proc_sys, "user/max_user_namespaces", -1));
  if (errsv == EINVAL || errsv == ENOSYS)
    return coracle_throw (error, CORACLE_ERROR_DENIED, "%s: %s (this kernel, or what filters its system calls, has no user namespaces)", doing, g_strerror (errsv));
  if (refusal)
    return coracle_throw (error, CORACLE_ERROR_DENIED,
                          "%s: %s (no setting forbids it: a seccomp filter or security module around this process does, or a chroot. Inside another container, start that "
                          "one with --security-opt seccomp=unconfined or as --privileged)", doing, g_strerror (errsv));
  return coracle_throw_errno (error, errsv, "%s", doing);
}

static gboolean
has_file_capability (const char *path)
{
  return getxattr (path, "security.capability", NULL, 0) > 0;
}

gboolean
explain_helper (const char *program, const char *path, const char *said, GError **error)
{
  const char *or_single = "or do without, with your own id alone: --userns=single, for all commands CORACLE_USERNS=single";
  if (path == NULL)
    return coracle_throw (error, CORACLE_ERROR_DENIED, "mapping your subordinate ids: %s: not found in PATH (install the package uidmap, on Fedora shadow-utils; %s)", program,
                          or_single);
  const char *colon = said[0] != '\0' ? ": " : "";
  if (prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
    return coracle_throw (error, CORACLE_ERROR_DENIED,
                          "mapping your subordinate ids: %s cannot gain privileges, because this process runs with no_new_privs (in a systemd unit: NoNewPrivileges=no; %s)%s%s",
                          path, or_single, colon, said);
  struct stat st;
  struct statvfs fs;
  gboolean is_setuid = stat (path, &st) == 0 && (st.st_mode & S_ISUID) != 0;
  if (!is_setuid && !has_file_capability (path))
    return coracle_throw (error, CORACLE_ERROR_DENIED,
                          "mapping your subordinate ids: %s is neither setuid nor has the file capability for it (the administrator can repair it: chmod u+s %s; %s)%s%s", path,
                          path, or_single, colon, said);
  if (is_setuid && st.st_uid != 0)
    return coracle_throw (error, CORACLE_ERROR_DENIED,
                          "mapping your subordinate ids: %s is setuid, but does not belong to root (the administrator can repair it: chown root %s && chmod u+s %s; %s)%s%s", path,
                          path, path, or_single, colon, said);
  if (statvfs (path, &fs) == 0 && (fs.f_flag & ST_NOSUID) != 0)
    return coracle_throw (error, CORACLE_ERROR_DENIED, "mapping your subordinate ids: %s is on a file system mounted nosuid (%s)%s%s", path, or_single, colon, said);
  return coracle_throw (error, CORACLE_ERROR_DENIED, "mapping your subordinate ids: %s failed (do /etc/subuid and /etc/subgid still give you the ranges? %s)%s%s", path, or_single,
                        colon, said);
}
