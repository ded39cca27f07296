/* Any auth.json or config.json of Docker's is read or refused: who is found has a name and a password, or a helper to ask whose name is a word of the document.
 * The first line is the key that is looked for. Text that --creds might be given is parsed too. */
#include <stdint.h>
#include <string.h>

#include "pkg/json/json.h"
#include "pkg/registry/credentials.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_parse (const char *text)
{
  g_auto (Credentials) who = { 0 };
  g_autoptr (GError) error = NULL;
  if (credentials_parse (text, &who, &error) != (who.username != NULL && *who.username != '\0' && who.password != NULL))
    g_error ("half of \"%s\"", text);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size), *helper = NULL;
  gsize first = strcspn (text, "\n");
  g_autofree char *key = g_strndup (text, first);
  const char *document = text[first] == '\0' ? "" : text + first + 1;
  g_auto (Credentials) who = { 0 };
  g_autoptr (GError) error = NULL;
  check_parse (key);
  json_auto_t *root = json_parse_bounded (document, strlen (document), (size_t) 1 << 20, JSON_PARSE_DEFAULT, NULL);
  if (root == NULL)
    return 0;
  if (credentials_in (root, key, &who, &helper, &error) != (error == NULL))
    g_error ("neither an answer nor an error, or both");
  if ((who.username == NULL) != (who.password == NULL))
    g_error ("a name without password, or the other way round");
  if (helper != NULL && who.username != NULL)
    g_error ("credentials, and a helper to ask for them");
  return 0;
}
