#include "base/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

enum { FILE_MAX = 1 << 20 };

/* Where a setting comes from, for the reasons; where: "--" or "FILE:LINE: ". */
typedef struct source {
    const config_option *table;
    void *into;
    char *err;
    size_t errn;
    char where[300];
    bool file;
} source;

static int refuse(const source *s, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(const source *s, const char *name, const char *fmt, ...)
{
    char reason[400];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(reason, sizeof(reason), fmt, args);
    va_end(args);
    (void)snprintf(s->err, s->errn, "%s%s: %s", s->where, name, reason);
    return -1;
}

static const config_option *find(const config_option *table, str name)
{
    for (; table->name; table++)
        if (str_eq(name, str_of(table->name)))
            return table;
    return NULL;
}

static void *field(const source *s, const config_option *o)
{
    return (char *)s->into + o->offset;
}

static int set_flag(const source *s, const config_option *o, str value)
{
    bool yes = str_eq(value, STR("yes"));
    if (!yes && !str_eq(value, STR("no")))
        return refuse(s, o->name, "'%.*s' is neither yes nor no", STR_FMT(value));
    *(bool *)field(s, o) = yes;
    return 0;
}

static int set_number(const source *s, const config_option *o, str value)
{
    uint64_t n;
    if (str_u64(value, o->max, &n) || n < o->min)
        return refuse(s, o->name, "'%.*s' is no number from %llu to %llu", STR_FMT(value),
                      (unsigned long long)o->min, (unsigned long long)o->max);
    *(uint64_t *)field(s, o) = n;
    return 0;
}

static void add(config_list *l, char *value)
{
    l->v = mem_realloc(l->v, (l->n + 1) * sizeof(*l->v));
    l->v[l->n++] = value;
}

static int set(const source *s, const config_option *o, str value)
{
    if (o->kind == CONFIG_FLAG)
        return set_flag(s, o, value);
    if (value.n == 0)
        return refuse(s, o->name, "needs %s", o->argument ? o->argument : "a value");
    if (memchr(value.p, 0, value.n))
        return refuse(s, o->name, "has a NUL byte");
    if (o->kind == CONFIG_NUMBER)
        return set_number(s, o, value);
    if (o->kind == CONFIG_FILE && s->file)
        return refuse(s, o->name, "is for the command line only");
    char *text = str_dup(value);
    const char *reason = o->check ? o->check(text) : NULL;
    int result = 0;
    if (reason) {
        result = refuse(s, o->name, "%s: '%s'", reason, text);
        free(text);
    } else if (o->kind == CONFIG_FILE) {
        result = config_file(s->table, s->into, text, s->err, s->errn);
        free(text);
    } else if (o->kind == CONFIG_LIST) {
        add(field(s, o), text);
    } else {
        char **to = field(s, o);
        free(*to);
        *to = text;
    }
    return result;
}

int config_args(const config_option *table, void *into, int argc, char *const *argv, char *err,
                size_t errn)
{
    source s = {.table = table, .into = into, .err = err, .errn = errn, .where = "--"};
    for (int i = 1; i < argc; i++) {
        str word = str_of(argv[i]);
        if (!str_starts(word, STR("--")) || word.n == 2) {
            (void)snprintf(err, errn, "'%s': not an option", argv[i]);
            return -1;
        }
        word = str_sub(word, 2, word.n);
        size_t equals = str_chr(word, '=', 0);
        str name = str_sub(word, 0, equals), value = STR("yes");
        const config_option *o = find(table, name);
        if (!o) {
            (void)snprintf(err, errn, "--%.*s: unknown option", STR_FMT(name));
            return -1;
        }
        if (equals < word.n)
            value = str_sub(word, equals + 1, word.n);
        else if (o->kind != CONFIG_FLAG)
            value = i + 1 < argc ? str_of(argv[++i]) : (str){NULL, 0};
        if (set(&s, o, value))
            return -1;
    }
    return 0;
}

int config_text(const config_option *table, void *into, str text, const char *name, char *err,
                size_t errn)
{
    source s = {.table = table, .into = into, .err = err, .errn = errn, .file = true};
    unsigned number = 0;
    for (size_t at = 0; at < text.n;) {
        size_t end = str_chr(text, '\n', at);
        str line = str_sub(text, at, end - at);
        at = end + 1;
        number++;
        line = str_trim(str_sub(line, 0, str_chr(line, '#', 0)));
        if (line.n == 0)
            continue;
        (void)snprintf(s.where, sizeof(s.where), "%.250s:%u: ", name, number);
        size_t equals = str_chr(line, '=', 0);
        str key = str_trim(str_sub(line, 0, equals));
        if (equals == line.n) {
            (void)snprintf(err, errn, "%s'%.*s' is not of the form name = value", s.where,
                           STR_FMT(str_sub(line, 0, 100)));
            return -1;
        }
        const config_option *o = find(table, key);
        if (!o) {
            (void)snprintf(err, errn, "%sunknown name '%.*s'", s.where,
                           STR_FMT(str_sub(key, 0, 100)));
            return -1;
        }
        if (set(&s, o, str_trim(str_sub(line, equals + 1, line.n))))
            return -1;
    }
    return 0;
}

int config_file(const config_option *table, void *into, const char *path, char *err, size_t errn)
{
    FILE *f = fopen(path, "re");
    if (!f) {
        (void)snprintf(err, errn, "%s: %s", path, strerror(errno));
        return -1;
    }
    buf text;
    buf_init(&text, FILE_MAX);
    char piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        buf_add(&text, piece, n);
    int result = -1;
    if (ferror(f))
        (void)snprintf(err, errn, "%s: cannot be read", path);
    else if (buf_failed(&text))
        (void)snprintf(err, errn, "%s: longer than %d bytes", path, FILE_MAX);
    else
        result = config_text(table, into, buf_slice(&text), path, err, errn);
    fclose(f);
    buf_free(&text);
    return result;
}

void config_help(const config_option *table, FILE *to)
{
    for (; table->name; table++) {
        char left[80];
        (void)snprintf(left, sizeof(left), "--%s%s%s%s", table->name, table->argument ? " " : "",
                       table->argument ? table->argument : "",
                       table->kind == CONFIG_LIST ? " ..." : "");
        fprintf(to, "  %-30s %s\n", left, table->help);
    }
}

void config_free(const config_option *table, void *into)
{
    source s = {.table = table, .into = into};
    for (; table->name; table++) {
        if (table->kind == CONFIG_TEXT) {
            char **text = field(&s, table);
            free(*text);
            *text = NULL;
        } else if (table->kind == CONFIG_LIST) {
            config_list *l = field(&s, table);
            for (size_t i = 0; i < l->n; i++)
                free(l->v[i]);
            free(l->v);
            *l = (config_list){NULL, 0};
        }
    }
}
