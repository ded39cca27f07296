#include "pkg/engine/image_in.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/source.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/event.h"
#include "pkg/engine/image_policy.h"
#include "pkg/image/change.h"
#include "pkg/image/name.h"
#include "pkg/registry/download.h"

void
image_in_free (ImageIn *image)
{
  if (image == NULL)
    return;
  g_free (image->id);
  g_strfreev (image->names);
  g_free (image);
}

static ImageIn *
image_in_new (const StateImage *image, char **names)
{
  ImageIn *in = g_new0 (ImageIn, 1);
  in->id = g_strdup (image->id);
  in->names = g_strdupv (names);
  return in;
}

/* stored_names: what an archive calls image @index, in full. What is no name ("latest!") is left out: the image is worth having without. */
static char **
stored_names (ArchiveSource *source, guint index)
{
  const char *registry = source_format (source) == ARCHIVE_DOCKER ? "docker.io" : "localhost";
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (const char *const *name = source_names (source, index); name != NULL && *name != NULL; name++)
    {
      char *full = image_name_normalize (*name, registry, NULL);
      if (full != NULL && strchr (full, '@') == NULL && !g_ptr_array_find_with_equal_func (names, full, g_str_equal, NULL))
        g_ptr_array_add (names, full);
      else
        g_free (full);
    }
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

/* take: image @index with @names. */
static gboolean
take (Storage *storage, ArchiveSource *source, guint index, char **names, ImageInRequest *request, ImageIn **ret_image, GError **error)
{
  IngestOptions options = { .single = request->single, .names = (const char *const *) names, .progress = request->progress, .progress_data = request->progress_data };
  g_autoptr (StateImage) image = NULL;
  gboolean ok = ingest_image (storage, source, index, request->platform, &options, &image, error);
  request->skipped_devices += options.skipped_devices;
  if (ok)
    *ret_image = image_in_new (image, names);
  return ok;
}

static int
open_tmp (Storage *storage)
{
  return openat (storage->root_fd, "tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* policy_allows: what policy.json says of a local place: @path. */
static gboolean
policy_allows (ArchiveFormat format, const char *path, GError **error)
{
  static const char *const transports[] = { [ARCHIVE_ANY] = "docker-archive", [ARCHIVE_DOCKER] = "docker-archive", [ARCHIVE_OCI] = "oci", [ARCHIVE_DIR] = "dir" };
  gboolean archive = format == ARCHIVE_OCI && !g_file_test (path, G_FILE_TEST_IS_DIR), simple, sigstore;
  const PolicyImage image = { .transport = archive ? "oci-archive" : transports[format], .place = path };
  json_auto_t *requirements = image_policy_find (&image, &simple, &sigstore, error);
  return requirements != NULL;
}

/* spool_url: what is behind @url as a file without a name, below @tmp_fd. -1 with @error. */
static int
spool_url (const char *url, int tmp_fd, GError **error)
{
  g_autofree char *name = g_strdup_printf (".download-%08x%08x", g_random_int (), g_random_int ()), *piece = g_malloc (1 << 18);
  g_autoptr (ByteStream) stream = download_open (url, error);
  if (stream == NULL)
    return -1;
  cleanup_fd int fd = openat (tmp_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  int r = fd < 0 ? -errno : 0;
  (void) unlinkat (tmp_fd, name, 0);
  gssize n = 1;
  while (r == 0 && (n = byte_stream_read (stream, piece, 1 << 18, error)) > 0)
    r = fd_write_all (fd, piece, (size_t) n);
  if (r < 0)
    return coracle_throw_errno (error, -r, "downloading %s", url), -1;
  if (n < 0)
    return coracle_prefix (error, "downloading %s", url), -1;
  return fd_steal (&fd);
}

gboolean
image_load (Storage *storage, const char *path, ImageInRequest *request, GPtrArray **ret_images, GError **error)
{
  GPtrArray *images = g_ptr_array_new_with_free_func ((GDestroyNotify) image_in_free);
  *ret_images = images;
  cleanup_fd int spool = open_tmp (storage), spooled = download_is_url (path) ? spool_url (path, spool, error) : -1;
  g_autofree char *place = spooled >= 0 ? g_strdup_printf ("/proc/self/fd/%d", spooled) : g_strdup (path);
  if (download_is_url (path) && spooled < 0)
    return FALSE;
  g_autoptr (ArchiveSource) source = source_open (ARCHIVE_ANY, place, spool, error);
  if (source == NULL || !policy_allows (source_format (source), path, error))
    return FALSE;
  for (guint i = 0; i < source_count (source); i++)
    {
      ImageIn *image = NULL;
      g_auto (GStrv) names = stored_names (source, i);
      if (!take (storage, source, i, names, request, &image, error))
        return coracle_prefix (error, "loading %s", strcmp (path, "-") == 0 ? "standard input" : path);
      g_ptr_array_add (images, image);
      event_image (storage, "loadfromarchive", image->id, path);
    }
  return TRUE;
}

/* split_reference: TRANSPORT:PATH[:NAME]. The path of dir: may hold colons. FALSE: no transport of ours. */
static gboolean
split_reference (const char *reference, ArchiveFormat *ret_format, char **ret_path, const char **ret_rest)
{
  const char *colon = strchr (reference, ':');
  if (colon == NULL)
    return FALSE;
  g_autofree char *transport = g_strndup (reference, (size_t) (colon - reference));
  if (!source_format_parse (transport, ret_format))
    return FALSE;
  const char *path = colon + 1, *second = *ret_format == ARCHIVE_DIR ? NULL : strchr (path, ':');
  *ret_path = second != NULL ? g_strndup (path, (size_t) (second - path)) : g_strdup (path);
  *ret_rest = second != NULL ? second + 1 : NULL;
  return TRUE;
}

/* pulled_names: an image that its archive does not name is named after its path, as Podman does: dir:/srv/box is localhost/srv/box:latest. */
static char **
pulled_names (ArchiveSource *source, guint index, const char *path)
{
  g_auto (GStrv) names = stored_names (source, index);
  if (names[0] != NULL || source_format (source) == ARCHIVE_DOCKER)
    return g_steal_pointer (&names);
  g_autofree char *local = g_strconcat ("localhost/", path + strspn (path, "./"), NULL);
  char *full = image_name_normalize (local, "localhost", NULL);
  g_strfreev (g_steal_pointer (&names));
  char **one = g_new0 (char *, 2);
  one[0] = full;
  return one;
}

gboolean
image_pull (Storage *storage, const char *reference, ImageInRequest *request, ImageIn **ret_image, GError **error)
{
  ArchiveFormat format;
  g_autofree char *path = NULL;
  const char *rest = NULL;
  if (!split_reference (reference, &format, &path, &rest))
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s: none of docker-archive:, oci-archive:, oci: and dir:", reference);
  if (*path == '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: no path after the transport", reference);
  cleanup_fd int spool = open_tmp (storage);
  g_autoptr (ArchiveSource) source = source_open (format, path, spool, error);
  guint index;
  if (source == NULL || !policy_allows (format, path, error) || !source_find (source, rest, &index, error))
    return FALSE;
  g_auto (GStrv) names = pulled_names (source, index, path);
  if (!take (storage, source, index, names, request, ret_image, error))
    return coracle_prefix (error, "%s", reference);
  event_image (storage, "pull", (*ret_image)->id, reference);
  return TRUE;
}

static ByteStream *
open_tar (const char *path, GError **error)
{
  if (strcmp (path, "-") == 0)
    return byte_stream_from_fd (fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  if (download_is_url (path))
    return download_open (path, error);
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat (fd, &st) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "opening %s", path), NULL;
    }
  if (S_ISDIR (st.st_mode))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s is a folder: import takes a tar archive", path), NULL;
  return byte_stream_from_fd (fd_steal (&fd));
}

/* make_base: the config to start from, with the changes made. */
static json_t *
make_base (const ImageImportRequest *what, const ImagePlatform *platform, GError **error)
{
  const ImagePlatform host = image_platform_host ();
  const ImagePlatform *chosen = platform != NULL ? platform : &host;
  json_t *config = json_object (), *base = json_pack ("{s:s, s:s, s:o}", "architecture", chosen->architecture, "os", chosen->os, "config", config);
  if (chosen->variant != NULL)
    (void) json_object_set_new (base, "variant", json_string (chosen->variant));
  for (const char *const *change = what->changes; change != NULL && *change != NULL; change++)
    if (!image_change_apply (config, *change, error))
      {
        json_decref (base);
        return NULL;
      }
  return base;
}

gboolean
image_import (Storage *storage, const ImageImportRequest *what, ImageInRequest *request, ImageIn **ret_image, GError **error)
{
  char *names[] = { NULL, NULL };
  g_autofree char *name = NULL;
  if (what->reference != NULL)
    {
      name = image_name_normalize (what->reference, "localhost", error);
      if (name == NULL)
        return coracle_prefix (error, "%s", what->reference);
      names[0] = name;
    }
  json_t *base = make_base (what, request->platform, error);
  if (base == NULL)
    return FALSE;
  ByteStream *tar = open_tar (what->path, error);
  if (tar == NULL)
    {
      json_decref (base);
      return FALSE;
    }
  g_autofree char *made_by = g_strconcat ("/bin/sh -c #(nop) ADD file ", what->path, " in / ", NULL);
  json_t *history = json_pack ("{s:s, s:s}", "created_by", made_by, "comment", what->message != NULL ? what->message : "imported from tarball");
  IngestOptions options = { .single = request->single, .names = (const char *const *) names, .progress = request->progress, .progress_data = request->progress_data };
  g_autoptr (StateImage) image = NULL;
  gboolean ok = ingest_rootfs (storage, tar, base, history, &options, &image, error);
  request->skipped_devices += options.skipped_devices;
  json_decref (history);
  json_decref (base);
  if (!ok)
    return coracle_prefix (error, "importing %s", strcmp (what->path, "-") == 0 ? "standard input" : what->path);
  *ret_image = image_in_new (image, names);
  event_image (storage, "import", image->id, name != NULL ? name : what->path);
  if (name != NULL)
    event_image (storage, "tag", image->id, name);
  return TRUE;
}
