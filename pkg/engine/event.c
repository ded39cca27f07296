#include "pkg/engine/event.h"
#include "pkg/engine/container.h"

static void
write_event (Storage *storage, const Event *event)
{
  event_write (storage->paths->root, storage->paths->run_root, event);
}

void
event_container (Storage *storage, StateContainer *row, const char *statuses)
{
  event_write_container (storage->paths->root, storage->paths->run_root, row, statuses);
}

static Event
container_event (StateContainer *row, const char *status)
{
  state_container_read_config (row);
  return (Event){ .type = "container", .status = status, .id = row->id, .name = row->name, .image = row->image_name, .attributes = json_object_get (row->config, "labels") };
}

/* inspected: as it was when it was created, whatever became of it since. NULL: it cannot be told. */
static char *
inspected (Storage *storage, const char *id)
{
  StateContainer *row = state_container_find (storage->state, id, NULL);
  if (row == NULL)
    return NULL;
  row->status = (g_free (row->status), g_strdup ("created"));
  row->started = 0;
  g_autoptr (ContainerView) view = g_new0 (ContainerView, 1);
  view->row = row;
  view->status = "created";
  json_auto_t *object = container_inspect (storage, view, TRUE, NULL);
  if (object == NULL)
    return NULL;
  container_inspect_prune (object);
  g_autofree char *text = json_dumps (object, JSON_COMPACT);
  return g_strdup (text);
}

void
event_container_created (Storage *storage, StateContainer *row)
{
  if (!events_want_inspect ())
    {
      event_container (storage, row, "create");
      return;
    }
  g_autofree char *text = inspected (storage, row->id);
  Event event = container_event (row, "create");
  event.inspect = text;
  write_event (storage, &event);
}

void
event_container_code (Storage *storage, StateContainer *row, const char *status, gint64 exit_code)
{
  Event event = container_event (row, status);
  event.has_exit_code = TRUE;
  event.exit_code = exit_code;
  write_event (storage, &event);
}

void
event_container_health (Storage *storage, StateContainer *row, const char *health, gint64 streak, const char *log)
{
  Event event = container_event (row, "health_status");
  event.health_status = health;
  event.health_streak = streak;
  event.health_log = log;
  write_event (storage, &event);
}

void
event_image (Storage *storage, const char *status, const char *id, const char *name)
{
  const Event event = { .type = "image", .status = status, .id = id, .name = name };
  write_event (storage, &event);
}

void
event_pull_error (Storage *storage, const char *name, const char *reason)
{
  const Event event = { .type = "image", .status = "pull-error", .name = name, .error = reason };
  write_event (storage, &event);
}

void
event_volume (Storage *storage, const char *status, const char *name)
{
  const Event event = { .type = "volume", .status = status, .name = name };
  write_event (storage, &event);
}

void
event_network (Storage *storage, const char *status, const char *id, const char *name, const char *driver)
{
  json_auto_t *attributes = driver != NULL ? json_pack ("{s:s}", "driver", driver) : NULL;
  const Event event = { .type = "network", .status = status, .id = id, .network = name, .attributes = attributes };
  write_event (storage, &event);
}

void
event_system (Storage *storage, const char *status)
{
  const Event event = { .type = "system", .status = status };
  write_event (storage, &event);
}
