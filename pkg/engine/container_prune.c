#include "pkg/engine/container_prune.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/engine/container_filter.h"

static void
pruned_free (ContainerPruned *pruned)
{
  g_free (pruned->id);
  g_clear_error (&pruned->error);
  g_free (pruned);
}

/* check_filters: of the filters that ps has, those that make sense here. */
static gboolean
check_filters (const char *const *filters, GError **error)
{
  static const char *const keys[] = { "label=", "label!=", "until=" };
  for (; filters != NULL && *filters != NULL; filters++)
    {
      gboolean known = FALSE;
      for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
        known = known || g_str_has_prefix (*filters, keys[i]);
      if (strchr (*filters, '=') == NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "filter input must be in the form of filter=value: %s is invalid", *filters);
      if (!known)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "%.*s is an invalid filter", (int) strcspn (*filters, "="), *filters);
    }
  return TRUE;
}

/* find_idle: one that its monitor would start again after its pause is not idle. */
static gboolean
find_idle (Storage *storage, const GPtrArray *filters, GPtrArray *list, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;
  if (!state_container_list_lean (storage->state, &rows, error))
    return FALSE;
  g_ptr_array_set_free_func (rows, NULL);   /* each is taken by its view */
  for (guint i = 0; i < rows->len; i++)
    {
      if (filters->len > 0)
        state_container_read_config (rows->pdata[i]);
      g_autoptr (ContainerView) view = container_view_new (storage, rows->pdata[i]);
      gboolean idle = (strcmp (view->status, "created") == 0 || strcmp (view->status, "exited") == 0) && !storage_run_alive (storage, view->row->id);
      if (!idle || !container_filters_fit (filters, view))
        continue;
      ContainerPruned *pruned = g_new0 (ContainerPruned, 1);
      pruned->id = g_strdup (view->row->id);
      g_ptr_array_add (list, pruned);
    }
  return TRUE;
}

/* is_busy: one that was started, or removed, by somebody else meanwhile is no failure of ours. */
static gboolean
is_busy (const GError *problem)
{
  return g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_IN_USE) || g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
}

gboolean
container_prune (Storage *storage, const char *const *filters, GPtrArray **ret_pruned, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) pruned_free);
  g_autoptr (GPtrArray) parsed = check_filters (filters, error) ? container_filters_parse (storage, filters, error) : NULL;
  if (parsed == NULL || !find_idle (storage, parsed, list, error))
    return FALSE;
  g_autofree ContainerRemove *items = g_new0 (ContainerRemove, list->len + 1);
  for (guint i = 0; i < list->len; i++)
    items[i].id = ((const ContainerPruned *) list->pdata[i])->id;
  if (!container_remove_all (storage, items, list->len, FALSE, 0, FALSE, error))
    return FALSE;
  for (guint i = list->len; i-- > 0;)
    if (items[i].error != NULL && is_busy (items[i].error))
      {
        g_error_free (items[i].error);
        g_ptr_array_remove_index (list, i);
      }
    else
      ((ContainerPruned *) list->pdata[i])->error = items[i].error;
  *ret_pruned = g_steal_pointer (&list);
  return TRUE;
}
