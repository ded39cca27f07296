#include <linux/mount.h>
#include <sys/mount.h>

#include "pkg/runtime/mountopt.h"

typedef struct {
  const char *words;         /* separated by spaces */
  uint64_t set, clear, propagation;
  gboolean propagation_recursive, bind, recursive, copyup;
  const char *data;          /* what the filesystem gets */
} Case;

static const Case cases[] = {
  { "", 0, 0, 0, 0, 0, 0, 0, "" },
  { "ro nosuid nodev noexec", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, 0, 0, 0, 0, 0, "" },
  { "rw suid dev exec", 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, 0, 0, 0, 0, "" },
  { "ro rw", 0, MOUNT_ATTR_RDONLY, 0, 0, 0, 0, 0, "" },
  { "rw ro", MOUNT_ATTR_RDONLY, 0, 0, 0, 0, 0, 0, "" },
  { "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME & ~(uint64_t) MOUNT_ATTR_NOATIME, 0, 0, 0, 0, 0, "" },
  { "noatime strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME & ~(uint64_t) MOUNT_ATTR_STRICTATIME, 0, 0, 0, 0, 0, "" },
  { "noatime relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME, 0, 0, 0, 0, 0, "" },
  { "nodiratime diratime", 0, MOUNT_ATTR_NODIRATIME, 0, 0, 0, 0, 0, "" },
  { "bind", 0, 0, 0, 0, 1, 0, 0, "" },
  { "rbind rslave", 0, 0, MS_SLAVE, 1, 1, 1, 0, "" },
  { "rbind bind", 0, 0, 0, 0, 1, 0, 0, "" },
  { "shared", 0, 0, MS_SHARED, 0, 0, 0, 0, "" },
  { "private runbindable", 0, 0, MS_UNBINDABLE, 1, 0, 0, 0, "" },
  { "tmpcopyup size=64k mode=1777", 0, 0, 0, 0, 0, 0, 1, "size=64k mode=1777" },
  { "notmpcopyup z Z U copy nocopy defaults async sync", 0, 0, 0, 0, 0, 0, 0, "" },
  { "roo =x key= ro=1", 0, 0, 0, 0, 0, 0, 0, "roo =x key= ro=1" },
};

static void
test_table (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Case *c = &cases[i];
      g_auto (GStrv) words = g_strsplit (c->words, " ", -1);
      if (c->words[0] == '\0')
        words[0] = (g_free (words[0]), NULL);
      MountOptions options;
      mountopt_parse ((const char *const *) words, &options);
      g_ptr_array_add (options.data, NULL);
      g_autofree char *data = g_strjoinv (" ", (char **) options.data->pdata);
      g_test_message ("%s", c->words);
      g_assert_cmphex (options.attr_set, ==, c->set);
      /* an atime mode is set by clearing its whole field: whether the mode's own bits are in the mask does not count */
      g_assert_cmphex (options.attr_clear | (c->clear & c->set), ==, c->clear | (options.attr_clear & c->set));
      g_assert_cmphex (options.propagation, ==, c->propagation);
      g_assert_cmpint (options.propagation_recursive, ==, c->propagation_recursive);
      g_assert_cmpint (options.bind, ==, c->bind);
      g_assert_cmpint (options.recursive, ==, c->recursive);
      g_assert_cmpint (options.copyup, ==, c->copyup);
      g_assert_cmpstr (data, ==, c->data);
      mountopt_clear (&options);
    }
  MountOptions none;
  mountopt_parse (NULL, &none);
  g_assert_cmpuint (none.data->len, ==, 0);
  mountopt_clear (&none);
  g_assert_null (none.data);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mountopt/table", test_table);
  return g_test_run ();
}
