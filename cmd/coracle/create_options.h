/* create_options: the flags that say what a container is to be: those of run and create. */
#pragma once

#include "pkg/cli/cli.h"
#include "pkg/engine/container_options.h"

extern const CliOption create_options[];

/* create_options_read: from parsed words. Errors: INVALID flags that exclude each other, no image. */
ContainerOptions *create_options_read (const CliContext *context, const CliArgs *args, GError **error);

/* create_notice: a ContainerNotice: one line on standard error, unless @data, NULL or the CliArgs of create or run, has --quiet. */
void create_notice (const char *text, void *data);
