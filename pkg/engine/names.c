#include "pkg/engine/names.h"

#include <string.h>
#include <sys/random.h>

#include "pkg/base/error.h"

static const char *const adjectives[] = {
  "able",  "agile", "amber", "brave", "brisk", "calm",   "clear",  "clever", "cosy",   "crisp", "deft",   "eager",  "early", "fair",  "fleet",  "fond",
  "fresh", "glad",  "grand", "happy", "hardy", "jolly",  "keen",   "kind",   "lively", "loyal", "lucky",  "mellow", "merry", "mild",  "modest", "neat",
  "nimble", "noble", "placid", "plain", "polite", "proud", "quick", "quiet", "rapid", "ready", "serene", "sharp", "silent", "smart", "snug", "sober",
  "solid", "spry",  "stable", "steady", "stout", "sunny", "swift", "tidy",  "trim",  "trusty", "vivid", "warm",  "wise",  "witty", "young", "zesty",
};
static const char *const nouns[] = {
  "anchor", "badger", "barge",  "beaver", "bream",  "brook",  "buoy",   "canoe",  "cormorant", "cove",   "crane",  "curlew", "current", "delta", "dipper", "dory",
  "eddy",   "egret",  "ferry",  "fjord",  "gannet", "gull",   "harbour", "heron", "island", "jetty",  "kayak",  "ketch",  "lagoon", "lake",   "loch",   "mallard",
  "marsh",  "mooring", "newt",  "oar",    "osprey", "otter",  "paddle", "perch",  "pier",   "pike",   "plover", "pond",   "puffin", "punt",   "raft",   "reed",
  "ripple", "river",  "rowboat", "rudder", "salmon", "sandpiper", "shore", "skiff", "sloop", "snipe", "stream", "swan",   "tern",   "tide",   "trout",  "willow",
};

static void
random_bytes (void *out, size_t size)
{
  /* up to 256 bytes are never short, once the pool is ready: getrandom(2) */
  if (getrandom (out, size, 0) != (ssize_t) size)
    g_error ("getrandom");
}

char *
container_id_new (void)
{
  guint8 bytes[32];
  random_bytes (bytes, sizeof bytes);
  char *id = g_malloc (65);
  for (size_t i = 0; i < sizeof bytes; i++)
    g_snprintf (id + 2 * i, 3, "%02x", bytes[i]);
  return id;
}

char *
container_name_new (State *state)
{
  for (guint tries = 0;; tries++)
    {
      guint16 random[2];
      random_bytes (random, sizeof random);
      const char *first = adjectives[random[0] % G_N_ELEMENTS (adjectives)], *second = nouns[random[1] % G_N_ELEMENTS (nouns)];
      g_autofree char *name = tries < 3 ? g_strdup_printf ("%s_%s", first, second) : g_strdup_printf ("%s_%s%u", first, second, random[0] ^ random[1]);
      g_autoptr (StateContainer) taken = state_container_find (state, name, NULL);
      if (taken == NULL)
        return g_steal_pointer (&name);
    }
}

gboolean
container_name_check (const char *name, GError **error)
{
  gboolean good = g_ascii_isalnum (name[0]);
  for (const char *at = name; good && *at != '\0'; at++)
    good = g_ascii_isalnum (*at) || strchr ("_.-", *at) != NULL;
  if (!good)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument");
  return TRUE;
}
