#include "pkg/engine/image_sign.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/wait.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/outside.h"
#include "pkg/base/path.h"
#include "pkg/image/digest.h"
#include "pkg/json/json.h"
#include "pkg/signature/payload.h"
#include "pkg/signature/registries_d.h"

#define SIGNATURES_LIMIT 128

static char *
reference_of (const SignName *name)
{
  return g_strconcat (name->digest != NULL ? "@" : ":", name->digest != NULL ? name->digest : name->tag, NULL);
}

/* place_of: the folder of all signatures; NULL with @error. */
static char *
place_of (const SignName *name, GError **error)
{
  g_auto (SignaturePlace) place = { NULL };
  g_autofree char *reference = reference_of (name);
  json_auto_t *conf = registries_d_read (error);
  if (conf == NULL || !registries_d_find (conf, name->registry, name->path, reference, &place, error))
    return NULL;
  const char *url = place.staging != NULL ? place.staging : place.lookaside;
  if (url == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "Cannot write signatures: registries.d names no lookaside for %s/%s", name->registry, name->path), NULL;
  if (!g_str_has_prefix (url, "file:///"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "Writing directly to %s is not supported. Configure a lookaside-staging: location", url), NULL;
  return g_strdup (url + strlen ("file://"));
}

gboolean
image_sign_ready (const SignName *name, GError **error)
{
  g_autofree char *folder = place_of (name, error);
  return folder != NULL;
}

static char *
payload_of (const SignName *name, const char *manifest)
{
  g_autofree char *reference = reference_of (name), *full = g_strconcat (name->registry, "/", name->path, reference, NULL);
  json_auto_t *payload = json_pack ("{s:{s:{s:s}, s:{s:s}, s:s}, s:{s:s, s:I}}", "critical", "identity", "docker-reference", full, "image", "docker-manifest-digest", manifest, "type",
                                    "atomic container signature", "optional", "creator", "coracle " CORACLE_VERSION, "timestamp", (json_int_t) (g_get_real_time () / G_USEC_PER_SEC));
  return json_to_text (payload, 0, JSON_TEXT_DEFAULT);
}

static gboolean
make_signature (const char *payload, const char *key, const char *passphrase_file, char **ret_data, gsize *ret_size, GError **error)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  static const char *const usual[] = { "gpg", "--batch", "--quiet", "--local-user" }, *const with_file[] = { "--pinentry-mode", "loopback", "--passphrase-file" };
  for (gsize i = 0; i < G_N_ELEMENTS (usual); i++)
    g_ptr_array_add (argv, (char *) usual[i]);
  g_ptr_array_add (argv, (char *) key);
  for (gsize i = 0; passphrase_file != NULL && i < G_N_ELEMENTS (with_file); i++)
    g_ptr_array_add (argv, (char *) with_file[i]);
  if (passphrase_file != NULL)
    g_ptr_array_add (argv, (char *) passphrase_file);
  g_ptr_array_add (argv, (char *) "--sign");
  g_ptr_array_add (argv, NULL);
  int status;
  if (!outside_run ((const char *const *) argv->pdata, payload, strlen (payload), SIGNATURE_LIMIT, ret_data, ret_size, &status, error))
    return FALSE;
  return (WIFEXITED (status) && WEXITSTATUS (status) == 0 && *ret_size > 0) || coracle_throw (error, CORACLE_ERROR_DENIED, "signing with key %s: gpg has failed", key);
}

/* write_signature: under the first number that is free. */
static gboolean
write_signature (const char *folder, const char *data, gsize size, GError **error)
{
  if (!path_mkdirs (folder, 0755, error))
    return FALSE;
  for (guint i = 1; i <= SIGNATURES_LIMIT; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/signature-%u", folder, i);
      cleanup_fd int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
      if (fd < 0 && errno == EEXIST)
        continue;
      int r = fd < 0 ? -errno : fd_write_all (fd, data, size);
      return r == 0 || coracle_throw_errno (error, -r, "writing %s", path);
    }
  return coracle_throw (error, CORACLE_ERROR_EXISTS, "%s: there are %d signatures already", folder, SIGNATURES_LIMIT);
}

gboolean
image_sign (const SignName *name, const char *manifest, const char *key, const char *passphrase_file, const char *folder, GError **error)
{
  g_autofree char *place = folder != NULL ? g_strdup (folder) : place_of (name, error), *payload = payload_of (name, manifest), *data = NULL;
  gsize size;
  if (place == NULL || !make_signature (payload, key, passphrase_file, &data, &size, error))
    return FALSE;
  g_autofree char *own = g_strdup_printf ("%s/%s@sha256=%s", place, name->path, image_digest_hex (manifest));
  return write_signature (own, data, size, error);
}
