#include "pkg/template/function.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/json/json.h"

static gboolean
give (Value *ret_value, GString *text, size_t limit, GError **error)
{
  if (text->len > limit)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "the result is longer than %zu bytes", limit);
  *ret_value = value_string (text->str, text->len);
  return TRUE;
}

static gboolean
give_bool (Value *ret_value, gboolean truth)
{
  *ret_value = value_own (json_boolean (truth));
  return TRUE;
}

static gboolean
want_string (const Value *arg, GError **error)
{
  if (value_is_string (arg))
    return TRUE;
  return coracle_throw (error, CORACLE_ERROR_INVALID, "wrong type for value; expected string; got %s", value_type_name (arg));
}

static gboolean
want_int (const Value *arg, json_int_t *ret, GError **error)
{
  if (!json_is_integer (arg->json))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "wrong type for value; expected int; got %s", value_type_name (arg));
  *ret = json_integer_value (arg->json);
  return TRUE;
}

/* ---- comparing */

typedef enum { BASIC_NONE, BASIC_NIL, BASIC_BOOL, BASIC_NUMBER, BASIC_STRING } Basic;

static Basic
basic_kind (const Value *value)
{
  if (value_is_nil (value))
    return BASIC_NIL;
  if (json_is_boolean (value->json))
    return BASIC_BOOL;
  if (json_is_number (value->json))
    return BASIC_NUMBER;
  return value_is_string (value) ? BASIC_STRING : BASIC_NONE;
}

/* -1, 0 or 1 for two numbers or two strings. */
static int
basic_order (const Value *a, const Value *b)
{
  if (json_is_string (a->json))
    {
      size_t length_a = json_string_length (a->json), length_b = json_string_length (b->json);
      int order = memcmp (json_string_value (a->json), json_string_value (b->json), MIN (length_a, length_b));
      return order != 0 ? order : (length_a > length_b) - (length_a < length_b);
    }
  if (json_is_integer (a->json) && json_is_integer (b->json))
    return (json_integer_value (a->json) > json_integer_value (b->json)) - (json_integer_value (a->json) < json_integer_value (b->json));
  double real_a = json_number_value (a->json), real_b = json_number_value (b->json);
  return (real_a > real_b) - (real_a < real_b);
}

static gboolean
basic_equal (const Value *a, const Value *b, gboolean *ret, GError **error)
{
  Basic kind_a = basic_kind (a), kind_b = basic_kind (b);
  if (kind_a == BASIC_NIL || kind_b == BASIC_NIL)
    *ret = kind_a == kind_b;
  else if (a->type == VALUE_TIME && b->type == VALUE_TIME)
    *ret = go_time_compare (&a->time, &b->time) == 0 && a->time.zone == b->time.zone && a->time.offset == b->time.offset;
  else if ((a->type == VALUE_TIME && kind_b != BASIC_NONE) || (b->type == VALUE_TIME && kind_a != BASIC_NONE))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "incompatible types for comparison");
  else if (kind_a == BASIC_NONE || kind_b == BASIC_NONE)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "non-comparable type %s", value_type_name (kind_a == BASIC_NONE ? a : b));
  else if (kind_a != kind_b)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "incompatible types for comparison");
  else
    *ret = kind_a == BASIC_BOOL ? json_is_true (a->json) == json_is_true (b->json) : basic_order (a, b) == 0;
  return TRUE;
}

static gboolean
call_eq (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  gboolean equal = FALSE;
  for (size_t i = 1; i < n_args && !equal; i++)
    if (!basic_equal (&args[0], &args[i], &equal, error))
      return FALSE;
  return give_bool (ret_value, equal);
}

static gboolean
call_ne (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  gboolean equal;
  return basic_equal (&args[0], &args[1], &equal, error) && give_bool (ret_value, !equal);
}

static gboolean
want_order (const Value *args, int *ret, GError **error)
{
  Basic kind = basic_kind (&args[0]);
  if (kind != BASIC_NUMBER && kind != BASIC_STRING)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid type for comparison");
  if (kind != basic_kind (&args[1]))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "incompatible types for comparison");
  *ret = basic_order (&args[0], &args[1]);
  return TRUE;
}

static gboolean
call_lt (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  int order;
  return want_order (args, &order, error) && give_bool (ret_value, order < 0);
}

static gboolean
call_le (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  int order;
  return want_order (args, &order, error) && give_bool (ret_value, order <= 0);
}

static gboolean
call_gt (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  int order;
  return want_order (args, &order, error) && give_bool (ret_value, order > 0);
}

static gboolean
call_ge (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  int order;
  return want_order (args, &order, error) && give_bool (ret_value, order >= 0);
}

static gboolean
call_not (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  return give_bool (ret_value, !value_truth (&args[0]));
}

/* ---- parts */

static gboolean
call_len (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  json_t *json = args[0].json;
  if (value_is_nil (&args[0]))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "len of nil pointer");
  if (!value_is_string (&args[0]) && !json_is_array (json) && !json_is_object (json))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "len of type %s", value_type_name (&args[0]));
  size_t length = json_is_string (json) ? json_string_length (json) : json_is_array (json) ? json_array_size (json) : json_object_size (json);
  *ret_value = value_own (json_integer ((json_int_t) length));
  return TRUE;
}

/* What a map of strings gives for a key it lacks is "", Go's zero value. */
static Value
missing_item (json_t *object)
{
  json_t *any = json_object_iter_value (json_object_iter (object));
  return any == NULL || json_is_string (any) ? value_string ("", 0) : value_own (NULL);
}

static gboolean
index_one (const Value *item, const Value *at, Value *ret_value, GError **error)
{
  json_t *json = item->json;
  if (value_is_nil (item) && item->is_map && json_is_string (at->json))
    {
      *ret_value = value_string ("", 0);   /* as of an empty map: scripts ask for labels where there are none */
      return TRUE;
    }
  if (value_is_nil (item))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "index of untyped nil");
  if (json_is_object (json))
    {
      if (!json_is_string (at->json))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "value has type %s; should be string", value_type_name (at));
      const char *key = json_string_value (at->json);
      json_t *found = json_object_get (json, key);
      *ret_value = found != NULL ? value_child (found, key) : missing_item (json);
      return TRUE;
    }
  if (!json_is_array (json) && !value_is_string (item))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "can't index item of type %s", value_type_name (item));
  if (!json_is_integer (at->json))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot index slice/array with type %s", value_type_name (at));
  json_int_t index = json_integer_value (at->json);
  size_t size = json_is_array (json) ? json_array_size (json) : json_string_length (json);
  if (index < 0 || (size_t) index >= size)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "index out of range: %" JSON_INTEGER_FORMAT, index);
  *ret_value = json_is_array (json) ? value_child (json_array_get (json, index), NULL) : value_own (json_integer ((guchar) json_string_value (json)[index]));
  return TRUE;
}

static gboolean
call_index (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  Value item = value_ref (&args[0]);
  for (size_t i = 1; i < n_args; i++)
    {
      Value next;
      gboolean ok = index_one (&item, &args[i], &next, error);
      value_clear (&item);
      if (!ok)
        return FALSE;
      item = next;
    }
  *ret_value = item;
  return TRUE;
}

static gboolean
call_slice (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  json_t *json = args[0].json;
  if (value_is_nil (&args[0]))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "slice of untyped nil");
  if (!json_is_array (json) && !value_is_string (&args[0]))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "can't slice item of type %s", value_type_name (&args[0]));
  if (json_is_string (json) && n_args > 3)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot 3-index slice a string");
  json_int_t size = (json_int_t) (json_is_array (json) ? json_array_size (json) : json_string_length (json));
  json_int_t bounds[3] = { 0, size, size };
  for (size_t i = 1; i < n_args; i++)
    {
      if (!want_int (&args[i], &bounds[i - 1], error))
        return FALSE;
      if (bounds[i - 1] < 0 || bounds[i - 1] > size)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "index out of range: %" JSON_INTEGER_FORMAT, bounds[i - 1]);
    }
  if (bounds[0] > bounds[1])
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid slice index: %" JSON_INTEGER_FORMAT " > %" JSON_INTEGER_FORMAT, bounds[0], bounds[1]);
  if (json_is_string (json))
    {
      *ret_value = value_string (json_string_value (json) + bounds[0], bounds[1] - bounds[0]);
      return TRUE;
    }
  json_t *part = json_array ();
  for (json_int_t i = bounds[0]; i < bounds[1]; i++)
    json_array_append (part, json_array_get (json, i));
  *ret_value = value_own (part);
  return TRUE;
}

/* ---- text */

static void
print_argument (GString *out, const Value *arg)
{
  value_print (out, arg, FALSE);
}

static gboolean
call_print (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);
  for (size_t i = 0; i < n_args && out->len <= limit; i++)
    {
      if (i > 0 && !value_is_string (&args[i]) && !value_is_string (&args[i - 1]))
        g_string_append_c (out, ' ');
      print_argument (out, &args[i]);
    }
  return give (ret_value, out, limit, error);
}

static gboolean
call_println (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);
  for (size_t i = 0; i < n_args && out->len <= limit; i++)
    {
      if (i > 0)
        g_string_append_c (out, ' ');
      print_argument (out, &args[i]);
    }
  g_string_append_c (out, '\n');
  return give (ret_value, out, limit, error);
}

static gboolean
call_printf (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  if (!want_string (&args[0], error))
    return FALSE;
  g_autoptr (GString) out = g_string_new (NULL);
  value_printf (out, json_string_value (args[0].json), json_string_length (args[0].json), args + 1, n_args - 1, limit);
  return give (ret_value, out, limit, error);
}

/* The arguments as `print` would join them: what html, js and urlquery escape. */
static GString *
argument_text (const Value *args, size_t n_args, size_t limit, GError **error)
{
  Value text = { NULL };
  if (!call_print (args, n_args, limit, &text, error))
    return NULL;
  GString *out = g_string_new_len (json_string_value (text.json), json_string_length (text.json));
  value_clear (&text);
  return out;
}

typedef void (*Escape) (GString *out, guchar c);

static void
escape_html (GString *out, guchar c)
{
  const char *entity = c == '"' ? "&#34;" : c == '\'' ? "&#39;" : c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == 0 ? "\xef\xbf\xbd" : NULL;
  if (entity != NULL)
    g_string_append (out, entity);
  else
    g_string_append_c (out, c);
}

static void
escape_js (GString *out, guchar c)
{
  if (c == '\\' || c == '\'' || c == '"')
    g_string_append_printf (out, "\\%c", c);
  else if (c < 0x20 || (c != 0 && strchr ("<>&=", c) != NULL))
    g_string_append_printf (out, "\\u%04X", c);
  else
    g_string_append_c (out, c);
}

static void
escape_query (GString *out, guchar c)
{
  if (g_ascii_isalnum (c) || (c != 0 && strchr ("-_.~", c) != NULL))
    g_string_append_c (out, c);
  else if (c == ' ')
    g_string_append_c (out, '+');
  else
    g_string_append_printf (out, "%%%02X", c);
}

static gboolean
call_escape (const Value *args, size_t n_args, size_t limit, Escape escape, Value *ret_value, GError **error)
{
  GString *text = argument_text (args, n_args, limit, error);
  if (text == NULL)
    return FALSE;
  g_autoptr (GString) out = g_string_sized_new (text->len);
  for (size_t i = 0; i < text->len; i++)
    escape (out, text->str[i]);
  g_string_free (text, TRUE);
  return give (ret_value, out, limit, error);
}

static gboolean
call_html (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  return call_escape (args, n_args, limit, escape_html, ret_value, error);
}

static gboolean
call_js (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  return call_escape (args, n_args, limit, escape_js, ret_value, error);
}

static gboolean
call_urlquery (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  return call_escape (args, n_args, limit, escape_query, ret_value, error);
}

static gboolean
call_json (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);
  json_write (out, args[0].json, 0, args[0].is_map ? JSON_TEXT_SORT : JSON_TEXT_DEFAULT);
  return give (ret_value, out, limit, error);
}

static gboolean
call_join (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  if (!want_string (&args[1], error))
    return FALSE;
  if (!json_is_array (args[0].json) && !value_is_nil (&args[0]))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "wrong type for value; expected []string; got %s", value_type_name (&args[0]));
  g_autoptr (GString) out = g_string_new (NULL);
  for (size_t i = 0; i < json_array_size (args[0].json) && out->len <= limit; i++)
    {
      if (i > 0)
        g_string_append (out, json_string_value (args[1].json));
      Value item = value_child (json_array_get (args[0].json, i), NULL);
      print_argument (out, &item);
      value_clear (&item);
    }
  return give (ret_value, out, limit, error);
}

static gboolean
call_split (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  if (!want_string (&args[0], error) || !want_string (&args[1], error))
    return FALSE;
  const char *at = json_string_value (args[0].json), *separator = json_string_value (args[1].json);
  if (strlen (at) > limit / 16)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "a string longer than %zu bytes", limit / 16);
  json_t *parts = json_array ();
  if (*separator == 0)
    for (; *at != 0; at = g_utf8_next_char (at))
      json_array_append_new (parts, value_string_json (at, g_utf8_next_char (at) - at));
  else
    for (const char *end = at; end != NULL; at = end != NULL ? end + strlen (separator) : at)
      {
        end = strstr (at, separator);
        json_array_append_new (parts, value_string_json (at, end != NULL ? (size_t) (end - at) : strlen (at)));
      }
  *ret_value = value_own (parts);
  return TRUE;
}

static gboolean
call_lower (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  if (!want_string (&args[0], error))
    return FALSE;
  g_autofree char *text = g_utf8_strdown (json_string_value (args[0].json), -1);
  *ret_value = value_string (text, strlen (text));
  return TRUE;
}

static gboolean
call_upper (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  if (!want_string (&args[0], error))
    return FALSE;
  g_autofree char *text = g_utf8_strup (json_string_value (args[0].json), -1);
  *ret_value = value_string (text, strlen (text));
  return TRUE;
}

static gboolean
call_title (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  if (!want_string (&args[0], error))
    return FALSE;
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean in_word = FALSE;
  for (const char *at = json_string_value (args[0].json); *at != 0; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      g_string_append_unichar (out, in_word ? c : g_unichar_totitle (c));
      in_word = g_unichar_isalnum (c) || c == '_' || c == '\'';
    }
  return give (ret_value, out, limit, error);
}

static gboolean
call_pad (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  json_int_t before = 0, after = 0;
  if (!want_string (&args[0], error) || !want_int (&args[1], &before, error) || !want_int (&args[2], &after, error))
    return FALSE;
  g_autoptr (GString) out = g_string_new (NULL);
  if (before < 0 || after < 0 || (guint64) before > limit || (guint64) after > limit)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "the result is longer than %zu bytes", limit);
  if (json_string_length (args[0].json) > 0)
    g_string_append_printf (out, "%*s%s%*s", (int) before, "", json_string_value (args[0].json), (int) after, "");
  return give (ret_value, out, limit, error);
}

static gboolean
call_truncate (const Value *args, size_t n_args, size_t limit, Value *ret_value, GError **error)
{
  json_int_t length = 0;
  if (!want_string (&args[0], error) || !want_int (&args[1], &length, error))
    return FALSE;
  const char *text = json_string_value (args[0].json);
  if (length < 0 || length >= g_utf8_strlen (text, -1))
    *ret_value = value_ref (&args[0]);
  else
    *ret_value = value_string (text, g_utf8_offset_to_pointer (text, length) - text);
  return TRUE;
}

const Function *
function_find (const char *name)
{
  static const Function functions[] = {
    { "and", 1, -1, NULL },          { "or", 1, -1, NULL },           { "not", 1, 1, call_not },         { "eq", 2, -1, call_eq },
    { "ne", 2, 2, call_ne },         { "lt", 2, 2, call_lt },         { "le", 2, 2, call_le },           { "gt", 2, 2, call_gt },
    { "ge", 2, 2, call_ge },         { "len", 1, 1, call_len },       { "index", 1, -1, call_index },    { "slice", 1, 4, call_slice },
    { "print", 0, -1, call_print },  { "printf", 1, -1, call_printf }, { "println", 0, -1, call_println }, { "html", 0, -1, call_html },
    { "js", 0, -1, call_js },        { "urlquery", 0, -1, call_urlquery }, { "json", 1, 1, call_json },  { "join", 2, 2, call_join },
    { "split", 2, 2, call_split },   { "lower", 1, 1, call_lower },   { "upper", 1, 1, call_upper },     { "title", 1, 1, call_title },
    { "pad", 3, 3, call_pad },       { "truncate", 2, 2, call_truncate },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (functions); i++)
    if (strcmp (functions[i].name, name) == 0)
      return &functions[i];
  return NULL;
}
