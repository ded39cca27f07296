#include "cmd/common/later.h"

#include <glib.h>
#include <string.h>

static const struct { const char *group, *words; } commands[] = {
  { "", "auto-update "
        "build "
        "compose "
        "kube "
        "machine "
        "pod "
        "quadlet "
        "secret" },
  { "generate", "kube "
                "systemd" },
  { "image", "build" },
  { "system", "connection "
              "service" },
};

static const struct { const char *name; char letter; const char *instead; } run_flags[] = {
  { "pod", 0, NULL },
  { "pod-id-file", 0, NULL },
  { "secret", 0, "--volume" },
};

int
later_command (const char *group, const char *word)
{
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (commands[i].group, group) == 0)
      {
        g_auto (GStrv) words = g_strsplit (commands[i].words, " ", -1);
        return g_strv_contains ((const char *const *) words, word);
      }
  return FALSE;
}

const char *
later_flag (const char *path, const char *message, const char **ret_instead)
{
  static const char long_words[] = "unknown flag: --", short_words[] = "unknown shorthand flag: '";
  const char *name = g_str_has_prefix (message, long_words) ? message + strlen (long_words) : NULL;
  char letter = g_str_has_prefix (message, short_words) ? message[strlen (short_words)] : '\0';
  if (!g_str_has_suffix (path, " run"))
    return NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (run_flags); i++)
    if (name != NULL ? strcmp (run_flags[i].name, name) == 0 : letter != '\0' && run_flags[i].letter == letter)
      {
        *ret_instead = run_flags[i].instead;
        return run_flags[i].name;
      }
  return NULL;
}
