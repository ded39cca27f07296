#include "pkg/spec/device.h"

#include "pkg/base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define MAX_DEPTH 16

typedef struct {
  GPtrArray *devices;
  char permissions[4];
} Collect;

void
spec_device_free (SpecDevice *device)
{
  if (device == NULL)
    return;
  g_free (device->source);
  g_free (device->destination);
  g_free (device);
}

/* "rw", "mr" … → in the order r, w, m. */
static gboolean
permissions_parse (const char *text, char ret[4])
{
  size_t n = 0;
  if (*text == '\0' || strspn (text, "rwm") != strlen (text))
    return FALSE;
  for (const char *p = "rwm"; *p != '\0'; p++)
    {
      const char *first = strchr (text, *p);
      if (first != NULL && strchr (first + 1, *p) != NULL)
        return FALSE;
      if (first != NULL)
        ret[n++] = *p;
    }
  ret[n] = '\0';
  return TRUE;
}

static void
device_add (Collect *collect, const char *source, const char *destination, const struct stat *st)
{
  SpecDevice *device = g_new0 (SpecDevice, 1);
  device->source = g_strdup (source);
  device->destination = g_strdup (destination);
  device->type = S_ISBLK (st->st_mode) ? 'b' : 'c';
  device->major = major (st->st_rdev);
  device->minor = minor (st->st_rdev);
  device->mode = st->st_mode & 07777;
  device->uid = st->st_uid;
  device->gid = st->st_gid;
  memcpy (device->permissions, collect->permissions, sizeof device->permissions);
  for (guint i = 0; i < collect->devices->len; i++)
    if (strcmp (((SpecDevice *) collect->devices->pdata[i])->destination, destination) == 0)
      {
        spec_device_free (collect->devices->pdata[i]);
        collect->devices->pdata[i] = device;
        return;
      }
  g_ptr_array_add (collect->devices, device);
}

/* In a folder what is no device, is gone meanwhile, is a link, or may not be read is passed over. */
static gboolean
folder_add (Collect *collect, const char *source, const char *destination, int depth, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (source, 0, NULL);
  if (dir == NULL && depth > 0)
    return TRUE;
  if (dir == NULL)
    return coracle_throw (error, CORACLE_ERROR_DENIED, "cannot read the folder %s", source);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *from = g_build_filename (source, name, NULL), *to = g_build_filename (destination, name, NULL);
      struct stat st;
      if (lstat (from, &st) < 0)
        continue;
      if (S_ISDIR (st.st_mode) && depth < MAX_DEPTH && !folder_add (collect, from, to, depth + 1, error))
        return FALSE;
      if (S_ISCHR (st.st_mode) || S_ISBLK (st.st_mode))
        device_add (collect, from, to, &st);
    }
  return TRUE;
}

static gboolean
path_add (Collect *collect, const char *path, const char *destination, GError **error)
{
  struct stat st;
  g_autofree char *source = NULL;
  char *real = realpath (path, NULL);
  if (real == NULL || stat (real, &st) < 0)
    {
      int errsv = errno;
      free (real);
      if (errsv == ENOENT)   /* in Go's words, which scripts match */
        return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "stat %s: no such file or directory", path);
      return coracle_throw_errno (error, errsv, "stat %s", path);
    }
  source = g_strdup (real);
  free (real);
  if (S_ISCHR (st.st_mode) || S_ISBLK (st.st_mode))
    device_add (collect, source, destination, &st);
  else if (!S_ISDIR (st.st_mode))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s is not a device node", path);
  else
    return folder_add (collect, source, destination, 0, error);
  return TRUE;
}

static gboolean
device_parse (const char *text, GPtrArray *devices, GError **error)
{
  Collect collect = { devices, "rwm" };
  if (*text != '/' && strchr (text, '=') != NULL)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "device %s: names of the Container Device Interface are not supported", text);
  g_auto (GStrv) parts = g_strsplit (text, ":", -1);
  const guint n = g_strv_length (parts);
  if (n == 0 || n > 3)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid device specification: %s", text);
  const char *destination = parts[0];
  /* The second part is a path or permissions; a path has to be absolute, so they cannot be confused. */
  if (n == 3 || (n == 2 && !permissions_parse (parts[1], collect.permissions)))
    destination = parts[1];
  if (n == 3 && !permissions_parse (parts[2], collect.permissions))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid device mode: %s", parts[2]);
  if (*parts[0] != '/')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid device specification: %s: the path on the host must be absolute", text);
  if (*destination != '/')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid device mode: %s", destination);
  g_autofree char *clean = g_canonicalize_filename (destination, "/");
  return path_add (&collect, parts[0], clean, error);
}

GPtrArray *
spec_devices_parse (const char *const *texts, GError **error)
{
  g_autoptr (GPtrArray) devices = g_ptr_array_new_with_free_func ((GDestroyNotify) spec_device_free);
  for (; texts != NULL && *texts != NULL; texts++)
    if (!device_parse (*texts, devices, error))
      return NULL;
  return g_steal_pointer (&devices);
}
