#include "pkg/engine/container_depend.h"

#include <string.h>

GHashTable *
container_dependents (Storage *storage, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;
  if (!state_container_list_mentioning (storage->state, "\"dependencies\"", &rows, error))
    return NULL;
  GHashTable *map = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  for (guint i = 0; i < rows->len; i++)
    {
      StateContainer *row = rows->pdata[i];
      state_container_read_config (row);
      size_t at;
      json_t *needed;
      json_array_foreach (json_object_get (row->config, "dependencies"), at, needed)
        {
          const char *id = json_string_value (needed);
          GPtrArray *list = id != NULL ? g_hash_table_lookup (map, id) : NULL;
          if (id != NULL && list == NULL)
            g_hash_table_insert (map, g_strdup (id), list = g_ptr_array_new_with_free_func (g_free));
          if (list != NULL)
            g_ptr_array_add (list, g_strdup (row->id));
        }
    }
  return map;
}

void
container_dependents_add (GHashTable *dependents, const char *id, GPtrArray *ids)
{
  const GPtrArray *list = g_hash_table_lookup (dependents, id);
  for (guint i = 0; list != NULL && i < list->len; i++)
    {
      if (g_ptr_array_find_with_equal_func (ids, list->pdata[i], g_str_equal, NULL))
        continue;
      container_dependents_add (dependents, list->pdata[i], ids);
      if (!g_ptr_array_find_with_equal_func (ids, list->pdata[i], g_str_equal, NULL))
        g_ptr_array_add (ids, g_strdup (list->pdata[i]));
    }
}

char *
container_dependents_text (GHashTable *dependents, const char *id)
{
  const GPtrArray *list = g_hash_table_lookup (dependents, id);
  if (list == NULL || list->len == 0)
    return NULL;
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < list->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", (const char *) list->pdata[i]);
  return g_string_free (text, FALSE);
}

void
container_dependents_drop (GHashTable *dependents, const char *id)
{
  GHashTableIter each;
  gpointer list;
  guint at;
  g_hash_table_iter_init (&each, dependents);
  while (g_hash_table_iter_next (&each, NULL, &list))
    if (g_ptr_array_find_with_equal_func (list, id, g_str_equal, &at))
      g_ptr_array_remove_index (list, at);
}
