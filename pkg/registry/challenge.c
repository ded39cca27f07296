#include "pkg/registry/challenge.h"

#include <string.h>

#define HEADER_LIMIT 8192

void
challenge_clear (Challenge *challenge)
{
  g_free (challenge->realm);
  g_free (challenge->service);
  g_free (challenge->scope);
  *challenge = (Challenge){ CHALLENGE_NONE };
}

static gboolean
is_token_char (char c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("!#$%&'*+-.^_`|~", c) != NULL);
}

static const char *
skip_blanks (const char *at)
{
  return at + strspn (at, " \t");
}

/* read_token: NULL when there is none. */
static char *
read_token (const char **at)
{
  const char *end = *at;
  while (is_token_char (*end))
    end++;
  char *token = end > *at ? g_strndup (*at, (gsize) (end - *at)) : NULL;
  *at = end;
  return token;
}

/* read_value: a token or a quoted string; NULL when it is neither. */
static char *
read_value (const char **at)
{
  if (**at != '"')
    return read_token (at);
  g_autoptr (GString) text = g_string_new (NULL);
  const char *p = *at + 1;
  for (; *p != '"'; p++)
    {
      if (*p == '\\')
        p++;
      if (*p == '\0' || g_ascii_iscntrl (*p))
        return NULL;
      g_string_append_c (text, *p);
    }
  *at = p + 1;
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
take_parameter (Challenge *challenge, const char *name, const char *value)
{
  char **place = g_ascii_strcasecmp (name, "realm") == 0     ? &challenge->realm
                 : g_ascii_strcasecmp (name, "service") == 0 ? &challenge->service
                 : g_ascii_strcasecmp (name, "scope") == 0   ? &challenge->scope
                                                             : NULL;
  if (place != NULL && *place == NULL)
    *place = g_strdup (value);
}

/* read_parameters: NAME=VALUE, parted by commas, until something that is none: another challenge's scheme. FALSE: malformed. */
static gboolean
read_parameters (const char **at, Challenge *challenge)
{
  for (;;)
    {
      const char *p = skip_blanks (*at);
      while (*p == ',')
        p = skip_blanks (p + 1);
      *at = p;
      g_autofree char *name = read_token (&p);
      if (name == NULL)
        return *p == '\0';
      p = skip_blanks (p);
      if (*p != '=')
        return TRUE;
      p = skip_blanks (p + 1);
      g_autofree char *value = read_value (&p);
      if (value == NULL)
        return FALSE;
      take_parameter (challenge, name, value);
      *at = p;
    }
}

gboolean
challenge_parse (const char *header, Challenge *ret_challenge)
{
  g_auto (Challenge) best = { CHALLENGE_NONE };
  if (strlen (header) > HEADER_LIMIT)
    return FALSE;
  for (const char *at = header; *(at = skip_blanks (at)) != '\0';)
    {
      g_auto (Challenge) next = { CHALLENGE_NONE };
      g_autofree char *scheme = read_token (&at);
      if (scheme == NULL || !read_parameters (&at, &next))
        return FALSE;
      next.kind = g_ascii_strcasecmp (scheme, "bearer") == 0 && next.realm != NULL ? CHALLENGE_BEARER
                  : g_ascii_strcasecmp (scheme, "basic") == 0                      ? CHALLENGE_BASIC
                                                                                   : CHALLENGE_NONE;
      if (next.kind > best.kind)
        {
          Challenge swap = best;
          best = next;
          next = swap;
        }
    }
  if (best.kind == CHALLENGE_NONE)
    return FALSE;
  *ret_challenge = best;
  best = (Challenge){ CHALLENGE_NONE };
  return TRUE;
}
