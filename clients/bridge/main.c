/* viaduct-bridge: lets a SIP tool that knows only UDP and TCP speak TLS, WS and WSS. Options and
 * wiring; see README.md beside this file. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "bridge/bridge.h"

typedef struct options {
    bool help, version, insecure, binary;
    char *listen, *connect, *ca, *cert, *key, *subprotocol, *keepalive, *record, *at, *log;
} options;

#define TEXT(name, field, argument, help)                                                          \
    {                                                                                              \
        name, CONFIG_TEXT, offsetof(options, field), 0, 0, argument, help, NULL                    \
    }
#define FLAG(name, field, help)                                                                    \
    {                                                                                              \
        name, CONFIG_FLAG, offsetof(options, field), 0, 0, NULL, help, NULL                        \
    }

static const config_option table[] = {
    TEXT("listen", listen, "PROTO:HOST:PORT",
         "where the tool connects: udp, tcp; also tls, ws, wss"),
    TEXT("connect", connect, "URL", "where its messages go: tls://HOST:PORT, ws://HOST:PORT/PATH,"),
    TEXT("ca", ca, "FILE",
         "certificates that the far end's must come from (default: the system's)"),
    FLAG("insecure", insecure, "accept any certificate"),
    TEXT("cert", cert, "FILE", "own certificate: of a tls or wss listener, or as a TLS client"),
    TEXT("key", key, "FILE", "its private key"),
    TEXT("subprotocol", subprotocol, "NAME", "of WebSocket, or 'none' (default: sip)"),
    FLAG("binary", binary, "send every message as binary; else text where it is UTF-8"),
    TEXT("keepalive", keepalive, "KIND:SECONDS",
         "crlf:SECONDS or ping:SECONDS, on the network side"),
    TEXT("record", record, "FILE", "write a trace of the network side, as JSON lines"),
    TEXT("at", at, "NAME", "name of the vantage in the trace (default: bridge)"),
    TEXT("log", log, "LEVEL", "off, error, info or debug, on stderr (default: error)"),
    FLAG("version", version, "print the version and end"),
    FLAG("help", help, "print this and end"),
    {0},
};

static void help(void)
{
    puts("viaduct-bridge --listen PROTO:HOST:PORT --connect URL [OPTIONS]\n"
         "\n"
         "Lets a SIP tool without TLS and WebSocket speak TLS, WS and WSS: each connection of the\n"
         "tool (over UDP: each source address) gets a connection of its own to the far end, and\n"
         "messages pass between them in both directions, byte for byte.\n");
    config_help(table, stdout);
    puts(
        "\nURL: udp, tcp, tls, ws or wss. With a tls, ws or wss listener and a udp or tcp URL the\n"
        "bridge stands before a tool that is called. When it listens it prints\n"
        "  viaduct-bridge ready LISTEN CONNECT\n"
        "with the actual port. SIGTERM and SIGINT end it.\n"
        "\n"
        "Example:\n"
        "  viaduct-bridge --listen tcp:127.0.0.1:5070 --connect wss://sip.example/ws --ca ca.pem\n"
        "  sipp -t t1 -sf call.xml 127.0.0.1:5070");
}

static int refuse(const char *why)
{
    fprintf(stderr, "%s\n", why);
    return 2;
}

static int refuse_option(const char *name, const char *why)
{
    fprintf(stderr, "--%s: %s\n", name, why);
    return 2;
}

/* "crlf:30", "ping:0.5": milliseconds. 0, or -1. */
static int read_keepalive(const char *text, side_settings *set)
{
    const char *colon = strchr(text, ':');
    char *end = NULL;
    if (!colon)
        return -1;
    str kind = {text, (size_t)(colon - text)};
    double seconds = strtod(colon + 1, &end);
    if (*end || end == colon + 1 || !(seconds >= 0.001 && seconds <= 86400))
        return -1;
    if (str_eq(kind, STR("crlf")))
        set->keepalive = SIDE_KEEP_CRLF;
    else if (str_eq(kind, STR("ping")))
        set->keepalive = SIDE_KEEP_PING;
    else
        return -1;
    set->keepalive_ms = (uint64_t)(seconds * 1000);
    return 0;
}

/* TLS contexts as far as the two places need them. */
static int prepare_tls(const options *o, const place *listen, const place *connect,
                       side_settings *set)
{
    static const char *const http[] = {"http/1.1", NULL};
    char err[512];
    if ((o->cert == NULL) != (o->key == NULL))
        return refuse_option(o->cert ? "key" : "cert", "missing: certificate and key go together");
    if (place_is_secure(listen->kind)) {
        if (!o->cert)
            return refuse_option("cert", "missing, but a tls or wss listener needs one");
        set->server = tls_server(o->cert, o->key, NULL, err, sizeof(err));
        if (!set->server)
            return refuse(err);
    }
    if (place_is_secure(connect->kind)) {
        set->client = tls_client(o->ca, err, sizeof(err));
        if (!set->client)
            return refuse(err);
        if (o->insecure)
            tls_trust_all(set->client);
        if (o->cert && !set->server &&
            tls_use_certificate(set->client, o->cert, o->key, err, sizeof(err)))
            return refuse(err);
        if (connect->kind == PLACE_WSS)
            tls_offer(set->client, http);
    }
    return 0;
}

static int prepare(const options *o, place *listen, place *connect, side_settings *set)
{
    char err[PLACE_TEXT + 128];
    log_level level = LOG_ERROR;
    if (!o->listen)
        return refuse_option("listen", "missing");
    if (!o->connect)
        return refuse_option("connect", "missing");
    if (place_parse(listen, o->listen, true, err, sizeof(err)))
        return refuse_option("listen", err);
    if (place_parse(connect, o->connect, false, err, sizeof(err)))
        return refuse_option("connect", err);
    if (!connect->path[0] && place_is_websocket(connect->kind))
        (void)snprintf(connect->path, sizeof(connect->path), "/");
    if (o->log && log_level_parse(str_of(o->log), &level))
        return refuse_option("log", "neither off, error, info nor debug");
    log_set_level(level);
    if (o->keepalive && read_keepalive(o->keepalive, set))
        return refuse_option("keepalive", "neither crlf:SECONDS nor ping:SECONDS");
    if (set->keepalive == SIDE_KEEP_PING && !place_is_websocket(listen->kind) &&
        !place_is_websocket(connect->kind))
        return refuse_option("keepalive", "ping needs WebSocket");
    set->binary = o->binary;
    set->subprotocol = o->subprotocol ? str_of(o->subprotocol) : STR("sip");
    if (str_eq(set->subprotocol, STR("none")))
        set->subprotocol = (str){NULL, 0};
    return prepare_tls(o, listen, connect, set);
}

/* The far end is the system under test, unless it is the tool. */
static int start_trace(const options *o, const place *listen, const place *connect,
                       side_settings *set)
{
    char err[512], sut[ADDR_TEXT + 8], at[ADDR_TEXT];
    if (!o->record)
        return 0;
    set->trace = recorder_open(set->l, o->record, o->at ? o->at : "bridge", err, sizeof(err));
    if (!set->trace)
        return refuse_option("record", err);
    (void)snprintf(sut, sizeof(sut), "%s:%s", place_kind_name(connect->kind),
                   addr_print(&connect->at, at));
    const char *const list[] = {sut, NULL};
    bool called = !place_is_tool(listen->kind) && place_is_tool(connect->kind);
    recorder_header(set->trace, called ? NULL : list, NULL);
    return 0;
}

typedef struct running {
    bridge *b;
    loop *l;
} running;

static void on_done(void *arg)
{
    running *r = arg;
    loop_stop(r->l);
}

static void on_signal(void *arg)
{
    running *r = arg;
    bridge_stop(r->b, on_done, r);
}

static int run(place *listen, const place *connect, side_settings *set)
{
    char err[PLACE_TEXT + 256], near[PLACE_TEXT], far[PLACE_TEXT];
    running r = {.l = set->l};
    r.b = bridge_start(set, listen, connect, err, sizeof(err));
    if (!r.b) {
        fprintf(stderr, "%s\n", err);
        return 1;
    }
    loop_signal(set->l, SIGTERM, on_signal, &r);
    loop_signal(set->l, SIGINT, on_signal, &r);
    printf("viaduct-bridge ready %s %s\n", place_print(listen, near), place_print(connect, far));
    (void)fflush(stdout);
    loop_run(set->l);
    bridge_free(r.b);
    return 0;
}

int main(int argc, char **argv)
{
    static place listen, connect;
    options o = {0};
    side_settings set = {0};
    char err[512];
    int result = 0;
    if (config_args(table, &o, argc, argv, err, sizeof(err))) {
        result = refuse(err);
    } else if (o.help) {
        help();
    } else if (o.version) {
        puts("viaduct-bridge " VIADUCT_VERSION);
    } else {
        set.l = loop_new();
        result = prepare(&o, &listen, &connect, &set);
        if (!result)
            result = start_trace(&o, &listen, &connect, &set);
        if (!result)
            result = run(&listen, &connect, &set);
        if (recorder_close(set.trace)) {
            fprintf(stderr, "--record: %s could not be written to the end\n", o.record);
            result = result ? result : 1;
        }
        loop_free(set.l);
        tls_free(set.client);
        tls_free(set.server);
    }
    config_free(table, &o);
    return result;
}
