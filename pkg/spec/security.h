/* security: --security-opt, all of a command line's together. */
#pragma once

#include <glib.h>

typedef struct {
  char *seccomp;               /* for seccomp_filter_new: NULL = the default, "unconfined", or a file's path as given */
  gboolean no_new_privileges;
  gboolean unmask_all;         /* unmask=ALL, systempaths=unconfined */
  char **mask;                 /* absolute paths to mask besides the default ones; never NULL */
  char **unmask;               /* absolute paths or shell patterns; never NULL */
  char **proc_options;         /* options for the mount of /proc; never NULL */
  char **labels;               /* label= values: "disable", "nested", "type:x" …; they have a meaning only where SELinux is enabled; never NULL */
} SpecSecurity;
void spec_security_free (SpecSecurity *security);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SpecSecurity, spec_security_free)

/* spec_security_parse: @texts: NULL-terminated or NULL. KEY=VALUE, or KEY:VALUE as older Docker has it. Lists add up; else the last one counts.
 * Errors: INVALID `invalid --security-opt 1: "x"`; UNSUPPORTED an AppArmor profile, or SELinux words, where this kernel has none. */
SpecSecurity *spec_security_parse (const char *const *texts, GError **error);

/* spec_security_unmasks: shall @path, one of the paths masked or read-only by default, be left as it is? */
gboolean spec_security_unmasks (const SpecSecurity *security, const char *path);
