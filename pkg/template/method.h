/* method: the methods of Go's time.Time, time.Duration, time.Month and time.Weekday that a template can call. Private to pkg/template. */
#pragma once

#include "pkg/template/value.h"

typedef enum {
  METHOD_NONE,       /* no argument */
  METHOD_STRING,
  METHOD_TIME,
  METHOD_DURATION,   /* a literal integer will do: nanoseconds */
} MethodArgument;

typedef struct {
  ValueType of;
  const char *name;
  MethodArgument argument;
  json_int_t (*number) (const Value *self);   /* it gives an integer, of type @gives … */
  ValueType gives;
  gboolean (*truth) (const Value *self, const Value *argument);                 /* … or a boolean … */
  void (*call) (const Value *self, const Value *argument, Value *ret_value);    /* … or anything else … */
  const char *refusal;                                                          /* … or nothing a template could use: why */
} Method;

/* method_find: NULL if values of that type have none of that @name. Names are exact. */
const Method *method_find (ValueType of, const char *name);
/* method_call: @argument: checked; NULL for METHOD_NONE. @self must be of the method's type; not for one that is refused. */
void method_call (const Method *method, const Value *self, const Value *argument, Value *ret_value);
