#include "cmd/common/select.h"

#include <stdio.h>
#include <string.h>
#include <fcntl.h>

#include "cmd/common/dispatch.h"
#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_filter.h"

#define CIDFILE_MAX 4096

/* ---- the words */

static gboolean
has_flag (const CliContext *context, const CliArgs *args, const char *name)
{
  return cli_option_find (context->command, name) != NULL && cli_args_bool (args, name);
}

static const char *const *
list_of (const CliContext *context, const CliArgs *args, const char *name)
{
  static const char *const none[] = { NULL };
  return cli_option_find (context->command, name) != NULL ? cli_args_list (args, name) : none;
}

gboolean
select_none (const CliContext *context, const CliArgs *args)
{
  return cli_args_count (args) == 0 && !has_flag (context, args, "all") && !has_flag (context, args, "latest") && list_of (context, args, "cidfile")[0] == NULL
         && list_of (context, args, "filter")[0] == NULL;
}

gboolean
select_check (const CliContext *context, const CliArgs *args, const SelectRequest *request, GError **error)
{
  gboolean all = has_flag (context, args, "all"), latest = has_flag (context, args, "latest"), named = cli_args_count (args) > 0,
           cidfile = list_of (context, args, "cidfile")[0] != NULL, filter = list_of (context, args, "filter")[0] != NULL;
  const struct { gboolean wrong; const char *text; } rules[] = {
    { cidfile && (all || latest), "--all, --latest, and --cidfile cannot be used together" },
    { all && latest, "--all and --latest cannot be used together" },
    { filter && named && !(request->flags & SELECT_FILTER_NAMES), "--filter takes no arguments" },
    { all && named, "no arguments are needed with --all" },
    { latest && named, "--latest and containers cannot be used together" },
    { cidfile && named, "no arguments are needed with --latest or --cidfile" },
    { select_none (context, args), request->none != NULL ? request->none : "you must provide at least one name or id" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rules); i++)
    if (rules[i].wrong)
      return coracle_throw (error, CORACLE_ERROR_INVALID, "%s", rules[i].text);
  return TRUE;
}

/* ---- the containers */

static void
selected_free (Selected *selected)
{
  g_free (selected->given);
  g_free (selected->id);
  g_free (selected);
}

static void
add (GPtrArray *list, const char *given, const char *id)
{
  Selected *selected = g_new (Selected, 1);
  *selected = (Selected){ .given = g_strdup (given), .id = g_strdup (id) };
  g_ptr_array_add (list, selected);
}

GPtrArray *
select_list_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) selected_free);
}

void
select_list_add (GPtrArray *list, const char *given, const char *id)
{
  for (guint i = 0; i < list->len; i++)
    if (strcmp (((const Selected *) list->pdata[i])->id, id) == 0)
      return;
  add (list, given, id);
}

static gboolean
add_named (Storage *storage, const char *given, const SelectRequest *request, GPtrArray *list, GError **error)
{
  g_autoptr (GError) problem = NULL;
  if (given[0] == '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "name or ID cannot be empty");
  g_autoptr (StateContainer) row = state_container_find (storage->state, given, &problem);
  if (row != NULL)
    {
      add (list, given, row->id);
      return TRUE;
    }
  if (!g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  if (!(request->flags & SELECT_IGNORE))
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no container with %s \"%s\" found: no such container",
                          request->flags & SELECT_ID_OR_NAME ? "ID or name" : "name or ID", given);
  if (request->flags & SELECT_KEEP_MISSING)
    add (list, given, NULL);
  return TRUE;
}

static gboolean
add_from_file (Storage *storage, const char *path, const SelectRequest *request, GPtrArray *list, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) problem = NULL;
  if (path_read_file (AT_FDCWD, path, CIDFILE_MAX, &text, NULL, &problem))
    {
      text[strcspn (text, "\n")] = '\0';   /* the first line */
      return add_named (storage, text, request, list, error);
    }
  gboolean missing = g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
  if (missing && (request->flags & SELECT_IGNORE))
    return TRUE;
  if (missing)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "reading CIDFile: open %s: no such file or directory", path);
  return coracle_throw (error, CORACLE_ERROR_INVALID, "reading CIDFile: %s", problem->message);
}

static gboolean
add_latest (Storage *storage, GPtrArray *list, GError **error)
{
  g_autoptr (StateContainer) row = state_container_find_latest (storage->state, error);
  if (row == NULL)
    return FALSE;
  add (list, row->id, row->id);
  return TRUE;
}

/* add_fitting: of all. @filters may be empty; a filter says itself which states it means, so that @suits is asked only of --all. */
static gboolean
add_fitting (Storage *storage, const char *const *words, gboolean (*suits) (Storage *storage, const ContainerView *view), GPtrArray *list, GError **error)
{
  g_autoptr (GPtrArray) filters = container_filters_parse (storage, words, error), rows = NULL;
  if (filters == NULL || !state_container_list_lean (storage->state, &rows, error))
    return FALSE;
  g_ptr_array_set_free_func (rows, NULL);   /* each is taken by its view */
  gboolean config = container_filters_need_config (filters);
  for (guint i = 0; i < rows->len; i++)
    {
      if (config)
        state_container_read_config (rows->pdata[i]);
      g_autoptr (ContainerView) view = container_view_new (storage, rows->pdata[i]);
      if ((suits == NULL || suits (storage, view)) && container_filters_fit (filters, view))
        add (list, view->row->id, view->row->id);
    }
  return TRUE;
}

/* keep_fitting: of those that were named. */
static gboolean
keep_fitting (Storage *storage, const char *const *words, GPtrArray *list, GError **error)
{
  g_autoptr (GPtrArray) filters = container_filters_parse (storage, words, error);
  if (filters == NULL)
    return FALSE;
  for (guint i = 0; i < list->len;)
    {
      const Selected *one = list->pdata[i];
      g_autoptr (ContainerView) view = one->id != NULL ? container_find (storage, one->id, NULL) : NULL;
      if (view != NULL && container_filters_fit (filters, view))
        i++;
      else
        g_ptr_array_remove_index (list, i);
    }
  return TRUE;
}

static gboolean
add_asked (Storage *storage, const CliContext *context, const CliArgs *args, const SelectRequest *request, GPtrArray *list, GError **error)
{
  for (const char *const *path = list_of (context, args, "cidfile"); *path != NULL; path++)
    if (!add_from_file (storage, *path, request, list, error))
      return FALSE;
  for (const char *const *name = cli_args_argv (args); *name != NULL; name++)
    if (!add_named (storage, *name, request, list, error))
      return FALSE;
  const char *const *words = list_of (context, args, "filter");
  gboolean all = has_flag (context, args, "all");
  if (words[0] != NULL && cli_args_count (args) > 0)
    return keep_fitting (storage, words, list, error);
  if (all || words[0] != NULL)
    return add_fitting (storage, words, all ? request->suits : NULL, list, error);
  return !has_flag (context, args, "latest") || add_latest (storage, list, error);
}

gboolean
select_containers (Storage *storage, const CliContext *context, const CliArgs *args, const SelectRequest *request, GPtrArray **ret_selected, GError **error)
{
  g_autoptr (GPtrArray) list = select_list_new ();
  if (!add_asked (storage, context, args, request, list, error))
    return FALSE;
  *ret_selected = g_steal_pointer (&list);
  return TRUE;
}

gboolean
select_all (Storage *storage, gboolean (*suits) (Storage *storage, const ContainerView *view), GPtrArray **ret_selected, GError **error)
{
  static const char *const none[] = { NULL };
  g_autoptr (GPtrArray) list = select_list_new ();
  if (!add_fitting (storage, none, suits, list, error))
    return FALSE;
  *ret_selected = g_steal_pointer (&list);
  return TRUE;
}

ContainerView *
select_first (Storage *storage, const CliContext *context, const CliArgs *args, const SelectRequest *request, const char *const **ret_rest, GError **error)
{
  gboolean latest = has_flag (context, args, "latest");
  const char *cidfile = cli_option_find (context->command, "cidfile") != NULL ? cli_args_string (args, "cidfile") : NULL;
  const char *const *words = cli_args_argv (args);
  g_autoptr (GPtrArray) list = select_list_new ();
  if (latest && cidfile != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--latest and --cidfile cannot be used together"), NULL;
  if (!latest && cidfile == NULL && words[0] == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s", request->none), NULL;
  gboolean found = latest ? add_latest (storage, list, error) : cidfile != NULL ? add_from_file (storage, cidfile, request, list, error) : add_named (storage, words[0], request, list, error);
  if (!found)
    return NULL;
  *ret_rest = words + (latest || cidfile != NULL ? 0 : 1);
  return container_find (storage, ((const Selected *) list->pdata[0])->id, error);
}

int
select_each (const GPtrArray *chosen, gboolean (*act) (const char *id, void *data, GError **error), void *data)
{
  int status = 0;
  for (guint i = 0; i < chosen->len; i++)
    {
      const Selected *one = chosen->pdata[i];
      g_autoptr (GError) problem = NULL;
      if (act (one->id, data, &problem))
        {
          printf ("%s\n", one->given);
          continue;
        }
      dispatch_print_error (problem);
      status = cli_exit_status (problem);
    }
  return status;
}
