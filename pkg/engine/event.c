#include "pkg/engine/event.h"

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
