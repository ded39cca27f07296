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
#include "pkg/engine/image_attach.h"
#include "pkg/image/digest.h"
#include "pkg/signature/registries_d.h"

#define SIGNATURES_LIMIT 128

void
image_signers_clear (ImageSigners *signers)
{
  g_clear_pointer (&signers->sigstore, g_ptr_array_unref);
}

void
image_signers_add (ImageSigners *signers, SigstoreSigner *signer)
{
  if (signers->sigstore == NULL)
    signers->sigstore = g_ptr_array_new_with_free_func ((GDestroyNotify) sigstore_signer_free);
  g_ptr_array_add (signers->sigstore, signer);
}

gboolean
image_signers_any (const ImageSigners *signers)
{
  return signers->gpg_key != NULL || signers->sigstore != NULL;
}

/* ---- where */

static char *
reference_of (const ImageName *name)
{
  return g_strconcat (name->digest != NULL ? "@" : ":", name->digest != NULL ? name->digest : name->tag, NULL);
}

static gboolean
find_place (const ImageName *name, SignaturePlace *ret_place, GError **error)
{
  g_autofree char *reference = reference_of (name);
  json_auto_t *conf = registries_d_read (NULL, error);
  return conf != NULL && registries_d_find (conf, name->registry, name->path, reference, ret_place, error);
}

/* folder_of: of all signatures; NULL with @error. */
static char *
folder_of (const SignTarget *target, GError **error)
{
  g_auto (SignaturePlace) place = { NULL };
  if (target->folder != NULL)
    return g_strdup (target->folder);
  if (!find_place (target->name, &place, error))
    return NULL;
  const char *url = place.staging;
  if (!g_str_has_prefix (url, "file:///"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "Writing directly to %s is not supported. Configure a lookaside-staging: location", url), NULL;
  return g_strdup (url + strlen ("file://"));
}

static gboolean
takes_attachments (const ImageName *name, GError **error)
{
  g_auto (SignaturePlace) place = { NULL };
  if (!find_place (name, &place, error))
    return FALSE;
  return place.attachments
         || coracle_throw (error, CORACLE_ERROR_INVALID, "Cannot write sigstore signatures: registries.d does not say use-sigstore-attachments: true for %s/%s", name->registry, name->path);
}

gboolean
image_sign_ready (const ImageSigners *signers, const SignTarget *target, const char *where, GError **error)
{
  if (!image_signers_any (signers))
    return TRUE;
  if (target->name == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "Cannot determine canonical Docker reference for destination %s", where);
  g_autofree char *folder = signers->gpg_key != NULL ? folder_of (target, error) : g_strdup ("");
  return folder != NULL && (signers->sigstore == NULL || takes_attachments (target->name, error));
}

/* ---- gpg */

/* throw_gpg: why gpg has not signed, as far as can be told. */
static gboolean
throw_gpg (const char *key, GError **error)
{
  const char *const argv[] = { "gpg", "--batch", "--quiet", "--with-colons", "--list-secret-keys", "--", key, NULL };
  g_autofree char *keys = NULL;
  gsize size;
  int status;
  if (outside_run (argv, "", 0, SIGNATURE_LIMIT, &keys, &size, &status, NULL) && (!WIFEXITED (status) || WEXITSTATUS (status) != 0))
    return coracle_throw (error, CORACLE_ERROR_DENIED, "key \"%s\" not found", key);
  return coracle_throw (error, CORACLE_ERROR_DENIED, "signing with key %s: gpg has failed", key);
}

static gboolean
make_signature (const char *payload, const ImageSigners *signers, char **ret_data, gsize *ret_size, GError **error)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  static const char *const usual[] = { "gpg", "--batch", "--quiet", "--local-user" }, *const with_file[] = { "--pinentry-mode", "loopback", "--passphrase-file" };
  for (gsize i = 0; i < G_N_ELEMENTS (usual); i++)
    g_ptr_array_add (argv, (char *) usual[i]);
  g_ptr_array_add (argv, (char *) signers->gpg_key);
  for (gsize i = 0; signers->gpg_passphrase != NULL && i < G_N_ELEMENTS (with_file); i++)
    g_ptr_array_add (argv, (char *) with_file[i]);
  if (signers->gpg_passphrase != NULL)
    g_ptr_array_add (argv, (char *) signers->gpg_passphrase);
  g_ptr_array_add (argv, (char *) "--sign");
  g_ptr_array_add (argv, NULL);
  int status;
  if (!outside_run ((const char *const *) argv->pdata, payload, strlen (payload), SIGNATURE_LIMIT, ret_data, ret_size, &status, error))
    return FALSE;
  return (WIFEXITED (status) && WEXITSTATUS (status) == 0 && *ret_size > 0) || throw_gpg (signers->gpg_key, error);
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

/* ---- all of them */

/* The signatures of one manifest, made but not written. */
typedef struct {
  char *simple;             /* NULL: none */
  gsize simple_size;
  GPtrArray *attachments;   /* of ImageSignature; NULL: none */
} Made;

static void
made_clear (Made *made)
{
  g_free (made->simple);
  g_clear_pointer (&made->attachments, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Made, made_clear)

static gboolean
make_all (const ImageSigners *signers, const char *reference, const char *digest, Made *ret, GError **error)
{
  if (signers->gpg_key != NULL)
    {
      g_autofree char *payload = signature_payload_make (SIGNATURE_SIMPLE, reference, digest);
      if (!make_signature (payload, signers, &ret->simple, &ret->simple_size, error))
        return FALSE;
    }
  for (guint i = 0; signers->sigstore != NULL && i < signers->sigstore->len; i++)
    {
      g_autofree char *payload = signature_payload_make (SIGNATURE_SIGSTORE, reference, digest);
      g_autofree char *signature = sigstore_sign (signers->sigstore->pdata[i], payload, strlen (payload), error);
      if (signature == NULL)
        return FALSE;
      if (ret->attachments == NULL)
        ret->attachments = g_ptr_array_new_with_free_func ((GDestroyNotify) image_signature_free);
      g_ptr_array_add (ret->attachments, image_signature_new (SIGNATURE_SIGSTORE, g_bytes_new (payload, strlen (payload)), signature));
    }
  return TRUE;
}

static gboolean
write_all (const Made *made, const SignTarget *target, const char *digest, GError **error)
{
  if (made->simple != NULL)
    {
      g_autofree char *place = folder_of (target, error);
      g_autofree char *folder = place != NULL ? g_strdup_printf ("%s/%s@sha256=%s", place, target->name->path, image_digest_hex (digest)) : NULL;
      if (folder == NULL || !write_signature (folder, made->simple, made->simple_size, error))
        return FALSE;
    }
  return made->attachments == NULL || image_attach (target->registry, target->repository, digest, made->attachments, error);
}

gboolean
image_sign (const ImageSigners *signers, const SignTarget *target, const char *digest, void (*say) (const char *line, void *data), void *data, GError **error)
{
  const ImageName *name = target->name;
  g_autofree char *suffix = reference_of (name), *reference = g_strconcat (name->registry, "/", name->path, suffix, NULL);
  g_auto (Made) made = { NULL };
  if (say != NULL && signers->gpg_key != NULL)
    say ("Creating signature: Signing image using simple signing", data);
  if (say != NULL && signers->sigstore != NULL)
    say ("Creating signature: Signing image using a sigstore signature", data);
  if (!make_all (signers, reference, digest, &made, error))
    return coracle_prefix (error, "creating signature");
  if (say != NULL)
    say (target->list ? "Storing list signatures" : "Storing signatures", data);
  return write_all (&made, target, digest, error) || coracle_prefix (error, "writing signatures");
}
