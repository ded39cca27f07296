#include "pkg/engine/image_pull.h"

#include <string.h>

#include "pkg/archive/digest.h"
#include "pkg/base/error.h"
#include "pkg/engine/event.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/engine/image_policy.h"
#include "pkg/engine/image_signatures.h"
#include "pkg/json/json.h"
#include "pkg/image/name.h"
#include "storage/content.h"

#define PARALLEL_LAYERS 6   /* as Podman's default */

typedef struct {
  Storage *storage;
  const ImagePullRequest *pull;
  ImageInRequest *request;
  RegistriesConf *conf;
  const char *reference;   /* as given */
  const char *chosen;      /* the short name for which the user chose among several; NULL: none */
  GPtrArray *images;
} Pull;

static void
say (const Pull *pull, const char *format, ...) G_GNUC_PRINTF (2, 3);
static void
say (const Pull *pull, const char *format, ...)
{
  if (pull->pull->say == NULL)
    return;
  va_list args;
  va_start (args, format);
  g_autofree char *line = g_strdup_vprintf (format, args);
  va_end (args);
  pull->pull->say (line, pull->pull->data);
}

/* ---- one place */

typedef struct {
  Registry *registry;
  const char *repository;
} Fetch;

static ByteStream *
fetch_layer (const ArchiveLayer *layer, void *data, GError **error)
{
  const Fetch *fetch = data;
  return registry_blob (fetch->registry, fetch->repository, layer->digest, layer->size);
}

static gboolean
take (Pull *pull, Registry *registry, const char *repository, const ArchiveImage *image, const char *name, const char *digest, GError **error)
{
  const char *names[] = { name, NULL }, *digests[] = { digest, NULL };
  Fetch source = { registry, repository };
  IngestFetch fetch = { fetch_layer, &source, PARALLEL_LAYERS };
  IngestOptions options = { .single = pull->request->single, .names = names, .digests = digests, .progress = pull->request->progress, .progress_data = pull->request->progress_data };
  g_autoptr (StateImage) row = NULL;
  gboolean ok = ingest_fetched (pull->storage, image, &fetch, &options, &row, error);
  pull->request->skipped_devices += options.skipped_devices;
  if (!ok)
    return FALSE;
  ImageIn *in = g_new0 (ImageIn, 1);
  in->id = g_strdup (row->id);
  in->names = g_strdupv ((char **) names);
  g_ptr_array_add (pull->images, in);
  event_image (pull->storage, "pull", row->id, pull->reference);
  return TRUE;
}

/* What policy.json asks for. */
typedef struct {
  const PolicyImage *image;
  json_t *requirements;
  gboolean simple, sigstore;   /* which signatures it wants */
} Policy;

/* check_policy: before a layer is fetched. The signatures are those of the image's own manifest, not of an index that led to it. */
static gboolean
check_policy (const Policy *policy, Registry *registry, const char *repository, const ArchiveImage *image, GError **error)
{
  if (!policy->simple && !policy->sigstore)
    return TRUE;
  const PolicyImage *name = policy->image;
  g_autofree char *digest = digest_of (image->manifest, image->manifest_size),
                  *reference = name->digest != NULL ? g_strconcat ("@", name->digest, NULL) : g_strconcat (":", name->tag, NULL);
  g_autoptr (GPtrArray) signatures = image_signatures_get (registry, repository, name->registry, name->path, reference, digest, policy->simple, policy->sigstore, error);
  return signatures != NULL && image_policy_verify (policy->requirements, name, digest, signatures, error);
}

/* read_known: a document that the store has. */
static char *
read_known (const char *digest, size_t limit, size_t *ret_size, void *data)
{
  char *text = NULL;
  return content_read (data, digest, limit, &text, ret_size, NULL) ? text : NULL;
}

/* pull_place: @name: the full name that it gets, which may be another than the place's; with a digest it gets none. */
static gboolean
pull_place (Pull *pull, const RegistriesPlace *place, const ImageName *name, const Policy *policy, GError **error)
{
  const char *wanted = name->digest != NULL ? name->digest : name->tag;
  g_autofree char *source = image_name_to_string (name);
  g_autoptr (Registry) registry = registry_place_open (pull->conf, &pull->pull->access, place, error);
  if (registry == NULL)
    return coracle_prefix (error, "initializing source docker://%s", source);
  say (pull, "Getting image source signatures");
  g_autofree char *digest = NULL;
  const RegistryKnown known = { read_known, pull->storage };
  g_autoptr (ArchiveImage) image = registry_image (registry, place->repository, wanted, pull->request->platform, &known, &digest, error);
  if (image == NULL)
    return coracle_prefix (error, "initializing source docker://%s: reading manifest %s in %s/%s", source, wanted, place->registry, place->repository);
  if (!check_policy (policy, registry, place->repository, image, error))
    return FALSE;
  for (guint i = 0; i < image->layers->len; i++)
    say (pull, "Copying blob %s", ((const ArchiveLayer *) image->layers->pdata[i])->digest);
  g_autofree char *full = name->digest == NULL ? image_name_to_string (name) : NULL, *repo_digest = g_strdup_printf ("%s/%s@%s", name->registry, name->path, digest);
  if (!take (pull, registry, place->repository, image, full, repo_digest, error))
    return coracle_prefix (error, "copying system image from %s/%s", place->registry, place->repository);
  say (pull, "Copying config %s", image->config_digest);
  say (pull, "Writing manifest to image destination");
  return TRUE;
}

/* ---- one name */

/* pull_name: mirrors first. The error is that of the last place, the registry itself. */
static gboolean
pull_name (Pull *pull, const ImageName *name, GError **error)
{
  g_autofree char *full = image_name_to_string (name);
  say (pull, "Trying to pull %s...", full);
  g_autoptr (GPtrArray) places = registries_places (pull->conf, name->registry, name->path, name->digest != NULL, error);
  g_autoptr (GError) problem = NULL;
  gboolean done = FALSE;
  if (places == NULL)
    return coracle_prefix (error, "unable to copy from source docker://%s: initializing source docker://%s", full, full);
  const PolicyImage policy = { .transport = "docker", .registry = name->registry, .path = name->path, .tag = name->tag, .digest = name->digest };
  Policy asked = { &policy, NULL, FALSE, FALSE };
  json_auto_t *requirements = asked.requirements = image_policy_find (&policy, &asked.simple, &asked.sigstore, error);
  if (requirements == NULL)
    return coracle_prefix (error, "unable to copy from source docker://%s", full);
  for (guint i = 0; i < places->len && !done; i++)
    {
      g_clear_error (&problem);
      done = pull_place (pull, places->pdata[i], name, &asked, &problem);
    }
  if (done)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return coracle_prefix (error, "unable to copy from source docker://%s", full);
}

/* list_tags: as names to pull; NULL with @error. */
static GPtrArray *
list_tags (Pull *pull, const ImageName *name, GError **error)
{
  g_autoptr (GPtrArray) places = registries_places (pull->conf, name->registry, name->path, FALSE, error);
  if (places == NULL)
    return NULL;
  const RegistriesPlace *place = places->pdata[places->len - 1];
  g_autoptr (Registry) registry = registry_place_open (pull->conf, &pull->pull->access, place, error);
  g_auto (GStrv) tags = registry != NULL ? registry_tags (registry, place->repository, error) : NULL;
  if (tags == NULL)
    return coracle_prefix (error, "getting repository tags: fetching tags list"), NULL;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func ((GDestroyNotify) image_name_free);
  for (char **tag = tags; *tag != NULL; tag++)
    {
      g_autofree char *text = g_strdup_printf ("%s/%s:%s", name->registry, name->path, *tag);
      ImageName *parsed = image_name_parse (text, NULL);
      if (parsed != NULL)
        g_ptr_array_add (names, parsed);
    }
  return g_steal_pointer (&names);
}

static gboolean
pull_tags (Pull *pull, const ImageName *name, GError **error)
{
  if (name->digest != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "pulling all tags requires a name without tag or digest");
  g_autoptr (GPtrArray) names = list_tags (pull, name, error);
  if (names == NULL)
    return FALSE;
  for (guint i = 0; i < names->len; i++)
    if (!pull_name (pull, names->pdata[i], error))
      return FALSE;
  return TRUE;
}

/* ---- short names */

static char **
choose (Pull *pull, const char *path, char **names, GError **error)
{
  gboolean ask = pull->conf->mode != SHORT_NAMES_DISABLED && g_strv_length (names) > 1;
  if (!ask || (pull->pull->choose == NULL && pull->conf->mode == SHORT_NAMES_PERMISSIVE))
    return names;
  char *chosen = pull->pull->choose != NULL ? pull->pull->choose ((const char *const *) names, path, pull->pull->data) : NULL;
  g_autofree char *all = g_strjoinv (", ", names);
  g_strfreev (names);
  if (pull->pull->choose == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "short-name resolution enforced but cannot prompt without a TTY: \"%s\" may be any of %s; give the whole name", path, all), NULL;
  if (chosen == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "short name \"%s\": nothing chosen", path), NULL;
  pull->chosen = path;
  char **one = g_new0 (char *, 2);
  one[0] = chosen;
  return one;
}

/* say_resolved: where the meaning of a short name comes from. */
static void
say_resolved (const Pull *pull, const char *path, gboolean alias)
{
  const char *file = alias ? g_hash_table_lookup (pull->conf->alias_files, path) : pull->conf->search_path;
  if (pull->chosen != NULL || file == NULL)
    return;
  if (alias)
    say (pull, "Resolved \"%s\" as an alias (%s)", path, file);
  else
    say (pull, "Resolving \"%s\" using unqualified-search registries (%s)", path, file);
}

static gboolean
has_image (Pull *pull, const char *name)
{
  g_autoptr (StateImage) image = state_image_find (pull->storage->state, name, NULL);
  return image != NULL;
}

/* full_names: as ImageName, with tag or digest. What a short name means here already is what it means there. */
static GPtrArray *
full_names (Pull *pull, const ImageName *given, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func ((GDestroyNotify) image_name_free);
  g_autofree char *suffix = given->digest != NULL ? g_strconcat ("@", given->digest, NULL) : g_strconcat (":", given->tag != NULL ? given->tag : "latest", NULL);
  g_auto (GStrv) texts = NULL;
  gboolean alias;
  g_autofree char *local = g_strconcat ("localhost/", given->path, suffix, NULL);
  if (given->registry == NULL && has_image (pull, local))
    {
      texts = g_new0 (char *, 2);
      texts[0] = g_strconcat ("localhost/", given->path, NULL);
    }
  else if (given->registry == NULL && !g_str_has_prefix (pull->reference, "docker://"))
    {
      texts = registries_short (pull->conf, given->path, pull->reference, &alias, error);
      texts = texts != NULL ? choose (pull, given->path, texts, error) : NULL;
      if (texts != NULL)
        say_resolved (pull, given->path, alias);
    }
  else
    {
      g_autofree char *bare = g_strconcat (given->registry != NULL ? given->registry : "docker.io", "/", given->path, NULL), *full = image_name_normalize (bare, "docker.io", error);
      texts = full != NULL ? g_new0 (char *, 2) : NULL;
      if (texts != NULL)
        texts[0] = g_strndup (full, strlen (full) - strlen (":latest"));
    }
  for (char **text = texts; text != NULL && *text != NULL; text++)
    {
      g_autofree char *full = g_strconcat (*text, suffix, NULL);
      ImageName *name = image_name_parse (full, error);
      if (name == NULL)
        return NULL;
      g_ptr_array_add (names, name);
    }
  return texts != NULL ? g_steal_pointer (&names) : NULL;
}

/* pull_first: of several that a short name may mean, the first that is there. */
static gboolean
pull_first (Pull *pull, GPtrArray *names, GError **error)
{
  g_autoptr (GString) problems = g_string_new (NULL);
  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr (GError) problem = NULL;
      gboolean done = pull->pull->all_tags ? pull_tags (pull, names->pdata[i], &problem) : pull_name (pull, names->pdata[i], &problem);
      if (done && pull->chosen != NULL)
        {
          const ImageName *name = names->pdata[i];
          g_autofree char *full = g_strconcat (name->registry, "/", name->path, NULL);
          (void) registries_remember (pull->chosen, full, NULL);   /* it is asked for again, then */
        }
      if (done)
        return TRUE;
      if (names->len == 1)
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return FALSE;
        }
      g_string_append_printf (problems, "\n * %s", problem->message);
    }
  return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%u errors occurred while pulling:%s", names->len, problems->str);
}

static gboolean
pull_registry (Pull *pull, GError **error)
{
  g_autoptr (ImageName) given = image_name_parse (pull->reference, error);
  if (given == NULL)
    return coracle_prefix (error, "parsing reference \"%s\"", pull->reference);
  if (pull->pull->all_tags && given->tag != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "pulling all tags is not possible for a name that has a tag: %s", pull->reference);
  pull->conf = registries_conf_read (error);
  g_autoptr (GPtrArray) names = pull->conf != NULL ? full_names (pull, given, error) : NULL;
  return names != NULL && pull_first (pull, names, error);
}

/* ---- pull policies */

static gboolean
add_local (Pull *pull, const StateImage *image)
{
  ImageIn *in = g_new0 (ImageIn, 1);
  in->id = g_strdup (image->id);
  in->names = g_strdupv (image->names);
  g_ptr_array_add (pull->images, in);
  event_image (pull->storage, "pull", image->id, pull->reference);
  return TRUE;
}

static gboolean
is_local (const char *reference)
{
  g_autofree char *transport = g_strndup (reference, strcspn (reference, ":"));
  ArchiveFormat format;
  return strchr (reference, ':') != NULL && source_format_parse (transport, &format);
}

/* say_copied: what of a local image has come, in the words that a registry's comes with: by the layers' diff ids. */
static gboolean
say_copied (const Pull *pull, const char *id)
{
  g_autoptr (StateImage) image = state_image_find (pull->storage->state, id, NULL);
  json_auto_t *config = image != NULL ? json_loads (image->config, 0, NULL) : NULL;
  json_t *layer;
  size_t i;
  say (pull, "Getting image source signatures");
  json_array_foreach (json_lookup (config, "rootfs.diff_ids"), i, layer)
    say (pull, "Copying blob %s", json_string_value (layer));
  say (pull, "Copying config sha256:%s", id);
  say (pull, "Writing manifest to image destination");
  return TRUE;
}

gboolean
image_pull_from (Storage *storage, const char *reference, const ImagePullRequest *how, ImageInRequest *request, GPtrArray **ret_images, GError **error)
{
  Pull pull = { storage, how, request, NULL, reference, NULL, g_ptr_array_new_with_free_func ((GDestroyNotify) image_in_free) };
  *ret_images = pull.images;
  if (is_local (reference))
    {
      ImageIn *image = NULL;
      if (!image_pull (storage, reference, request, &image, error))
        return FALSE;
      g_ptr_array_add (pull.images, image);
      return say_copied (&pull, image->id);
    }
  const char *bare = g_str_has_prefix (reference, "docker://") ? reference + strlen ("docker://") : reference;
  g_autofree char *platform = request->platform != NULL && how->policy == IMAGE_PULL_MISSING ? g_strconcat (request->platform->os, "/", request->platform->architecture, NULL) : NULL;
  g_autofree char *name = NULL;
  g_autoptr (StateImage) there = how->policy != IMAGE_PULL_ALWAYS ? image_lookup_instance (storage->state, bare, platform, &name, NULL) : NULL;
  /* what was made here has no registry to be newer at */
  if (there != NULL && (how->policy != IMAGE_PULL_NEWER || g_str_has_prefix (name, "localhost/")))
    return add_local (&pull, there);
  if (how->policy == IMAGE_PULL_NEVER)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: image not known", bare);
  g_autoptr (GError) problem = NULL;
  gboolean done = pull_registry (&pull, &problem);
  g_clear_pointer (&pull.conf, registries_conf_free);
  if (done)
    return TRUE;
  if (there != NULL)
    return add_local (&pull, there);
  event_pull_error (storage, reference, problem->message);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}
