/* The messages of scenarios/torture against expected.yaml: parser, framing, and a response to each
 * request that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip/framing.h"
#include "sip/message.h"
#include "sip/route.h"
#include "sip/write.h"

#define DIR "scenarios/torture/"
enum { ENTRIES = 61 };

typedef struct entry {
    char file[64], kind[16], parse[16], stream[16], outcome[32];
} entry;

static entry entries[ENTRIES];
static size_t n_entries;

static char *slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s cannot be opened", path);
    char *bytes = malloc(65536);
    assert_non_null(bytes);
    *n = fread(bytes, 1, 65536, f);
    assert_int_equal(fclose(f), 0);
    return bytes;
}

static void take(const char *line, const char *key, char *out, size_t n)
{
    const char *at = strstr(line, key);
    if (at == NULL || (at != line + 2))
        return;
    (void)snprintf(out, n, "%s", at + strlen(key));
    out[strcspn(out, "\n")] = '\0';
}

static int read_expected(void **state)
{
    (void)state;
    FILE *f = fopen(DIR "expected.yaml", "r");
    char line[200];
    entry *e = NULL;
    if (f == NULL)
        return -1;
    while (fgets(line, sizeof(line), f)) {
        if (strncmp(line, "- file: ", 8) == 0) {
            assert_true(n_entries < ENTRIES);
            e = &entries[n_entries++];
        }
        if (e == NULL)
            continue;
        take(line, "file: ", e->file, sizeof(e->file));
        take(line, "kind: ", e->kind, sizeof(e->kind));
        take(line, "parse: ", e->parse, sizeof(e->parse));
        take(line, "stream: ", e->stream, sizeof(e->stream));
        take(line, "outcome: ", e->outcome, sizeof(e->outcome));
    }
    return fclose(f) || n_entries != ENTRIES;
}

static void parsing_ends_as_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_entries; i++) {
        const entry *e = &entries[i];
        char path[128], line[128] = "accepted";
        sip_message m;
        sip_refusal why;
        size_t n;
        (void)snprintf(path, sizeof(path), DIR "%s", e->file);
        char *bytes = slurp(path, &n);
        int r = sip_message_parse((str){bytes, n}, SIP_DATAGRAM, &m, &why);
        if (r)
            sip_refusal_print(&why, line, sizeof(line));
        print_message("%s: %s\n", e->file, line);
        assert_int_equal(m.request, strcmp(e->kind, "request") == 0);
        assert_int_equal(r, strcmp(e->parse, "accept") == 0 ? 0 : -1);
        if (r && strcmp(e->outcome, "[drop]") == 0)
            assert_int_equal(why.status, 0);
        else if (r)
            assert_int_equal(why.status, strtoul(e->outcome + 1, NULL, 10));
        if (r && why.status) {
            buf out;
            sip_message answer;
            buf_init(&out, 65536);
            assert_int_equal(
                sip_write_response(&out, &m, why.status, str_of(line), STR("t"), STR(""), STR("")),
                0);
            (void)sip_message_parse(buf_slice(&out), SIP_STREAM, &answer, NULL);
            assert_int_equal(answer.status, why.status);
            assert_non_null(sip_message_field(&answer, SIP_VIA));
            buf_free(&out);
        }
        free(bytes);
    }
}

static void streams_end_as_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_entries; i++) {
        const entry *e = &entries[i];
        static const size_t steps[] = {1, 7, 65536};
        for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
            const size_t step = steps[k];
            char path[128];
            sip_framing f;
            sip_framing_event ev = {0};
            size_t n;
            bool got = false;
            (void)snprintf(path, sizeof(path), DIR "%s", e->file);
            char *bytes = slurp(path, &n);
            sip_framing_init(&f, SIP_FRAMING_SERVER, 16384, 65536);
            for (size_t at = 0; at < n && !got; at += step) {
                str piece = {bytes + at, n - at < step ? n - at : step};
                got = sip_framing_next(&f, &piece, &ev);
            }
            if (strcmp(e->stream, "wait") == 0) {
                assert_false(got);
                assert_true(sip_framing_midway(&f));
            } else {
                assert_true(got);
                assert_int_equal(ev.kind, strcmp(e->stream, "ok") == 0 ? SIP_FRAMING_MESSAGE
                                                                       : SIP_FRAMING_ERROR);
                assert_true(ev.data.n > 0 && memcmp(ev.data.p, bytes, ev.data.n) == 0);
            }
            sip_framing_free(&f);
            free(bytes);
        }
    }
}

/* Single facts that the documents point out. */
static void details_are_as_told(void **state)
{
    (void)state;
    static const struct {
        const char *file, *user, *host;
        unsigned port;
    } rows[] = {
        {"wsinv.sip", "vivekg", "chair-dnrc.example.com", 0},
        {"intmeth.sip", "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*", "example.com", 0},
        {"esc01.sip", "sips%3Auser%40example.com", "example.net", 0},
        {"semiuri.sip", "user;par=u%40example.net", "example.com", 0},
        {"port-ambiguous.sip", "", "2001:db8::10:5070", 0},
        {"port-unambiguous.sip", "", "2001:db8::10", 5070},
        {"ipv6-bug-abnf-3-colons.sip", "user", "2001:db8:::192.0.2.1", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[128];
        sip_message m;
        size_t n;
        (void)snprintf(path, sizeof(path), DIR "%s", rows[i].file);
        char *bytes = slurp(path, &n);
        assert_int_equal(sip_message_parse((str){bytes, n}, SIP_DATAGRAM, &m, NULL), 0);
        assert_true(str_eq(m.uri.user, str_of(rows[i].user)));
        assert_true(str_eq(m.uri.host.text, str_of(rows[i].host)));
        assert_int_equal(m.uri.port, rows[i].port);
        free(bytes);
    }
}

static void vias_and_contacts_are_as_told(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        sip_header id;
        size_t values;
        int last; /* result of parsing the last one as an address */
    } rows[] = {
        {"wsinv.sip", SIP_VIA, 3, -1},        {"longreq.sip", SIP_VIA, 34, -1},
        {"transports.sip", SIP_VIA, 5, -1},   {"escnull.sip", SIP_CONTACT, 2, 0},
        {"esc02.sip", SIP_CONTACT, 2, 0},     {"regbadct.sip", SIP_CONTACT, 1, -1},
        {"badinv01.sip", SIP_CONTACT, 1, -1}, {"cparam01.sip", SIP_CONTACT, 1, 0},
        {"wsinv.sip", SIP_CONTACT, 1, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[128];
        sip_message m;
        size_t n, count = 0;
        str item, last = {NULL, 0};
        sip_addr addr;
        sip_via via;
        (void)snprintf(path, sizeof(path), DIR "%s", rows[i].file);
        char *bytes = slurp(path, &n);
        (void)sip_message_parse((str){bytes, n}, SIP_DATAGRAM, &m, NULL);
        assert_int_equal(sip_route_count(&m, rows[i].id), rows[i].values);
        sip_values v = sip_values_of(&m, rows[i].id);
        while (sip_values_next(&v, &item) == 1) {
            last = item;
            count++;
            if (rows[i].id == SIP_VIA)
                assert_int_equal(sip_via_parse(item, &via, NULL), 0);
        }
        assert_int_equal(count, rows[i].values);
        assert_int_equal(sip_addr_parse(last, &addr, NULL), rows[i].last);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing_ends_as_expected),
        cmocka_unit_test(streams_end_as_expected),
        cmocka_unit_test(details_are_as_told),
        cmocka_unit_test(vias_and_contacts_are_as_told),
    };
    return cmocka_run_group_tests_name("torture", tests, read_expected, NULL);
}
