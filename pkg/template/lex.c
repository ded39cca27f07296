#include "pkg/template/lex.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/template/value.h"

void
token_clear (Token *token)
{
  json_decref (token->value);
  token->value = NULL;
}

static gboolean
is_space (char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static gboolean
looking_at (const Lexer *lexer, size_t at, const char *text)
{
  return at <= lexer->length && strncmp (lexer->source + at, text, strlen (text)) == 0;
}

static gboolean
lex_text (Lexer *lexer, Token *token)
{
  size_t start = lexer->at;
  const char *open = strstr (lexer->source + start, "{{");
  size_t end = open != NULL ? (size_t) (open - lexer->source) : lexer->length;
  lexer->at = end;
  if (lexer->trim_next)
    while (start < end && is_space (lexer->source[start]))
      start++;
  lexer->trim_next = FALSE;
  if (open != NULL && open[2] == '-' && is_space (open[3]))
    while (end > start && is_space (lexer->source[end - 1]))
      end--;
  token->start = start;
  token->end = end;
  if (start == end)
    return FALSE;
  token->kind = TOKEN_TEXT;
  return TRUE;
}

/* At "/ *": to after the comment's "}}". */
static gboolean
skip_comment (Lexer *lexer, GError **error)
{
  const char *end = strstr (lexer->source + lexer->at + 2, "*/");
  if (end == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unclosed comment");
  size_t at = end + 2 - lexer->source;
  if (is_space (lexer->source[at]) && looking_at (lexer, at + 1, "-}}"))
    {
      lexer->trim_next = TRUE;
      at += 2;
    }
  if (!looking_at (lexer, at, "}}"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "comment ends before closing delimiter");
  lexer->at = at + 2;
  return TRUE;
}

static int
escape_digits (const char *at, size_t count, int base, gunichar *ret)
{
  gunichar value = 0;
  for (size_t i = 0; i < count; i++)
    {
      int digit = g_ascii_xdigit_value (at[i]);
      if (digit < 0 || digit >= base)
        return -1;
      value = value * base + digit;
    }
  *ret = value;
  return (int) count;
}

/* One escape after a '\': appended to @out. Returns how many characters it took, -1 if it is none. */
static int
unescape (const char *at, char quote, GString *out)
{
  static const char names[] = "abfnrtv\\", values[] = "\a\b\f\n\r\t\v\\";
  gunichar value;
  int taken;
  if (*at == 0)
    return -1;
  const char *name = strchr (names, *at);
  if (name != NULL || *at == quote)
    {
      g_string_append_c (out, name != NULL ? values[name - names] : quote);
      return 1;
    }
  if (*at == 'x' || (*at >= '0' && *at <= '7'))
    {
      taken = *at == 'x' ? escape_digits (at + 1, 2, 16, &value) : escape_digits (at, 3, 8, &value);
      if (taken < 0 || value > 255)
        return -1;
      g_string_append_c (out, (char) value);
      return taken + (*at == 'x');
    }
  if (*at != 'u' && *at != 'U')
    return -1;
  taken = escape_digits (at + 1, *at == 'u' ? 4 : 8, 16, &value);
  if (taken < 0 || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
    return -1;
  g_string_append_unichar (out, value);
  return taken + 1;
}

static gboolean
lex_quoted (Lexer *lexer, Token *token, GError **error)
{
  const char quote = lexer->source[lexer->at++];
  const char *problem = quote == '\'' ? "unterminated character constant" : "unterminated quoted string";
  g_autoptr (GString) out = g_string_new (NULL);
  for (;;)
    {
      char c = lexer->source[lexer->at];
      if (c == 0 || c == '\n')
        return coracle_throw (error, CORACLE_ERROR_INVALID, "%s", problem);
      lexer->at++;
      if (c == quote)
        break;
      if (c != '\\')
        {
          g_string_append_c (out, c);
          continue;
        }
      int taken = unescape (lexer->source + lexer->at, quote, out);
      if (taken < 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid syntax");
      lexer->at += taken;
    }
  token->kind = TOKEN_LITERAL;
  if (quote == '"')
    {
      token->value = value_string_json (out->str, out->len);
      return TRUE;
    }
  gunichar c = out->len > 0 ? (out->str[0] == 0 ? 0 : g_utf8_get_char_validated (out->str, out->len)) : (gunichar) -1;
  if (c == (gunichar) -1 || c == (gunichar) -2 || (size_t) g_unichar_to_utf8 (c, NULL) != out->len)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "malformed character constant: '%s'", out->str);
  token->value = json_integer (c);
  return TRUE;
}

static gboolean
lex_raw (Lexer *lexer, Token *token, GError **error)
{
  const char *start = lexer->source + lexer->at + 1, *end = strchr (start, '`');
  if (end == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unterminated raw quoted string");
  token->kind = TOKEN_LITERAL;
  token->value = value_string_json (start, end - start);
  lexer->at = end + 1 - lexer->source;
  return TRUE;
}

/* "0x1f", "017", "0o17", "0b11", "1_000" */
static gboolean
integer_parse (const char *text, gint64 *ret)
{
  gboolean negative = *text == '-';
  if (*text == '-' || *text == '+')
    text++;
  int base = 10;
  if (text[0] == '0' && text[1] != 0)
    {
      char kind = g_ascii_tolower (text[1]);
      base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
      text += kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1;
    }
  guint64 value = 0;
  gboolean any = FALSE;
  for (; *text != 0; text++)
    {
      if (*text == '_')
        continue;
      int digit = g_ascii_xdigit_value (*text);
      if (digit < 0 || digit >= base || __builtin_mul_overflow (value, (guint64) base, &value) || __builtin_add_overflow (value, (guint64) digit, &value))
        return FALSE;
      any = TRUE;
    }
  if (!any || value > (guint64) G_MAXINT64)
    return FALSE;
  *ret = negative ? -(gint64) value : (gint64) value;
  return TRUE;
}

static gboolean
lex_number (Lexer *lexer, Token *token, GError **error)
{
  const char *start = lexer->source + lexer->at;
  size_t length = *start == '+' || *start == '-';
  gboolean hex = start[length] == '0' && g_ascii_tolower (start[length + 1]) == 'x';
  for (char before = 0;; before = start[length++])
    if (!g_ascii_isalnum (start[length]) && start[length] != '.' && start[length] != '_'
        && !((start[length] == '+' || start[length] == '-') && !hex && g_ascii_tolower (before) == 'e'))
      break;
  g_autofree char *text = g_strndup (start, length);
  token->kind = TOKEN_LITERAL;
  lexer->at += length;
  gint64 integer;
  if (integer_parse (text, &integer))
    {
      token->value = json_integer (integer);
      return TRUE;
    }
  char *end;
  double real = g_ascii_strtod (text, &end);
  if (*end == 0 && !hex && strpbrk (text, ".eE") != NULL && real - real == 0)
    {
      token->value = json_real (real);
      return TRUE;
    }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "bad number syntax: \"%s\"", text);
}

static size_t
word_length (const char *text)
{
  size_t length = 0;
  while (g_ascii_isalnum (text[length]) || text[length] == '_' || (guchar) text[length] >= 0x80)
    length++;
  return length;
}

static gboolean
lex_name (Lexer *lexer, Token *token, TokenKind kind, size_t prefix, GError **error)
{
  lexer->at += prefix + word_length (lexer->source + lexer->at + prefix);
  char next = lexer->source[lexer->at];
  if (next != 0 && !is_space (next) && strchr (".,|:()=}", next) == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "bad character U+%04X '%c'", (guchar) next, next);
  token->kind = kind;
  return TRUE;
}

static gboolean
lex_punctuation (Lexer *lexer, Token *token, GError **error)
{
  static const struct { char c; TokenKind kind; } marks[] = { { '|', TOKEN_PIPE }, { '(', TOKEN_LEFT }, { ')', TOKEN_RIGHT }, { '=', TOKEN_ASSIGN }, { ',', TOKEN_COMMA }, { '.', TOKEN_DOT } };
  char c = lexer->source[lexer->at++];
  for (size_t i = 0; i < G_N_ELEMENTS (marks); i++)
    if (marks[i].c == c)
      {
        token->kind = marks[i].kind;
        return TRUE;
      }
  if (c == ':' && lexer->source[lexer->at] == '=')
    {
      lexer->at++;
      token->kind = TOKEN_DECLARE;
      return TRUE;
    }
  if (c == ':')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "expected :=");
  gunichar character = g_utf8_get_char_validated (lexer->source + lexer->at - 1, -1);
  if (character == (gunichar) -1 || character == (gunichar) -2)
    character = 0xfffd;
  char text[7] = "";
  text[g_unichar_to_utf8 (character, text)] = 0;
  return coracle_throw (error, CORACLE_ERROR_INVALID, "unrecognized character in action: U+%04X '%s'", character, text);
}

/* The end of an action, with or without a trim marker. */
static gboolean
lex_close (Lexer *lexer, Token *token)
{
  gboolean trim = token->space_before && looking_at (lexer, lexer->at, "-}}");
  if (!trim && !looking_at (lexer, lexer->at, "}}"))
    return FALSE;
  lexer->at += trim ? 3 : 2;
  lexer->trim_next = trim;
  lexer->in_action = FALSE;
  token->kind = TOKEN_CLOSE;
  return TRUE;
}

static gboolean
lex_inside (Lexer *lexer, Token *token, GError **error)
{
  const char *at = lexer->source + lexer->at;
  gboolean sign = (at[0] == '+' || at[0] == '-') && (g_ascii_isdigit (at[1]) || at[1] == '.');
  if (*at == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unclosed action");
  if (*at == '"' || *at == '\'')
    return lex_quoted (lexer, token, error);
  if (*at == '`')
    return lex_raw (lexer, token, error);
  if (g_ascii_isdigit (*at) || sign || (*at == '.' && g_ascii_isdigit (at[1])))
    return lex_number (lexer, token, error);
  if (*at == '$')
    return lex_name (lexer, token, TOKEN_VARIABLE, 1, error);
  if (*at == '.' && word_length (at + 1) > 0)
    return lex_name (lexer, token, TOKEN_FIELD, 1, error);
  if (word_length (at) > 0)
    return lex_name (lexer, token, TOKEN_WORD, 0, error);
  return lex_punctuation (lexer, token, error);
}

/* Between actions: text, or the opening of the next action; comments vanish. */
static gboolean
lex_outside (Lexer *lexer, Token *token, GError **error)
{
  for (;;)
    {
      if (lex_text (lexer, token))
        return TRUE;
      token->kind = TOKEN_EOF;
      if (lexer->at == lexer->length)
        return TRUE;
      token->start = lexer->at;
      lexer->at += 2;
      if (lexer->source[lexer->at] == '-' && is_space (lexer->source[lexer->at + 1]))
        lexer->at += 2;
      if (looking_at (lexer, lexer->at, "/*"))
        {
          if (!skip_comment (lexer, error))
            return FALSE;
          continue;
        }
      lexer->in_action = TRUE;
      token->kind = TOKEN_OPEN;
      token->end = lexer->at;
      return TRUE;
    }
}

gboolean
lex_next (Lexer *lexer, Token *ret_token, GError **error)
{
  *ret_token = (Token) { .start = lexer->at };
  if (!lexer->in_action)
    return lex_outside (lexer, ret_token, error);
  while (is_space (lexer->source[lexer->at]))
    {
      lexer->at++;
      ret_token->space_before = TRUE;
    }
  ret_token->start = lexer->at;
  if (!lex_close (lexer, ret_token) && !lex_inside (lexer, ret_token, error))
    return FALSE;
  ret_token->end = lexer->at;
  return TRUE;
}
