#include "pkg/engine/image_tree.h"

#include <string.h>

#include "pkg/base/text.h"
#include "pkg/engine/image.h"
#include "pkg/engine/image_lookup.h"

typedef struct Layer Layer;
struct Layer {
  char *chain;             /* hex */
  gint64 size;
  Layer *below;            /* NULL: the lowest */
  GPtrArray *above;        /* of Layer, borrowed, oldest image's first */
  GPtrArray *names;        /* of the images whose top it is */
};

static void
layer_free (gpointer data)
{
  Layer *layer = data;
  g_free (layer->chain);
  g_ptr_array_unref (layer->above);
  g_ptr_array_unref (layer->names);
  g_free (layer);
}

static char *
chain_id (const Layer *below, const char *diff_id)
{
  if (below == NULL)
    return g_strdup (diff_id + strlen ("sha256:"));
  g_autofree char *both = g_strdup_printf ("sha256:%s %s", below->chain, diff_id);
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, both, -1);
}

/* layer_on: the layer @diff_id on @below, new or known. */
static Layer *
layer_on (Storage *storage, GHashTable *layers, Layer *below, const char *diff_id)
{
  g_autofree char *chain = chain_id (below, diff_id);
  Layer *layer = g_hash_table_lookup (layers, chain);
  if (layer != NULL)
    return layer;
  g_autoptr (StateLayer) row = state_layer_find (storage->state, diff_id, NULL);
  layer = g_new0 (Layer, 1);
  layer->chain = g_steal_pointer (&chain);
  layer->size = row != NULL ? row->size : 0;
  layer->below = below;
  layer->above = g_ptr_array_new ();
  layer->names = g_ptr_array_new_with_free_func (g_free);
  g_hash_table_insert (layers, layer->chain, layer);
  if (below != NULL)
    g_ptr_array_add (below->above, layer);
  return layer;
}

/* add_image: its layers; returns the top one, NULL for an image without any. */
static Layer *
add_image (Storage *storage, GHashTable *layers, const StateImage *image)
{
  Layer *top = NULL;
  for (char **diff_id = image->layers; *diff_id != NULL; diff_id++)
    top = layer_on (storage, layers, top, *diff_id);
  for (guint i = top != NULL ? g_strv_length (image->names) : 0; i > 0; i--)
    g_ptr_array_add (top->names, g_strdup (image->names[i - 1]));
  return top;
}

static void
add_names (GString *out, const GPtrArray *names)
{
  g_string_append_c (out, '[');
  for (guint i = 0; i < names->len; i++)
    g_string_append_printf (out, "%s%s", i > 0 ? " " : "", (const char *) names->pdata[i]);
  g_string_append_c (out, ']');
}

static void
add_line (GString *out, const char *indent, const Layer *layer, gboolean last)
{
  g_autofree char *size = text_size ((guint64) layer->size, 4);
  g_string_append_printf (out, "%s%sID: %.12s Size: %7s", indent, last ? "└── " : "├── ", layer->chain, size);
  if (layer->names->len > 0)
    {
      g_string_append (out, " Top Layer of: ");
      add_names (out, layer->names);
    }
  g_string_append_c (out, '\n');
}

/* add_layers: those that @top stands on, the lowest first. */
static void
add_layers (GString *out, const Layer *top)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  for (const Layer *layer = top; layer != NULL; layer = layer->below)
    g_ptr_array_insert (all, 0, (gpointer) layer);
  for (guint i = 0; i < all->len; i++)
    add_line (out, "", all->pdata[i], i + 1 == all->len);
}

/* add_above: the layer, and below it in the text all that stand on it. What stands on a lowest layer is shown beside it, as Podman does. */
static void
add_above (GString *out, const char *indent, const Layer *layer, gboolean last)
{
  gboolean beside = layer->below == NULL;
  g_autofree char *deeper = g_strconcat (indent, beside ? "" : last ? "    " : "│   ", NULL);
  add_line (out, indent, layer, last && (!beside || layer->above->len == 0));
  for (guint i = 0; i < layer->above->len; i++)
    add_above (out, deeper, layer->above->pdata[i], i + 1 == layer->above->len);
}

char *
image_tree (Storage *storage, const char *name, gboolean children, GError **error)
{
  g_autoptr (StateImage) image = image_lookup_instance (storage->state, name, NULL, NULL, error);
  g_autoptr (GPtrArray) images = NULL;
  if (image == NULL || !state_image_list (storage->state, &images, error))
    return NULL;
  g_autoptr (GHashTable) layers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, layer_free);
  for (guint i = images->len; i > 0; i--)
    (void) add_image (storage, layers, images->pdata[i - 1]);
  const Layer *top = NULL;
  for (char **diff_id = image->layers; *diff_id != NULL; diff_id++)
    top = layer_on (storage, layers, (Layer *) top, *diff_id);
  g_autofree char *size = text_size ((guint64) image->size, 4);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (guint i = g_strv_length (image->names); i > 0; i--)
    g_ptr_array_add (names, image->names[i - 1]);
  GString *out = g_string_new (NULL);
  g_string_append_printf (out, "Image ID: %.12s\nTags:     ", image->id);
  add_names (out, names);
  g_string_append_printf (out, "\nSize:     %s\nImage Layers\n", size);
  if (children && top != NULL)
    add_above (out, "", top, TRUE);
  else
    add_layers (out, top);
  g_string_append_c (out, '\n');
  return g_string_free (out, FALSE);
}
