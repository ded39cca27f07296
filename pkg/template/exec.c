#include "pkg/template/exec.h"

#include <stdint.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/template/function.h"
#include "pkg/template/method.h"
#include "pkg/template/time_layout.h"

#define DEPTH_MAX 300                      /* blocks, parentheses and templates entered: the C stack pays for each */
#define WORK_MAX UINT64_C (5000000)        /* steps; 64 bytes made or read count as one */
#define STRING_MAX (16 * 1024 * 1024)      /* what one function may return */
#define BYTES_PER_STEP 64

typedef struct {
  const char *name;   /* borrowed from the tree */
  Value value;
} Variable;

typedef struct {
  const Tree *tree;
  const char *name;       /* of the whole, for errors */
  const char *template;   /* the one being run */
  const TemplateHeader *headers;
  GArray *variables;
  GString *out;
  guint64 work;
  int depth;
} Exec;

typedef enum { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_FAILED } Flow;

static gboolean
fail_at (Exec *exec, size_t start, size_t end, GError **error, const char *format, ...) G_GNUC_PRINTF (5, 6);

static gboolean
fail_at (Exec *exec, size_t start, size_t end, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  size_t column, line = tree_line (exec->tree->source, start, &column);
  g_autofree char *source = g_strndup (exec->tree->source + start, end - start);
  g_strchomp (source);
  return coracle_throw (error, CORACLE_ERROR_INVALID, "template: %s:%zu:%zu: executing \"%s\" at <%s>: %s", exec->name, line, column, exec->template, source, what);
}

static gboolean
work (Exec *exec, guint64 steps, GError **error)
{
  exec->work += steps;
  if (exec->work <= WORK_MAX)
    return TRUE;
  return coracle_throw (error, CORACLE_ERROR_INVALID, "template: %s: stopped: it runs for too long", exec->name);
}

static guint64
value_weight (const Value *value)
{
  if (json_is_string (value->json))
    return json_string_length (value->json) / BYTES_PER_STEP;
  return json_is_array (value->json) ? json_array_size (value->json) : json_object_size (value->json);
}

static gboolean
enter (Exec *exec, GError **error)
{
  if (++exec->depth <= DEPTH_MAX)
    return TRUE;
  return coracle_throw (error, CORACLE_ERROR_INVALID, "template: %s: exceeded maximum template depth (%d)", exec->name, DEPTH_MAX);
}

/* ---- variables */

static void
variable_push (Exec *exec, const char *name, const Value *value)
{
  Variable variable = { name, value_ref (value) };
  g_array_append_val (exec->variables, variable);
}

static void
variables_pop (Exec *exec, size_t mark)
{
  for (size_t i = mark; i < exec->variables->len; i++)
    value_clear (&g_array_index (exec->variables, Variable, i).value);
  g_array_set_size (exec->variables, mark);
}

static Value *
variable_find (Exec *exec, const char *name)
{
  for (size_t i = exec->variables->len; i > 0; i--)
    if (strcmp (g_array_index (exec->variables, Variable, i - 1).name, name) == 0)
      return &g_array_index (exec->variables, Variable, i - 1).value;
  return NULL;
}

static void
variable_bind (Exec *exec, const char *name, gboolean assign, const Value *value)
{
  Value *found = assign ? variable_find (exec, name) : NULL;
  if (found == NULL)
    {
      variable_push (exec, name, value);
      return;
    }
  Value old = *found;
  *found = value_ref (value);
  value_clear (&old);
}

/* ---- fields */

/* "CreatedAt" → "CREATED AT", "ImageID" → "IMAGE ID": a capital begins a word after a small letter, or before one. */
static char *
heading_for (const TemplateHeader *headers, const char *field)
{
  for (; headers != NULL && headers->field != NULL; headers++)
    if (strcmp (headers->field, field) == 0)
      return g_strdup (headers->heading);
  g_autoptr (GString) out = g_string_new (NULL);
  for (size_t i = 0; field[i] != 0; i++)
    {
      gboolean begins = i > 0 && g_ascii_isupper (field[i]) && (!g_ascii_isupper (field[i - 1]) || g_ascii_islower (field[i + 1]));
      if (begins || (i > 0 && g_ascii_isdigit (field[i]) && !g_ascii_isdigit (field[i - 1])))
        g_string_append_c (out, ' ');
      g_string_append_c (out, g_ascii_toupper (field[i]));
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* The same name but for case and '_'. */
static gboolean
names_alike (const char *a, const char *b)
{
  for (;;)
    {
      while (*a == '_')
        a++;
      while (*b == '_')
        b++;
      if (g_ascii_tolower (*a) != g_ascii_tolower (*b))
        return FALSE;
      if (*a == 0)
        return TRUE;
      a++;
      b++;
    }
}

/* @name of a value that has methods instead of fields, without an argument. */
static gboolean
method_get (Exec *exec, const Operand *operand, const Value *from, const char *name, Value *ret_value, GError **error)
{
  const Method *method = method_find (from->type, name);
  if (method == NULL)
    return fail_at (exec, operand->start, operand->end, error, "can't evaluate field %s in type %s", name, value_type_name (from));
  if (method->refusal != NULL)
    return fail_at (exec, operand->start, operand->end, error, "%s", method->refusal);
  if (method->argument != METHOD_NONE)
    return fail_at (exec, operand->start, operand->end, error, "wrong number of args for %s: want 1 got 0", name);
  method_call (method, from, NULL, ret_value);
  return work (exec, 1, error);
}

static gboolean
field_get (Exec *exec, const Operand *operand, const Value *from, const char *name, Value *ret_value, GError **error)
{
  if (from->heading)
    {
      g_autofree char *heading = heading_for (exec->headers, name);
      *ret_value = value_string (heading, strlen (heading));
      ret_value->heading = TRUE;
      return TRUE;
    }
  *ret_value = (Value) { NULL };
  if (from->type != VALUE_PLAIN)
    return method_get (exec, operand, from, name, ret_value, error);
  if (from->json == NULL || (from->is_map && json_is_null (from->json)))
    return TRUE;
  if (json_is_null (from->json))
    return fail_at (exec, operand->start, operand->end, error, "nil pointer evaluating interface {}.%s", name);
  json_t *found = json_object_get (from->json, name);
  if (found == NULL && !work (exec, json_object_size (from->json), error))
    return FALSE;
  for (void *iter = json_object_iter (from->json); found == NULL && !from->is_map && iter != NULL; iter = json_object_iter_next (from->json, iter))
    if (names_alike (json_object_iter_key (iter), name))
      found = json_object_iter_value (iter);
  *ret_value = value_field (from, found, name);
  if (ret_value->json == NULL && (!from->is_map || !json_is_object (from->json)))
    return fail_at (exec, operand->start, operand->end, error, "can't evaluate field %s in type %s", name, value_type_name (from));
  return work (exec, 1, error);
}

/* Walk @count of @operand's fields from *@value, which is replaced. */
static gboolean
chain_fields (Exec *exec, const Operand *operand, size_t count, Value *value, GError **error)
{
  for (size_t i = 0; i < count; i++)
    {
      Value next;
      if (!field_get (exec, operand, value, g_ptr_array_index (operand->fields, i), &next, error))
        return FALSE;
      value_clear (value);
      *value = next;
    }
  return TRUE;
}

/* ---- pipelines */

static gboolean eval_pipe (Exec *exec, const Pipe *pipe, const Value *dot, Value *ret_value, GError **error);
static gboolean call_function (Exec *exec, const Operand *first, const GPtrArray *operands, const Value *dot, const Value *piped, Value *ret_value, GError **error);

static gboolean
eval_head (Exec *exec, const Operand *operand, const Value *dot, Value *ret_value, GError **error)
{
  const Value *variable;
  *ret_value = (Value) { NULL };
  switch (operand->kind)
    {
    case OPERAND_DOT:
      *ret_value = value_ref (dot);
      return TRUE;
    case OPERAND_LITERAL:
      *ret_value = value_own (json_incref (operand->literal));
      return TRUE;
    case OPERAND_NIL:
      *ret_value = value_own (json_null ());
      return TRUE;
    case OPERAND_VARIABLE:
      if (!work (exec, exec->variables->len / 16, error))
        return FALSE;
      variable = variable_find (exec, operand->name);
      if (variable == NULL)
        return fail_at (exec, operand->start, operand->end, error, "undefined variable: %s", operand->name);
      *ret_value = value_ref (variable);
      return TRUE;
    case OPERAND_PIPE:
      return eval_pipe (exec, operand->pipe, dot, ret_value, error);
    default:
      return call_function (exec, operand, NULL, dot, NULL, ret_value, error);
    }
}

static gboolean
eval_operand (Exec *exec, const Operand *operand, const Value *dot, size_t fields, Value *ret_value, GError **error)
{
  if (!work (exec, 1, error) || !eval_head (exec, operand, dot, ret_value, error))
    return FALSE;
  if (chain_fields (exec, operand, fields, ret_value, error))
    return TRUE;
  value_clear (ret_value);
  return FALSE;
}

/* "and" and "or": the first argument that decides, else the last; what follows is not evaluated. */
static gboolean
call_logic (Exec *exec, gboolean is_or, const GPtrArray *operands, const Value *dot, const Value *piped, Value *ret_value, GError **error)
{
  *ret_value = (Value) { NULL };
  for (size_t i = 1; operands != NULL && i < operands->len; i++)
    {
      const Operand *operand = g_ptr_array_index (operands, i);
      value_clear (ret_value);
      if (!eval_operand (exec, operand, dot, operand->fields->len, ret_value, error))
        return FALSE;
      if ((ret_value->heading || value_truth (ret_value)) == is_or)
        return TRUE;
    }
  if (piped != NULL)
    {
      value_clear (ret_value);
      *ret_value = value_ref (piped);
    }
  return TRUE;
}

static void
clear_value (void *data)
{
  value_clear (data);
}

static gboolean
call_checked (Exec *exec, const Operand *first, size_t end, const Function *function, GArray *args, Value *ret_value, GError **error)
{
  const Value *values = (const Value *) (void *) args->data;
  guint64 weight = 1;
  const Value *heading = NULL;
  for (size_t i = 0; i < args->len; i++)
    {
      weight += value_weight (&values[i]);
      if (values[i].heading && heading == NULL)
        heading = &values[i];
    }
  if (!work (exec, weight, error))
    return FALSE;
  /* a heading passes through what would reshape its column's value */
  if (heading != NULL && !g_str_has_prefix (function->name, "print") && strcmp (function->name, "eq") != 0 && strcmp (function->name, "ne") != 0)
    {
      *ret_value = value_ref (heading);
      return TRUE;
    }
  g_autoptr (GError) problem = NULL;
  if (!function->call (values, args->len, STRING_MAX, ret_value, &problem))
    return fail_at (exec, first->start, end, error, "error calling %s: %s", function->name, problem->message);
  if (work (exec, value_weight (ret_value), error))
    return TRUE;
  value_clear (ret_value);
  return FALSE;
}

static gboolean
call_function (Exec *exec, const Operand *first, const GPtrArray *operands, const Value *dot, const Value *piped, Value *ret_value, GError **error)
{
  const Function *function = function_find (first->name);
  size_t end = operands != NULL ? ((const Operand *) g_ptr_array_index (operands, operands->len - 1))->end : first->end;
  int count = (operands != NULL ? (int) operands->len - 1 : 0) + (piped != NULL);
  if (function->max_args < 0 && count < function->min_args)
    return fail_at (exec, first->start, end, error, "wrong number of args for %s: want at least %d got %d", function->name, function->min_args, count);
  if (function->max_args >= 0 && (count < function->min_args || count > function->max_args))
    return fail_at (exec, first->start, end, error, "wrong number of args for %s: want %d got %d", function->name, function->max_args, count);
  if (function->call == NULL)
    return call_logic (exec, function->name[0] == 'o', operands, dot, piped, ret_value, error);
  g_autoptr (GArray) args = g_array_new (FALSE, FALSE, sizeof (Value));
  g_array_set_clear_func (args, clear_value);
  for (size_t i = 1; operands != NULL && i < operands->len; i++)
    {
      const Operand *operand = g_ptr_array_index (operands, i);
      Value value;
      if (!eval_operand (exec, operand, dot, operand->fields->len, &value, error))
        return FALSE;
      g_array_append_val (args, value);
    }
  if (piped != NULL)
    {
      Value value = value_ref (piped);
      g_array_append_val (args, value);
    }
  return call_checked (exec, first, end, function, args, ret_value, error);
}

/* Podman's one method with an argument: .Label "x". @object: what .Label was asked of. */
static void
call_label (const Value *object, const Value *key, Value *ret_value)
{
  json_t *labels = json_object_get (object->json, "Labels");
  json_t *label = json_is_string (key->json) ? json_object_get (labels, json_string_value (key->json)) : NULL;
  *ret_value = json_is_string (label) ? value_child (label, NULL) : value_string ("", 0);
}

/* Does @value, which came from @operand (NULL: from the pipeline), fit @method of @first? */
static gboolean
argument_fits (Exec *exec, const Operand *first, const Operand *operand, const Method *method, const Value *value, GError **error)
{
  static const char *const types[] = { [METHOD_STRING] = "string", [METHOD_TIME] = "time.Time", [METHOD_DURATION] = "time.Duration" };
  gboolean literal = operand != NULL && operand->kind == OPERAND_LITERAL, fits = method->argument == METHOD_STRING ? value_is_string (value) : value->type == VALUE_TIME;
  if (method->argument == METHOD_DURATION)
    fits = value->type == VALUE_DURATION || (literal && json_is_integer (value->json));
  if (method->argument == METHOD_STRING && json_string_length (value->json) > STRING_MAX / TIME_LAYOUT_GROWTH)
    return fail_at (exec, first->start, first->end, error, "error calling %s: the layout is longer than %d bytes", method->name, STRING_MAX / TIME_LAYOUT_GROWTH);
  if (fits)
    return TRUE;
  const Operand *at = operand != NULL ? operand : first;
  g_autofree char *source = g_strndup (exec->tree->source + at->start, at->end - at->start);
  g_strchomp (source);
  if (literal && method->argument == METHOD_TIME)
    return fail_at (exec, at->start, at->end, error, "can't handle %s for arg of type time.Time", source);
  if (literal)
    return fail_at (exec, at->start, at->end, error, "expected %s; found %s", method->argument == METHOD_STRING ? "string" : "integer", source);
  return fail_at (exec, at->start, at->end, error, "wrong type for value; expected %s; got %s", types[method->argument], value_type_name (value));
}

/* @name of @object, with @count arguments, of which the first is @value (from @operand, or piped). */
static gboolean
call_method (Exec *exec, const Operand *first, const char *name, const Value *object, const Operand *operand, const Value *value, size_t count, Value *ret_value, GError **error)
{
  const Method *method = method_find (object->type, name);
  if (object->heading && (strcmp (name, "Label") == 0 || method_find (VALUE_TIME, name) != NULL))
    return field_get (exec, first, object, name, ret_value, error);
  if (object->type == VALUE_PLAIN && strcmp (name, "Label") == 0 && count == 1)
    {
      call_label (object, value, ret_value);
      return TRUE;
    }
  if (object->type == VALUE_PLAIN)
    return fail_at (exec, first->start, first->end, error, "%s has arguments but cannot be invoked as function", name);
  if (method == NULL)
    return method_get (exec, first, object, name, ret_value, error);
  size_t wanted = method->argument == METHOD_NONE ? 0 : 1;
  if (count != wanted)
    return fail_at (exec, first->start, first->end, error, "wrong number of args for %s: want %zu got %zu", name, wanted, count);
  if (!argument_fits (exec, first, operand, method, value, error))
    return FALSE;
  method_call (method, object, value, ret_value);
  if (work (exec, 1 + value_weight (ret_value), error))
    return TRUE;
  value_clear (ret_value);
  return FALSE;
}

/* A field with arguments. */
static gboolean
eval_method (Exec *exec, const Command *command, const Value *dot, const Value *piped, Value *ret_value, GError **error)
{
  const Operand *first = g_ptr_array_index (command->operands, 0), *argument = command->operands->len > 1 ? g_ptr_array_index (command->operands, 1) : NULL;
  const char *name = first->fields->len > 0 ? g_ptr_array_index (first->fields, first->fields->len - 1) : NULL;
  size_t count = command->operands->len - 1 + (piped != NULL);
  if (name == NULL)
    return fail_at (exec, first->start, first->end, error, "can't give argument to non-function %.*s", (int) (first->end - first->start), exec->tree->source + first->start);
  Value object = { NULL }, value = { NULL };
  gboolean ok = eval_operand (exec, first, dot, first->fields->len - 1, &object, error);
  if (ok && argument != NULL)
    ok = eval_operand (exec, argument, dot, argument->fields->len, &value, error);
  else if (ok)
    value = value_ref (piped);
  ok = ok && call_method (exec, first, name, &object, argument, &value, count, ret_value, error);
  value_clear (&object);
  value_clear (&value);
  return ok;
}

static gboolean
eval_command (Exec *exec, const Command *command, const Value *dot, const Value *piped, Value *ret_value, GError **error)
{
  const Operand *first = g_ptr_array_index (command->operands, 0);
  if (first->kind == OPERAND_FUNCTION && first->fields->len == 0)
    return call_function (exec, first, command->operands, dot, piped, ret_value, error);
  if (command->operands->len > 1 || piped != NULL)
    return eval_method (exec, command, dot, piped, ret_value, error);
  return eval_operand (exec, first, dot, first->fields->len, ret_value, error);
}

/* The value alone, without its variables: what range needs. */
static gboolean
eval_commands (Exec *exec, const Pipe *pipe, const Value *dot, Value *ret_value, GError **error)
{
  if (!enter (exec, error))
    return FALSE;
  Value value = { NULL };
  for (size_t i = 0; i < pipe->commands->len; i++)
    {
      Value next = { NULL };
      gboolean ok = eval_command (exec, g_ptr_array_index (pipe->commands, i), dot, i > 0 ? &value : NULL, &next, error);
      value_clear (&value);
      if (!ok)
        return FALSE;
      value = next;
    }
  exec->depth--;
  *ret_value = value;
  return TRUE;
}

static gboolean
eval_pipe (Exec *exec, const Pipe *pipe, const Value *dot, Value *ret_value, GError **error)
{
  if (!eval_commands (exec, pipe, dot, ret_value, error))
    return FALSE;
  for (size_t i = 0; i < pipe->variables->len; i++)
    variable_bind (exec, g_ptr_array_index (pipe->variables, i), pipe->assign, ret_value);
  return TRUE;
}

/* ---- nodes */

static Flow exec_list (Exec *exec, const GPtrArray *list, const Value *dot, GError **error);

static Flow
exec_action (Exec *exec, const Node *node, const Value *dot, GError **error)
{
  Value value;
  if (!eval_pipe (exec, node->pipe, dot, &value, error))
    return FLOW_FAILED;
  size_t before = exec->out->len;
  if (node->pipe->variables->len == 0 && value.json == NULL)
    g_string_append (exec->out, value.heading ? "" : "<no value>");
  else if (node->pipe->variables->len == 0)
    value_print (exec->out, &value, FALSE);
  value_clear (&value);
  return work (exec, (exec->out->len - before) / BYTES_PER_STEP, error) ? FLOW_NEXT : FLOW_FAILED;
}

static Flow
exec_branch (Exec *exec, const Node *node, const Value *dot, GError **error)
{
  Value value;
  if (!eval_pipe (exec, node->pipe, dot, &value, error))
    return FLOW_FAILED;
  Flow flow = FLOW_NEXT;
  if (value.heading || value_truth (&value))
    flow = exec_list (exec, node->body, node->kind == NODE_WITH ? &value : dot, error);
  else if (node->otherwise != NULL)
    flow = exec_list (exec, node->otherwise, dot, error);
  value_clear (&value);
  return flow;
}

/* One turn of a range. */
static Flow
range_turn (Exec *exec, const Node *node, json_t *key, const Value *item, GError **error)
{
  const GPtrArray *names = node->pipe->variables;
  size_t mark = exec->variables->len;
  Value index = value_own (key);
  if (names->len > 1)
    variable_bind (exec, g_ptr_array_index (names, 0), node->pipe->assign, &index);
  if (names->len > 0)
    variable_bind (exec, g_ptr_array_index (names, names->len - 1), node->pipe->assign, item);
  value_clear (&index);
  Flow flow = exec_list (exec, node->body, item, error);
  variables_pop (exec, mark);
  return flow;
}

static Flow
range_list (Exec *exec, const Node *node, const Value *list, GError **error)
{
  for (size_t i = 0; i < json_array_size (list->json); i++)
    {
      Value item = value_child (json_array_get (list->json, i), NULL);
      item.no_times = list->no_times;
      Flow flow = range_turn (exec, node, json_integer ((json_int_t) i), &item, error);
      value_clear (&item);
      if (flow == FLOW_BREAK)
        break;
      if (flow == FLOW_FAILED)
        return flow;
    }
  return FLOW_NEXT;
}

static Flow
range_object (Exec *exec, const Node *node, json_t *object, GError **error)
{
  size_t count;
  if (!work (exec, json_object_size (object), error))
    return FLOW_FAILED;
  g_autofree const char **keys = value_keys (object, &count);
  for (size_t i = 0; i < count; i++)
    {
      Value item = value_child (json_object_get (object, keys[i]), keys[i]);
      Flow flow = range_turn (exec, node, json_string (keys[i]), &item, error);
      value_clear (&item);
      if (flow == FLOW_BREAK)
        break;
      if (flow == FLOW_FAILED)
        return flow;
    }
  return FLOW_NEXT;
}

static Flow
range_number (Exec *exec, const Node *node, json_int_t end, GError **error)
{
  for (json_int_t i = 0; i < end; i++)
    {
      Value item = value_own (json_integer (i));
      Flow flow = range_turn (exec, node, json_integer (i), &item, error);
      value_clear (&item);
      if (flow == FLOW_BREAK)
        break;
      if (flow == FLOW_FAILED)
        return flow;
    }
  return FLOW_NEXT;
}

/* Over whatever @value is; *@ret_empty: there was nothing in it. */
static Flow
range_over (Exec *exec, const Node *node, const Value *value, gboolean *ret_empty, GError **error)
{
  json_t *json = value->json;
  *ret_empty = FALSE;
  if (value->heading)
    return range_turn (exec, node, json_integer (0), value, error) == FLOW_FAILED ? FLOW_FAILED : FLOW_NEXT;
  *ret_empty = value_is_nil (value) || (json_is_array (json) && json_array_size (json) == 0) || (json_is_object (json) && json_object_size (json) == 0)
               || (json_is_integer (json) && json_integer_value (json) <= 0);
  if (*ret_empty)
    return FLOW_NEXT;
  if (json_is_array (json))
    return range_list (exec, node, value, error);
  if (json_is_object (json))
    return range_object (exec, node, json, error);
  if (json_is_integer (json))
    return range_number (exec, node, json_integer_value (json), error);
  g_autoptr (GString) text = g_string_new (NULL);
  value_print (text, value, FALSE);
  fail_at (exec, node->start, node->end, error, "range can't iterate over %s", text->str);
  return FLOW_FAILED;
}

static Flow
exec_range (Exec *exec, const Node *node, const Value *dot, GError **error)
{
  Value value;
  if (!eval_commands (exec, node->pipe, dot, &value, error))
    return FLOW_FAILED;
  gboolean empty;
  Flow flow = range_over (exec, node, &value, &empty, error);
  value_clear (&value);
  if (flow == FLOW_NEXT && empty && node->otherwise != NULL)
    return exec_list (exec, node->otherwise, dot, error);
  return flow;
}

static Flow
exec_template (Exec *exec, const Node *node, const Value *dot, GError **error)
{
  const GPtrArray *body = g_hash_table_lookup (exec->tree->templates, node->text);
  if (body == NULL)
    {
      fail_at (exec, node->start, node->end, error, "template \"%s\" not defined", node->text);
      return FLOW_FAILED;
    }
  Value value = { NULL };
  if (node->pipe != NULL && !eval_pipe (exec, node->pipe, dot, &value, error))
    return FLOW_FAILED;
  GArray *outer = exec->variables;
  const char *template = exec->template;
  exec->variables = g_array_new (FALSE, FALSE, sizeof (Variable));
  exec->template = node->text;
  variable_push (exec, "$", &value);
  Flow flow = exec_list (exec, body, &value, error);
  variables_pop (exec, 0);
  g_array_unref (exec->variables);
  exec->variables = outer;
  exec->template = template;
  value_clear (&value);
  return flow;
}

static Flow
exec_node (Exec *exec, const Node *node, const Value *dot, GError **error)
{
  switch (node->kind)
    {
    case NODE_TEXT:
      g_string_append_len (exec->out, node->text, node->text_length);
      return work (exec, node->text_length / BYTES_PER_STEP, error) ? FLOW_NEXT : FLOW_FAILED;
    case NODE_ACTION:
      return exec_action (exec, node, dot, error);
    case NODE_IF:
    case NODE_WITH:
      return exec_branch (exec, node, dot, error);
    case NODE_RANGE:
      return exec_range (exec, node, dot, error);
    case NODE_TEMPLATE:
      return exec_template (exec, node, dot, error);
    case NODE_BREAK:
      return FLOW_BREAK;
    default:
      return FLOW_CONTINUE;
    }
}

/* A block's variables (those of an if's or with's own pipeline included) end with it. */
static Flow
exec_block (Exec *exec, const Node *node, const Value *dot, GError **error)
{
  if (node->kind == NODE_ACTION || node->kind == NODE_TEXT)
    return exec_node (exec, node, dot, error);
  size_t mark = exec->variables->len;
  Flow flow = exec_node (exec, node, dot, error);
  variables_pop (exec, mark);
  return flow;
}

static Flow
exec_list (Exec *exec, const GPtrArray *list, const Value *dot, GError **error)
{
  if (!work (exec, 1, error) || !enter (exec, error))
    return FLOW_FAILED;
  size_t mark = exec->variables->len;
  Flow flow = FLOW_NEXT;
  for (size_t i = 0; i < list->len && flow == FLOW_NEXT; i++)
    flow = work (exec, 1, error) ? exec_block (exec, g_ptr_array_index (list, i), dot, error) : FLOW_FAILED;
  variables_pop (exec, mark);
  exec->depth--;
  return flow;
}

gboolean
tree_exec (const Tree *tree, const char *name, const Value *dot, const TemplateHeader *headers, GString *out, GError **error)
{
  Exec exec = { .tree = tree, .name = name, .template = name, .headers = headers, .out = out };
  exec.variables = g_array_new (FALSE, FALSE, sizeof (Variable));
  variable_push (&exec, "$", dot);
  Flow flow = exec_list (&exec, tree->root, dot, error);
  variables_pop (&exec, 0);
  g_array_unref (exec.variables);
  return flow != FLOW_FAILED;
}
