#include "pkg/engine/runlabel.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/engine/image.h"
#include "pkg/engine/image_lookup.h"

typedef struct {
  const char *name, *image;
} Places;

static const char *
value_of (const Places *places, const char *variable)
{
  if (strcmp (variable, "NAME") == 0)
    return places->name;
  if (strcmp (variable, "IMAGE") == 0)
    return places->image;
  const char *value = getenv (variable);
  return value != NULL ? value : "";
}

/* expand: $VARIABLE and ${VARIABLE} in @word. A "$" that begins no name stays; $1 and its like are nothing. */
static char *
expand (const char *word, const Places *places)
{
  GString *out = g_string_new (NULL);
  while (*word != '\0')
    {
      const char *dollar = strchrnul (word, '$');
      g_string_append_len (out, word, dollar - word);
      word = dollar;
      if (*word == '\0')
        break;
      gboolean braced = word[1] == '{';
      const char *begin = word + 1 + braced;
      gsize size = 0;
      while (g_ascii_isalnum (begin[size]) || begin[size] == '_')
        size++;
      if (size == 0 || (braced && begin[size] != '}'))
        {
          g_string_append_c (out, *word++);
          continue;
        }
      g_autofree char *variable = g_strndup (begin, size);
      g_string_append (out, value_of (places, variable));
      word = begin + size + braced;
    }
  return g_string_free (out, FALSE);
}

/* fill: one word; what stands for a name alone or after "=" is put in too. NULL: nothing is left of it. */
static char *
fill (const char *word, const Places *places)
{
  static const char *const names[] = { "NAME", "IMAGE" };
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *assigned = g_strconcat ("=", names[i], NULL);
      if (strcmp (word, names[i]) == 0)
        return g_strdup (value_of (places, names[i]));
      if (g_str_has_suffix (word, assigned))
        return g_strdup_printf ("%.*s%s", (int) (strlen (word) - strlen (names[i])), word, value_of (places, names[i]));
    }
  char *filled = expand (word, places);
  if (filled[0] != '\0' || word[0] == '\0')
    return filled;
  g_free (filled);
  return NULL;
}

/* name_of: "quay.io/team/app:1" → "app". */
static char *
name_of (const char *image)
{
  const char *slash = strrchr (image, '/'), *last = slash != NULL ? slash + 1 : image;
  return g_strndup (last, strcspn (last, ":@"));
}

char **
runlabel_command (Storage *storage, const RunlabelRequest *request, char **ret_name, GError **error)
{
  g_autoptr (StateImage) image = image_lookup_instance (storage->state, request->image, NULL, NULL, error);
  if (image == NULL)
    return NULL;
  json_auto_t *labels = image_labels (image);
  const char *text = json_string_value (json_object_get (labels, request->label));
  g_auto (GStrv) words = NULL;
  g_autoptr (GError) problem = NULL;
  if (text == NULL || text[0] == '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot find the value of label: %s in image: %s", request->label, request->image), NULL;
  if (!g_shell_parse_argv (text, NULL, &words, &problem))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "label %s of image %s: %s", request->label, request->image, problem->message), NULL;
  const char *full = image->names[0] != NULL ? image->names[0] : image->id;
  g_autofree char *name = request->name != NULL ? g_strdup (request->name) : name_of (full);
  const Places places = { .name = name, .image = full };
  g_autoptr (GPtrArray) command = g_ptr_array_new_with_free_func (g_free);
  for (char **word = words + 1; *word != NULL; word++)
    {
      char *filled = fill (*word, &places);
      if (filled != NULL)
        g_ptr_array_add (command, filled);
    }
  for (const char *const *arg = request->args; *arg != NULL; arg++)
    g_ptr_array_add (command, g_strdup (*arg));
  g_ptr_array_add (command, NULL);
  if (ret_name != NULL)
    *ret_name = g_steal_pointer (&name);
  g_ptr_array_set_free_func (command, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&command), FALSE);
}
