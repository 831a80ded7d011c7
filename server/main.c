#include "base/config.h"
#include "base/log.h"
#include "base/sock.h"
#include "fault/fault.h"
#include "proxy/service.h"
#include "sip/host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct settings {
    config_list listen, domains, ws_paths, faults;
    char *cert, *key, *ca, *www, *trace, *log, *dns;
    uint64_t ws_ping, max_message, max_connections, min_expires, max_expires, default_expires;
    bool list_faults, version, help;
} settings;

static const char *check_level(const char *value)
{
    log_level level;
    return log_level_parse(str_of(value), &level) ? "not one of off, error, info, debug" : NULL;
}

static const char *check_fault(const char *value)
{
    if (!fault_compiled())
        return "this build has no faults: configure it with -DVIADUCT_FAULTS=ON";
    for (size_t i = 0; fault_at(i); i++)
        if (strcmp(fault_at(i)->name, value) == 0)
            return NULL;
    return "no such fault: see --list-faults";
}

static const char *check_path(const char *value)
{
    return value[0] == '/' ? NULL : "not a path: it must begin with /";
}

static const char *check_directory(const char *value)
{
    struct stat st;
    return stat(value, &st) == 0 && S_ISDIR(st.st_mode) ? NULL : "not a directory";
}

static const char *check_domain(const char *value)
{
    sip_host host;
    str text = str_of(value);
    return sip_host_parse(text, &host) == text.n ? NULL : "not a host name or address";
}

#define AT(member) offsetof(settings, member)

static const config_option OPTIONS[] = {
    {"config", CONFIG_FILE, 0, 0, 0, "FILE", "read options from a file of name = value lines",
     NULL},
    {"listen", CONFIG_LIST, AT(listen), 0, 0, "PROTO:HOST:PORT",
     "listen; PROTO is udp, tcp, tls, ws, wss, plain or secure (front doors); port 0: any",
     listener_check},
    {"domain", CONFIG_LIST, AT(domains), 0, 0, "NAME", "a domain this server is responsible for",
     check_domain},
    {"cert", CONFIG_TEXT, AT(cert), 0, 0, "FILE", "certificate chain (PEM)", NULL},
    {"key", CONFIG_TEXT, AT(key), 0, 0, "FILE", "private key of it (PEM)", NULL},
    {"ca", CONFIG_TEXT, AT(ca), 0, 0, "FILE", "authorities that other servers are verified by",
     NULL},
    {"www", CONFIG_TEXT, AT(www), 0, 0, "DIR", "directory of the client page", check_directory},
    {"trace", CONFIG_TEXT, AT(trace), 0, 0, "FILE", "write everything as a trace (JSON lines)",
     NULL},
    {"log", CONFIG_TEXT, AT(log), 0, 0, "LEVEL", "off, error, info or debug; lines on stderr",
     check_level},
    {"dns", CONFIG_TEXT, AT(dns), 0, 0, "IP:PORT", "name server to ask instead of the system's",
     NULL},
    {"ws-path", CONFIG_LIST, AT(ws_paths), 0, 0, "PATH",
     "path of WebSocket handshakes; any if none", check_path},
    {"ws-ping", CONFIG_NUMBER, AT(ws_ping), 0, 3600, "SECONDS",
     "Ping on WebSocket flows idle that long; 0: none", NULL},
    {"max-message", CONFIG_NUMBER, AT(max_message), 1024, 16 << 20, "BYTES", "largest SIP message",
     NULL},
    {"max-connections", CONFIG_NUMBER, AT(max_connections), 1, 1 << 20, "N",
     "connections served at a time; more are closed at once", NULL},
    {"min-expires", CONFIG_NUMBER, AT(min_expires), 0, 3600, "SECONDS",
     "shortest registration; shorter wishes are refused (423)", NULL},
    {"max-expires", CONFIG_NUMBER, AT(max_expires), 1, UINT32_MAX, "SECONDS",
     "longest registration; longer wishes are cut", NULL},
    {"default-expires", CONFIG_NUMBER, AT(default_expires), 1, UINT32_MAX, "SECONDS",
     "registration that states no time", NULL},
    {"fault", CONFIG_LIST, AT(faults), 0, 0, "NAME", "deviate in a named way (for tests of tests)",
     check_fault},
    {"list-faults", CONFIG_FLAG, AT(list_faults), 0, 0, NULL,
     "print NAME, requirement and meaning of each fault", NULL},
    {"version", CONFIG_FLAG, AT(version), 0, 0, NULL, "print the version", NULL},
    {"help", CONFIG_FLAG, AT(help), 0, 0, NULL, "print this", NULL},
    {0},
};

static int list_faults(void)
{
    if (!fault_compiled()) {
        fputs("--list-faults: this build has no faults: configure it with -DVIADUCT_FAULTS=ON\n",
              stderr);
        return 2;
    }
    for (size_t i = 0; fault_at(i); i++)
        printf("%s\t%s\t%s\n", fault_at(i)->name, fault_at(i)->requirement, fault_at(i)->text);
    return 0;
}

static bool is_secure(const char *spec)
{
    listener_kind kind;
    addr at;
    return !listener_parse(spec, &kind, &at) &&
           (kind == LISTEN_TLS || kind == LISTEN_WSS || kind == LISTEN_SECURE);
}

/* What the options say of each other. NULL, or a reason. */
static const char *contradiction(const settings *s)
{
    bool secure = false;
    for (size_t i = 0; i < s->listen.n; i++)
        secure = secure || is_secure(s->listen.v[i]);
    if (s->listen.n == 0)
        return "--listen: nothing to listen on";
    if (!s->cert != !s->key)
        return s->cert ? "--cert: needs --key" : "--key: needs --cert";
    if (secure && !s->cert)
        return "--listen: tls, wss and secure need --cert and --key";
    if (s->min_expires > s->max_expires)
        return "--min-expires: above --max-expires";
    return NULL;
}

static void stop(void *arg)
{
    loop_stop(arg);
}

static int listen_all(transport *t, const settings *s)
{
    char err[256];
    for (size_t i = 0; i < s->listen.n; i++)
        if (!transport_listen(t, s->listen.v[i], err, sizeof(err))) {
            fprintf(stderr, "--listen: %s\n", err);
            return -1;
        }
    transport_record_header(t, NULL);
    fputs("viaduct-server ready", stdout);
    for (size_t i = 0; i < transport_listeners(t); i++)
        printf(" %s", transport_listener(t, i)->name);
    putchar('\n');
    fflush(stdout);
    return 0;
}

static int serve(loop *l, const settings *s, service_options *o)
{
    char err[256];
    int status = 1;
    service *sv = service_new(l, o, err, sizeof(err));
    if (!sv) {
        fprintf(stderr, "%s\n", err);
        return 2;
    }
    if (!listen_all(service_transport(sv), s)) {
        loop_signal(l, SIGTERM, stop, l);
        loop_signal(l, SIGINT, stop, l);
        loop_run(l);
        status = 0;
    }
    service_free(sv);
    return status;
}

/* Opens what the options name, serves, and closes it again. */
static int run(const settings *s)
{
    char err[256] = "";
    int status = 2;
    loop *l = loop_new();
    const char **paths = calloc(s->ws_paths.n + 1, sizeof(*paths));
    service_options o = {.transport = {.max_message = s->max_message,
                                       .max_connections = s->max_connections,
                                       .ws_ping_ms = (unsigned)(s->ws_ping * 1000),
                                       .ws_paths = s->ws_paths.n ? paths : NULL,
                                       .www = s->www},
                         .proxy = {.domains = s->domains,
                                   .min_expires = s->min_expires,
                                   .max_expires = s->max_expires,
                                   .default_expires = s->default_expires,
                                   .max_message = s->max_message},
                         .dns = s->dns};
    for (size_t i = 0; paths && i < s->ws_paths.n; i++)
        paths[i] = s->ws_paths.v[i];
    tls *server = NULL, *client = NULL;
    recorder *trace = NULL;
    if (!paths) {
        fputs("out of memory\n", stderr);
    } else if (s->cert && !(server = tls_server(s->cert, s->key, NULL, err, sizeof(err)))) {
        fprintf(stderr, "--cert, --key: %s\n", err);
    } else if (!(client = tls_client(s->ca, err, sizeof(err)))) {
        fprintf(stderr, "--ca: %s\n", err);
    } else if (s->trace && !(trace = recorder_open(l, s->trace, "server", err, sizeof(err)))) {
        fprintf(stderr, "--trace: %s\n", err);
    } else {
        o.transport.server = server;
        o.transport.client = client;
        o.transport.trace = trace;
        status = serve(l, s, &o);
    }
    if (trace && recorder_close(trace)) {
        fprintf(stderr, "--trace: %s could not be written in full\n", s->trace);
        status = 1;
    }
    tls_free(server);
    tls_free(client);
    free(paths);
    loop_free(l);
    return status;
}

static int begin(const settings *s)
{
    const char *why;
    log_level level = LOG_OFF;
    if (s->help) {
        puts("viaduct-server: SIP proxy and registrar on UDP, TCP, TLS, WS and WSS");
        config_help(OPTIONS, stdout);
        return 0;
    }
    if (s->version) {
        puts("viaduct-server " VIADUCT_VERSION);
        return 0;
    }
    if (s->list_faults)
        return list_faults();
    if ((why = contradiction(s)) != NULL) {
        fprintf(stderr, "%s\n", why);
        return 2;
    }
    if (s->log)
        (void)log_level_parse(str_of(s->log), &level); /* checked with the options */
    log_set_level(level);
    (void)sock_raise_limit(); /* a descriptor for each connection; running out is met in accept() */
    for (size_t i = 0; i < s->faults.n; i++)
        (void)fault_enable(s->faults.v[i]); /* likewise */
    return run(s);
}

int main(int argc, char **argv)
{
    char err[512];
    settings s = {.max_message = 65535,
                  .max_connections = 10000,
                  .min_expires = 60,
                  .max_expires = 7200,
                  .default_expires = 3600};
    int status = 2;
    signal(SIGPIPE, SIG_IGN);
    if (config_args(OPTIONS, &s, argc, argv, err, sizeof(err)))
        fprintf(stderr, "%s\n", err);
    else
        status = begin(&s);
    config_free(OPTIONS, &s);
    return status;
}
