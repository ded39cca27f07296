/* later: what Podman has and this version has not yet, so that a refusal can say which of the two it is: misspelt, or to come. */
#pragma once

/* later_command: whether Podman has a command @word in @group ("" for the program itself). For words that were not found here. */
int later_command (const char *group, const char *word);

/* later_flag: the name, without dashes, of the flag of Podman's `run` that @message calls unknown (the parser's words, "unknown flag: --detach" or
 * "unknown shorthand flag: 'd' in -d"); NULL if Podman does not know it either. *@ret_instead: what does the same here, or NULL. Both static.
 * @path: the command as the user called it, "podman container run"; those but run have none. */
const char *later_flag (const char *path, const char *message, const char **ret_instead);
