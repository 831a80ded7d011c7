/* Options: one table serves the command line (`--name value`, `--name=value`, flags `--name`) and
 * files of `name = value` lines (`#` starts a comment, a flag's value is yes or no). Values land in
 * a struct of the caller at the offset that the table gives. Single values are replaced by a later
 * one, lists grow. Reasons are complete lines without a newline: "FILE:LINE: reason" or
 * "--name: reason". */
#ifndef VIADUCT_BASE_CONFIG_H
#define VIADUCT_BASE_CONFIG_H

#include <stdio.h>

#include "base/str.h"

typedef struct config_list {
    char **v; /* NUL-terminated texts */
    size_t n;
} config_list;

typedef enum config_kind {
    CONFIG_FLAG,   /* bool */
    CONFIG_TEXT,   /* char *, NULL until set */
    CONFIG_NUMBER, /* uint64_t, decimal within min..max */
    CONFIG_LIST,   /* config_list, one text per occurrence */
    CONFIG_FILE,   /* command line only: reads that file at this point; offset unused */
} config_kind;

typedef struct config_option {
    const char *name; /* without the dashes */
    config_kind kind;
    size_t offset;        /* offsetof() in the caller's struct */
    uint64_t min, max;    /* of CONFIG_NUMBER */
    const char *argument; /* its name in the help text, NULL for a flag */
    const char *help;
    const char *(*check)(const char *value); /* may be NULL; a reason when the value will not do */
} config_option;

/* into: the caller's struct, zeroed or holding number defaults; free with config_free(). 0, or -1
 * and the reason in err; what was read before the error is kept. The table ends with name NULL.
 * Arguments that are no options are an error. */
int config_args(const config_option *table, void *into, int argc, char *const *argv, char *err,
                size_t errn);
int config_file(const config_option *table, void *into, const char *path, char *err, size_t errn);
/* The text of a file; name is what errors call it. */
int config_text(const config_option *table, void *into, str text, const char *name, char *err,
                size_t errn);
void config_help(const config_option *table, FILE *to);   /* one aligned line per option */
void config_free(const config_option *table, void *into); /* texts and lists, set to empty */

#endif
