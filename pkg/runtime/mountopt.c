#include "pkg/runtime/mountopt.h"

#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

/* Source: mount(8) FILESYSTEM-INDEPENDENT MOUNT OPTIONS; OCI runtime-spec config-linux.md "Mounts"; mount_setattr(2). */
static const struct {
  const char *name;
  uint64_t set, clear;
} attributes[] = {
  { "ro", MOUNT_ATTR_RDONLY, 0 },
  { "rro", MOUNT_ATTR_RDONLY, 0 },
  { "rw", 0, MOUNT_ATTR_RDONLY },
  { "nosuid", MOUNT_ATTR_NOSUID, 0 },
  { "suid", 0, MOUNT_ATTR_NOSUID },
  { "nodev", MOUNT_ATTR_NODEV, 0 },
  { "dev", 0, MOUNT_ATTR_NODEV },
  { "noexec", MOUNT_ATTR_NOEXEC, 0 },
  { "exec", 0, MOUNT_ATTR_NOEXEC },
  { "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
  { "relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
  { "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
  { "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
  { "diratime", 0, MOUNT_ATTR_NODIRATIME },
  { "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
};

static const struct {
  const char *name;
  uint64_t propagation;
  gboolean recursive;
} propagations[] = {
  { "private", MS_PRIVATE, FALSE },       { "rprivate", MS_PRIVATE, TRUE },       { "shared", MS_SHARED, FALSE },
  { "rshared", MS_SHARED, TRUE },         { "slave", MS_SLAVE, FALSE },           { "rslave", MS_SLAVE, TRUE },
  { "unbindable", MS_UNBINDABLE, FALSE }, { "runbindable", MS_UNBINDABLE, TRUE },
};

/* What says something to us or to nobody, not to the filesystem */
static const char *const consumed[] = { "defaults", "async", "sync", "notmpcopyup", "z", "Z", "U", "copy", "nocopy", NULL };

static gboolean
parse_one (const char *word, MountOptions *options)
{
  for (size_t i = 0; i < G_N_ELEMENTS (attributes); i++)
    if (strcmp (word, attributes[i].name) == 0)
      {
        options->attr_set = (options->attr_set & ~attributes[i].clear) | attributes[i].set;
        options->attr_clear = (options->attr_clear & ~attributes[i].set) | attributes[i].clear;
        return TRUE;
      }
  for (size_t i = 0; i < G_N_ELEMENTS (propagations); i++)
    if (strcmp (word, propagations[i].name) == 0)
      {
        options->propagation = propagations[i].propagation;
        options->propagation_recursive = propagations[i].recursive;
        return TRUE;
      }
  if (strcmp (word, "bind") == 0 || strcmp (word, "rbind") == 0)
    {
      options->bind = TRUE;
      options->recursive = word[0] == 'r';
      return TRUE;
    }
  if (strcmp (word, "tmpcopyup") == 0)
    {
      options->copyup = TRUE;
      return TRUE;
    }
  return g_strv_contains (consumed, word);
}

void
mountopt_parse (const char *const *words, MountOptions *ret_options)
{
  *ret_options = (MountOptions){ .data = g_ptr_array_new_with_free_func (g_free) };
  for (; words != NULL && *words != NULL; words++)
    if (!parse_one (*words, ret_options))
      g_ptr_array_add (ret_options->data, g_strdup (*words));
}

void
mountopt_clear (MountOptions *options)
{
  g_clear_pointer (&options->data, g_ptr_array_unref);
}
