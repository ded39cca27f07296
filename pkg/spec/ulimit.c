#include "pkg/spec/ulimit.h"

#include "pkg/base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

static const struct {
  const char *name, *oci;
  int resource;
} kinds[] = {
  { "core", "RLIMIT_CORE", RLIMIT_CORE },       { "cpu", "RLIMIT_CPU", RLIMIT_CPU },
  { "data", "RLIMIT_DATA", RLIMIT_DATA },       { "fsize", "RLIMIT_FSIZE", RLIMIT_FSIZE },
  { "locks", "RLIMIT_LOCKS", RLIMIT_LOCKS },    { "memlock", "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
  { "msgqueue", "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE }, { "nice", "RLIMIT_NICE", RLIMIT_NICE },
  { "nofile", "RLIMIT_NOFILE", RLIMIT_NOFILE }, { "nproc", "RLIMIT_NPROC", RLIMIT_NPROC },
  { "rss", "RLIMIT_RSS", RLIMIT_RSS },          { "rtprio", "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
  { "rttime", "RLIMIT_RTTIME", RLIMIT_RTTIME }, { "sigpending", "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
  { "stack", "RLIMIT_STACK", RLIMIT_STACK },    { "as", "RLIMIT_AS", RLIMIT_AS },
};

const SpecUlimit *
spec_ulimit_find (GArray *ulimits, int resource)
{
  for (guint i = 0; i < ulimits->len; i++)
    {
      const SpecUlimit *ulimit = &g_array_index (ulimits, SpecUlimit, i);
      if (ulimit->resource == resource)
        return ulimit;
    }
  return NULL;
}

static void
ulimit_set (GArray *ulimits, size_t kind, guint64 soft, guint64 hard)
{
  SpecUlimit ulimit = { kinds[kind].oci, kinds[kind].resource, soft, hard };
  SpecUlimit *old = (SpecUlimit *) spec_ulimit_find (ulimits, ulimit.resource);
  if (old != NULL)
    *old = ulimit;
  else
    g_array_append_val (ulimits, ulimit);
}

static guint64
limit_from_kernel (rlim_t limit)
{
  return limit == RLIM_INFINITY ? G_MAXUINT64 : limit;
}

static gboolean
host_copy (GArray *ulimits, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      struct rlimit now;
      if (getrlimit ((__rlimit_resource_t) kinds[i].resource, &now) < 0)
        return coracle_throw_errno (error, errno, "getrlimit %s", kinds[i].oci);
      ulimit_set (ulimits, i, limit_from_kernel (now.rlim_cur), limit_from_kernel (now.rlim_max));
    }
  return TRUE;
}

static gboolean
limit_parse (const char *text, int resource, guint64 *ret, GError **error)
{
  struct rlimit now;
  if (strcmp (text, "-1") == 0)
    {
      if (getrlimit ((__rlimit_resource_t) resource, &now) < 0)
        return coracle_throw_errno (error, errno, "getrlimit");
      *ret = limit_from_kernel (now.rlim_max);
      return TRUE;
    }
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, ret, NULL)
         || coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\" is no limit", text);
}

static gboolean
ulimit_parse (const char *text, GArray *ulimits, GError **error)
{
  if (strcmp (text, "host") == 0)
    return host_copy (ulimits, error);
  g_auto (GStrv) parts = g_strsplit (text, "=", 2);
  if (parts[0] == NULL || parts[1] == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid ulimit argument: %s", text);
  size_t kind = 0;
  while (kind < G_N_ELEMENTS (kinds) && strcmp (kinds[kind].name, parts[0]) != 0)
    kind++;
  if (kind == G_N_ELEMENTS (kinds))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid ulimit type: %s", parts[0]);
  g_auto (GStrv) limits = g_strsplit (parts[1], ":", -1);
  if (g_strv_length (limits) > 2)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "too many limit value arguments - %s, can only have up to two, `soft[:hard]`", parts[1]);
  guint64 soft = 0, hard = 0;
  gboolean unlimited = limits[0] != NULL && strcmp (limits[0], "-1") == 0;
  if (!limit_parse (limits[0] != NULL ? limits[0] : "", kinds[kind].resource, &soft, error))
    return coracle_prefix (error, "ulimit %s", text);
  hard = soft;
  if (limits[0] != NULL && limits[1] != NULL && !limit_parse (limits[1], kinds[kind].resource, &hard, error))
    return coracle_prefix (error, "ulimit %s", text);
  if (soft > hard || (unlimited && limits[1] != NULL && strcmp (limits[1], "-1") != 0))
    return coracle_throw (error, CORACLE_ERROR_INVALID,
                          "ulimit option \"%s\" requires name=SOFT:HARD, failed to be parsed: ulimit soft limit must be less than or equal to hard limit: soft: %s%s, hard: %s", text,
                          limits[0], unlimited ? " (unlimited)" : "", limits[1]);
  ulimit_set (ulimits, kind, soft, hard);
  return TRUE;
}

GArray *
spec_ulimits_parse (const char *const *texts, GError **error)
{
  g_autoptr (GArray) ulimits = g_array_new (FALSE, FALSE, sizeof (SpecUlimit));
  for (; texts != NULL && *texts != NULL; texts++)
    if (!ulimit_parse (*texts, ulimits, error))
      return NULL;
  return g_steal_pointer (&ulimits);
}
