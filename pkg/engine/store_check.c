#include "pkg/engine/store_check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/digest.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container.h"
#include "pkg/engine/container_staged.h"
#include "pkg/engine/image.h"
#include "pkg/engine/image_mount.h"
#include "pkg/image/digest.h"
#include "pkg/image/manifest.h"
#include "storage/content.h"
#include "storage/layer.h"
#include "storage/layer_check.h"

#define CHUNK ((size_t) 1 << 20)

typedef struct {
  Storage *storage;
  const StoreCheckRequest *request;
  StoreCheck *result;
  GHashTable *layers;   /* diff id → its problem, "" for none: looked at once */
  GHashTable *blobs;    /* digest → the same */
  GHashTable *whole;  /* diff id → the name in @work of a folder as it should be, for layers that can be mended */
  StorageWork work;   /* of a deep check, and of mending */
  GError *failure;    /* a layer that could not be checked: the first */
} Check;

static void
damage_free (StoreDamage *damage)
{
  g_free (damage->id);
  g_free (damage->problem);
  g_free (damage);
}

void
store_check_free (StoreCheck *check)
{
  if (check == NULL)
    return;
  GPtrArray *const all[] = { check->layers, check->images, check->containers, check->mended_layers, check->removed_images, check->removed_containers };
  for (size_t i = 0; i < G_N_ELEMENTS (all); i++)
    g_ptr_array_unref (all[i]);
  g_free (check);
}

gboolean
store_check_is_clean (const StoreCheck *check)
{
  return check->layers->len == 0 && check->images->len == 0 && check->containers->len == 0;
}

static void
tell (GPtrArray *damages, const char *id, const char *problem)
{
  StoreDamage *damage = g_new0 (StoreDamage, 1);
  *damage = (StoreDamage){ .id = g_strdup (id), .problem = g_strdup (problem) };
  g_ptr_array_add (damages, damage);
}

/* ---- blobs */

/* hash_blob: its digest; NULL: it cannot be read to its end. */
static char *
hash_blob (int fd)
{
  g_autofree char *chunk = g_malloc (CHUNK);
  g_autoptr (Digest) digest = digest_new ();
  for (;;)
    {
      ssize_t n = read (fd, chunk, CHUNK);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return NULL;
      if (n == 0)
        return digest_end (digest);
      digest_update (digest, chunk, (size_t) n);
    }
}

/* blob_problem: NULL: it is as it should be. @size: -1 = unknown. Borrowed. */
static const char *
blob_problem (Check *check, const char *digest, gint64 size)
{
  const char *known = g_hash_table_lookup (check->blobs, digest);
  if (known != NULL)
    return known[0] != '\0' ? known : NULL;
  gint64 there = 0;
  g_autofree char *problem = NULL, *found = NULL;
  cleanup_fd int fd = image_digest_is_sha256 (digest) ? content_open (check->storage, digest, &there, NULL) : -1;
  if (fd < 0)
    problem = g_strdup_printf ("blob %s is missing", digest);
  else if (size >= 0 && size != there)
    problem = g_strdup_printf ("blob %s has %lld bytes instead of %lld", digest, (long long) there, (long long) size);
  else if (!check->request->quick && ((found = hash_blob (fd)) == NULL || strcmp (found, digest) != 0))
    problem = g_strdup_printf ("blob %s has another content: %s", digest, found != NULL ? found : "it cannot be read");
  g_hash_table_insert (check->blobs, g_strdup (digest), problem != NULL ? g_steal_pointer (&problem) : g_strdup (""));
  known = g_hash_table_lookup (check->blobs, digest);
  return known[0] != '\0' ? known : NULL;
}

/* ---- layers and images */

/* look_into_layer: the folder against the blob, which must be whole. NULL: they agree. */
static char *
look_into_layer (Check *check, const StateLayer *row)
{
  g_autofree char *problem = NULL, *folder = NULL;
  g_autoptr (GError) failure = NULL;
  if (!layer_check (check->storage, &check->work, row, &problem, &folder, &failure))
    {
      if (check->failure == NULL)
        {
          coracle_prefix (&failure, "layer %s cannot be checked", row->diff_id);
          check->failure = g_steal_pointer (&failure);
        }
      return NULL;
    }
  if (folder != NULL && check->request->repair)
    g_hash_table_insert (check->whole, g_strdup (row->diff_id), g_steal_pointer (&folder));
  else if (folder != NULL)
    (void) path_remove_tree (check->work.fd, folder);
  return g_steal_pointer (&problem);
}

static char *
look_at_layer (Check *check, const char *diff_id)
{
  g_autoptr (StateLayer) row = state_layer_find (check->storage->state, diff_id, NULL);
  if (row == NULL)
    return g_strdup ("is not listed");
  if (!layer_there (check->storage, diff_id))
    return g_strdup ("its folder is missing");
  const char *problem = row->blob_digest != NULL && row->blob_digest[0] != '\0' && content_has (check->storage, row->blob_digest) ? blob_problem (check, row->blob_digest, row->blob_size) : NULL;
  char *inside = problem == NULL && check->request->deep ? look_into_layer (check, row) : NULL;
  return inside != NULL ? inside : g_strdup (problem != NULL ? problem : "");
}

static gboolean
layer_is_whole (Check *check, const char *diff_id)
{
  const char *problem = g_hash_table_lookup (check->layers, diff_id);
  if (problem == NULL)
    {
      char *found = image_digest_is_sha256 (diff_id) ? look_at_layer (check, diff_id) : g_strdup ("is no digest");
      g_hash_table_insert (check->layers, g_strdup (diff_id), found);
      if (found[0] != '\0')
        tell (check->result->layers, diff_id, found);
      problem = found;
    }
  return problem[0] == '\0';
}

/* image_problem: NULL: none; free with g_free. */
static char *
image_problem (Check *check, const StateImage *image)
{
  for (char **layer = image->layers; *layer != NULL; layer++)
    if (!layer_is_whole (check, *layer))
      return g_strdup_printf ("layer %s is damaged", *layer);
  g_autofree char *config = g_strconcat ("sha256:", image->id, NULL);
  const char *problem = image->manifest_digest != NULL ? blob_problem (check, image->manifest_digest, -1) : NULL;
  /* a list's id is no digest */
  if (problem == NULL && !image->list)
    problem = blob_problem (check, config, -1);
  return g_strdup (problem);
}

static gboolean
check_images (Check *check, GError **error)
{
  g_autoptr (GPtrArray) images = NULL;
  if (!state_image_list_own (check->storage->state, &images, error))
    return FALSE;
  for (guint i = 0; i < images->len; i++)
    {
      const StateImage *image = images->pdata[i];
      g_autofree char *problem = image_problem (check, image);
      if (problem != NULL)
        tell (check->result->images, image->id, problem);
    }
  return TRUE;
}

/* check_strays: layers' folders that no row names, when they are old enough not to be somebody's at work. */
static void
check_strays (Check *check)
{
  int fd = openat (check->storage->root_fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  if (dir == NULL)
    {
      fd_close (fd);
      return;
    }
  gint64 oldest = (g_get_real_time () - check->request->max_age) / G_USEC_PER_SEC;
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    {
      struct stat st;
      g_autofree char *diff_id = g_strconcat ("sha256:", entry->d_name, NULL);
      g_autoptr (StateLayer) row = entry->d_name[0] != '.' ? state_layer_find (check->storage->state, diff_id, NULL) : NULL;
      if (entry->d_name[0] != '.' && row == NULL && fstatat (dirfd (dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (gint64) st.st_ctime <= oldest)
        tell (check->result->layers, entry->d_name, "belongs to no image");
    }
  (void) closedir (dir);
}

/* ---- containers */

static gboolean
is_damaged (const GPtrArray *damages, const char *id)
{
  for (guint i = 0; i < damages->len; i++)
    if (strcmp (((const StoreDamage *) damages->pdata[i])->id, id) == 0)
      return TRUE;
  return FALSE;
}

/* is_lost: was the image not saved by mending its layers? */
static gboolean
is_lost (Check *check, const char *id)
{
  g_autoptr (StateImage) image = state_image_find (check->storage->state, id, NULL);
  g_autofree char *problem = image != NULL ? image_problem (check, image) : NULL;
  return problem != NULL;
}

/* has_damaged: one of the images that the container uses was found damaged, and, with @lost, is so still. */
static gboolean
has_damaged (Check *check, const StateContainer *row, gboolean lost)
{
  g_autoptr (GPtrArray) images = container_images (row);
  for (guint i = 0; i < images->len; i++)
    if (is_damaged (check->result->images, images->pdata[i]) && (!lost || is_lost (check, images->pdata[i])))
      return TRUE;
  return FALSE;
}

static gboolean
check_containers (Check *check, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;
  if (!state_container_list (check->storage->state, &rows, error))
    return FALSE;
  for (guint i = 0; i < rows->len; i++)
    {
      const StateContainer *row = rows->pdata[i];
      g_autofree char *folder = g_strconcat ("containers/", row->id, NULL);
      struct stat st;
      if (fstatat (check->storage->root_fd, folder, &st, AT_SYMLINK_NOFOLLOW) < 0)
        tell (check->result->containers, row->id, "its folder is missing");
      else if (has_damaged (check, row, FALSE))
        tell (check->result->containers, row->id, "its image is damaged");
    }
  return TRUE;
}

/* ---- repair */

/* is_free: no container that lives, and no mount that we know, is upon the layer. */
static gboolean
is_free (Storage *storage, const char *diff_id)
{
  g_autoptr (GPtrArray) images = NULL, rows = NULL;
  if (!state_image_list_own (storage->state, &images, NULL) || !state_container_list (storage->state, &rows, NULL))
    return FALSE;
  for (guint i = 0; i < images->len; i++)
    {
      const StateImage *image = images->pdata[i];
      if (!g_strv_contains ((const char *const *) image->layers, diff_id))
        continue;
      g_autofree char *mounted = image_mount_path (storage, image->id);
      if (mounted != NULL)
        return FALSE;
      for (guint j = 0; j < rows->len; j++)
        {
          const StateContainer *row = rows->pdata[j];
          if (container_uses_image (row, image->id) && storage_run_alive (storage, row->id))
            return FALSE;
        }
    }
  return TRUE;
}

/* make_anew: the folder of a layer that has none, from its blob. */
static gboolean
make_anew (Check *check, const char *diff_id)
{
  g_autoptr (StateLayer) row = state_layer_find (check->storage->state, diff_id, NULL);
  int fd = row != NULL && row->blob_digest != NULL && !layer_there (check->storage, diff_id) ? content_open (check->storage, row->blob_digest, NULL, NULL) : -1;
  if (fd < 0)
    return FALSE;
  const LayerExpect expect = { .blob_digest = row->blob_digest, .blob_size = row->blob_size, .diff_id = diff_id, .single = row->single };
  g_autoptr (LayerUnpacked) unpacked = layer_unpack (&check->work, byte_stream_from_fd (fd), &expect, NULL);
  cleanup_fd int lock = unpacked != NULL ? storage_lock_shared (check->storage, NULL) : -1;
  return lock >= 0 && layer_commit (check->storage, &check->work, unpacked, NULL);
}

/* mend_layers: what can be; the rest stays damaged. */
static void
mend_layers (Check *check)
{
  StoreCheck *result = check->result;
  for (guint i = 0; i < result->layers->len; i++)
    {
      const char *diff_id = ((const StoreDamage *) result->layers->pdata[i])->id, *folder = g_hash_table_lookup (check->whole, diff_id);
      gboolean done = FALSE;
      if (folder != NULL)
        (void) layer_mend (check->storage, &check->work, diff_id, folder, is_free, &done, NULL);
      else if (image_digest_is_sha256 (diff_id))
        done = make_anew (check, diff_id);
      if (!done)
        continue;
      g_ptr_array_add (result->mended_layers, g_strdup (diff_id));
      g_hash_table_insert (check->layers, g_strdup (diff_id), g_strdup (""));
    }
}

/* remove_containers: those whose folder is gone, or whose image is lost. */
static gboolean
remove_containers (Check *check, GError **error)
{
  StoreCheck *result = check->result;
  for (guint i = 0; i < result->containers->len; i++)
    {
      const StoreDamage *damage = result->containers->pdata[i];
      g_autoptr (StateContainer) row = state_container_find (check->storage->state, damage->id, NULL);
      if (row != NULL && has_damaged (check, row, FALSE) && !has_damaged (check, row, TRUE))
        continue;
      if (!container_remove (check->storage, damage->id, TRUE, 0, FALSE, error))
        return FALSE;
      g_ptr_array_add (result->removed_containers, g_strdup (damage->id));
    }
  return TRUE;
}

static gboolean
repair (Check *check, GError **error)
{
  StoreCheck *result = check->result;
  mend_layers (check);
  if (check->request->force && !remove_containers (check, error))
    return FALSE;
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();
  for (guint i = 0; i < result->images->len; i++)
    {
      char *id = ((const StoreDamage *) result->images->pdata[i])->id;
      if (is_lost (check, id))
        g_ptr_array_add (ids, id);
    }
  g_ptr_array_add (ids, NULL);
  const ImageRemoveRequest removing = { .unused = (const char *const *) ids->pdata };
  g_autoptr (ImageRemoveResult) removed = image_remove (check->storage, &removing, error);
  if (removed == NULL)
    return FALSE;
  for (guint i = 0; i + 1 < ids->len; i++)
    {
      g_autoptr (StateImage) left = state_image_find (check->storage->state, ids->pdata[i], NULL);
      if (left == NULL)
        g_ptr_array_add (result->removed_images, g_strdup (ids->pdata[i]));
    }
  return storage_collect (check->storage, &result->collected, error);
}

/* look: at everything, while nothing is collected. */
static gboolean
look (Check *check, GError **error)
{
  cleanup_fd int lock = storage_lock_shared (check->storage, error);
  if (lock < 0 || !check_images (check, error) || !check_containers (check, error))
    return FALSE;
  check_strays (check);
  if (check->failure == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&check->failure));
  return FALSE;
}

StoreCheck *
store_check (Storage *storage, const StoreCheckRequest *request, GError **error)
{
  g_autoptr (StoreCheck) result = g_new0 (StoreCheck, 1);
  GPtrArray **const damages[] = { &result->layers, &result->images, &result->containers },
                    **const names[] = { &result->mended_layers, &result->removed_images, &result->removed_containers };
  for (size_t i = 0; i < G_N_ELEMENTS (damages); i++)
    *damages[i] = g_ptr_array_new_with_free_func ((GDestroyNotify) damage_free);
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    *names[i] = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) layers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free), blobs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
                         whole = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  Check check = { .storage = storage, .request = request, .result = result, .layers = layers, .blobs = blobs, .whole = whole, .work = STORAGE_WORK_INIT };
  if ((request->deep || request->repair) && !storage_work_begin (storage, &check.work, error))
    return NULL;
  gboolean ok = look (&check, error) && (!request->repair || store_check_is_clean (result) || repair (&check, error));
  g_clear_error (&check.failure);
  storage_work_end (storage, &check.work);
  return ok ? g_steal_pointer (&result) : NULL;
}
