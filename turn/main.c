#include "base/config.h"
#include "base/log.h"
#include "turn/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    config_list listen, relay, users, user_files, secrets, allow, deny, alternates;
    char *realm, *range, *cert, *key, *log;
    uint64_t lifetime, max_lifetime, permission_lifetime, channel_lifetime, nonce_lifetime;
    uint64_t user_quota, address_quota, total_quota, bandwidth, max_connections;
    bool no_software, version, help;
} settings;

static const char *check_level(const char *value)
{
    log_level level;
    return log_level_parse(str_of(value), &level) ? "not one of off, error, info, debug" : NULL;
}

static const char *check_listen(const char *value)
{
    turn_transport transport;
    addr at;
    return turn_server_parse(value, &transport, &at)
               ? "not of the form udp|tcp|tls:HOST:PORT with HOST an IPv4 or [IPv6] address"
               : NULL;
}

static const char *check_host(const char *value)
{
    addr at;
    return addr_parse_host(&at, str_of(value), 0) || addr_is_any(&at)
               ? "not an IPv4 or IPv6 address of this machine"
               : NULL;
}

static const char *check_range(const char *value)
{
    policy_range r;
    return policy_parse(str_of(value), &r) ? "not an address or range like 192.0.2.0/24" : NULL;
}

static const char *check_address(const char *value)
{
    addr at;
    return addr_parse(&at, str_of(value)) ? "not of the form HOST:PORT" : NULL;
}

/* "LOW-HIGH". 0, or -1. */
static int parse_ports(str text, uint16_t *low, uint16_t *high)
{
    uint64_t from, to;
    size_t dash = str_chr(text, '-', 0);
    if (dash == text.n || str_u64(str_sub(text, 0, dash), 65535, &from) ||
        str_u64(str_sub(text, dash + 1, text.n), 65535, &to) || from < 1024 || from > to)
        return -1;
    *low = (uint16_t)from;
    *high = (uint16_t)to;
    return 0;
}

static const char *check_ports(const char *value)
{
    uint16_t low, high;
    return parse_ports(str_of(value), &low, &high) ? "not LOW-HIGH within 1024-65535" : NULL;
}

static const char *check_realm(const char *value)
{
    return strlen(value) > 127 || strchr(value, '"') ? "longer than 127 bytes, or with quotes"
                                                     : NULL;
}

#define AT(member) offsetof(settings, member)
#define DAY 86400

static const config_option OPTIONS[] = {
    {"config", CONFIG_FILE, 0, 0, 0, "FILE", "read options from a file of name = value lines",
     NULL},
    {"listen", CONFIG_LIST, AT(listen), 0, 0, "PROTO:HOST:PORT",
     "serve clients there; PROTO is udp, tcp or tls; port 0: any", check_listen},
    {"relay-address", CONFIG_LIST, AT(relay), 0, 0, "IP",
     "relay from this address, one of each family; else from the first of --listen", check_host},
    {"port-range", CONFIG_TEXT, AT(range), 0, 0, "LOW-HIGH", "relayed ports; else 49152-65535",
     check_ports},
    {"realm", CONFIG_TEXT, AT(realm), 0, 0, "REALM", "realm of the credentials; else viaduct",
     check_realm},
    {"user", CONFIG_LIST, AT(users), 0, 0, "NAME:PASSWORD", "a user", NULL},
    {"users", CONFIG_LIST, AT(user_files), 0, 0, "FILE", "a file of NAME:PASSWORD lines", NULL},
    {"secret", CONFIG_LIST, AT(secrets), 0, 0, "SECRET",
     "shared secret of ephemeral users (TURN REST); several may be live", NULL},
    {"cert", CONFIG_TEXT, AT(cert), 0, 0, "FILE", "certificate chain (PEM)", NULL},
    {"key", CONFIG_TEXT, AT(key), 0, 0, "FILE", "private key of it (PEM)", NULL},
    {"allow-peer", CONFIG_LIST, AT(allow), 0, 0, "CIDR",
     "relay to peers there although refused by default (loopback, private, ...)", check_range},
    {"deny-peer", CONFIG_LIST, AT(deny), 0, 0, "CIDR", "never relay to peers there", check_range},
    {"alternate-server", CONFIG_LIST, AT(alternates), 0, 0, "IP:PORT",
     "send clients of that family there (300) instead of allocating", check_address},
    {"lifetime", CONFIG_NUMBER, AT(lifetime), 1, DAY, "SECONDS",
     "of an allocation that asks for less", NULL},
    {"max-lifetime", CONFIG_NUMBER, AT(max_lifetime), 1, DAY, "SECONDS",
     "that an allocation may ask for", NULL},
    {"permission-lifetime", CONFIG_NUMBER, AT(permission_lifetime), 1, DAY, "SECONDS",
     "300 by RFC 8656; others are for tests", NULL},
    {"channel-lifetime", CONFIG_NUMBER, AT(channel_lifetime), 1, DAY, "SECONDS",
     "600 by RFC 8656; others are for tests", NULL},
    {"nonce-lifetime", CONFIG_NUMBER, AT(nonce_lifetime), 1, 3600, "SECONDS",
     "then a request draws 438", NULL},
    {"user-quota", CONFIG_NUMBER, AT(user_quota), 0, 1 << 20, "N",
     "allocations of a user (486); 0: no limit", NULL},
    {"address-quota", CONFIG_NUMBER, AT(address_quota), 0, 1 << 20, "N",
     "allocations of a client address (486); 0: no limit", NULL},
    {"total-quota", CONFIG_NUMBER, AT(total_quota), 0, 1 << 20, "N",
     "allocations in all (508); 0: no limit", NULL},
    {"bandwidth", CONFIG_NUMBER, AT(bandwidth), 0, UINT32_MAX, "BYTES",
     "a second of one user, both ways; more is dropped; 0: no limit", NULL},
    {"max-connections", CONFIG_NUMBER, AT(max_connections), 1, 1 << 20, "N",
     "TCP and TLS connections at a time; more are closed at once", NULL},
    {"no-software", CONFIG_FLAG, AT(no_software), 0, 0, NULL, "do not say what this server is",
     NULL},
    {"log", CONFIG_TEXT, AT(log), 0, 0, "LEVEL", "off, error, info or debug; lines on stderr",
     check_level},
    {"version", CONFIG_FLAG, AT(version), 0, 0, NULL, "print the version", NULL},
    {"help", CONFIG_FLAG, AT(help), 0, 0, NULL, "print this", NULL},
    {0},
};

/* Puts an address in the place of its family. -1 when it is taken. */
static int place(addr where[2], const addr *a)
{
    addr *to = &where[a->family == AF_INET6];
    if (to->family)
        return -1;
    *to = *a;
    return 0;
}

/* Relay and alternate addresses. 0, or -1 with the reason printed. */
static int read_addresses(const settings *s, turn_options *o)
{
    addr a;
    turn_transport transport;
    for (size_t i = 0; i < s->relay.n; i++) {
        (void)addr_parse_host(&a, str_of(s->relay.v[i]), 0); /* checked with the options */
        if (place(o->relay, &a)) {
            fputs("--relay-address: a second one of a family\n", stderr);
            return -1;
        }
    }
    for (size_t i = 0; i < s->listen.n && s->relay.n == 0; i++) {
        (void)turn_server_parse(s->listen.v[i], &transport, &a);
        a.port = 0;
        if (!addr_is_any(&a))
            (void)place(o->relay, &a); /* the first counts */
    }
    for (size_t i = 0; i < s->alternates.n; i++) {
        (void)addr_parse(&a, str_of(s->alternates.v[i]));
        if (place(o->alternate, &a)) {
            fputs("--alternate-server: a second one of a family\n", stderr);
            return -1;
        }
    }
    if (!o->relay[0].family && !o->relay[1].family) {
        fputs("--relay-address: needed, as no --listen names an address\n", stderr);
        return -1;
    }
    return 0;
}

static int read_users(const settings *s, users *who)
{
    char err[512];
    const char *why = NULL;
    for (size_t i = 0; i < s->user_files.n; i++)
        if (users_file(who, s->user_files.v[i], err, sizeof(err))) {
            fprintf(stderr, "--users: %s\n", err);
            return -1;
        }
    for (size_t i = 0; i < s->users.n && !why; i++)
        why = users_add(who, str_of(s->users.v[i]));
    if (why) {
        fprintf(stderr, "--user: %s\n", why);
        return -1;
    }
    for (size_t i = 0; i < s->secrets.n && !why; i++)
        why = users_secret(who, s->secrets.v[i]);
    if (why) {
        fprintf(stderr, "--secret: %s\n", why);
        return -1;
    }
    if (who->n == 0 && who->secret_count == 0) {
        fputs("--user: nobody could use this server; give --user, --users or --secret\n", stderr);
        return -1;
    }
    return 0;
}

static void read_policy(const settings *s, policy *p)
{
    policy_range r;
    for (size_t i = 0; i < s->allow.n; i++)
        if (policy_parse(str_of(s->allow.v[i]), &r) == 0)
            policy_allow(p, &r);
    for (size_t i = 0; i < s->deny.n; i++)
        if (policy_parse(str_of(s->deny.v[i]), &r) == 0)
            policy_deny(p, &r);
}

/* What the options say of each other. NULL, or a reason. */
static const char *contradiction(const settings *s)
{
    bool secure = false;
    for (size_t i = 0; i < s->listen.n; i++)
        secure = secure || str_starts(str_of(s->listen.v[i]), STR("tls:"));
    if (s->listen.n == 0)
        return "--listen: nothing to listen on";
    if (!s->cert != !s->key)
        return s->cert ? "--cert: needs --key" : "--key: needs --cert";
    if (secure && !s->cert)
        return "--listen: tls needs --cert and --key";
    if (s->lifetime > s->max_lifetime)
        return "--lifetime: above --max-lifetime";
    return NULL;
}

static void stop(void *arg)
{
    loop_stop(arg);
}

static int serve(loop *l, const settings *s, const turn_options *o, tls *t)
{
    char err[256];
    int status = 0;
    turn_server *server = turn_server_new(l, o, s->max_connections);
    buf ready;
    buf_init(&ready, 1 << 16);
    for (size_t i = 0; i < s->listen.n && !status; i++) {
        char name[TURN_SERVER_NAME];
        if (turn_server_listen(server, s->listen.v[i], t, name, err, sizeof(err))) {
            fprintf(stderr, "--listen: %s\n", err);
            status = 1;
        } else {
            buf_printf(&ready, " %s", name);
        }
    }
    if (!status) {
        printf("viaduct-turn ready%.*s\n", STR_FMT(buf_slice(&ready)));
        fflush(stdout);
        loop_signal(l, SIGTERM, stop, l);
        loop_signal(l, SIGINT, stop, l);
        loop_run(l);
    }
    buf_free(&ready);
    turn_server_free(server);
    return status;
}

static int run(const settings *s)
{
    char err[256];
    int status = 2;
    users who;
    policy peers = {0};
    turn_options o;
    tls *t = NULL;
    loop *l = loop_new();
    turn_defaults(&o);
    users_init(&who, s->realm ? s->realm : "viaduct");
    read_policy(s, &peers);
    o.who = &who;
    o.peers = &peers;
    o.software = s->no_software ? NULL : "viaduct " VIADUCT_VERSION;
    o.lifetime = s->lifetime;
    o.max_lifetime = s->max_lifetime;
    o.permission_lifetime = s->permission_lifetime;
    o.channel_lifetime = s->channel_lifetime;
    o.nonce_lifetime = s->nonce_lifetime;
    o.user_quota = s->user_quota;
    o.address_quota = s->address_quota;
    o.total_quota = s->total_quota;
    o.bandwidth = s->bandwidth;
    if (s->range)
        (void)parse_ports(str_of(s->range), &o.low, &o.high); /* checked with the options */
    if (s->cert && !(t = tls_server(s->cert, s->key, NULL, err, sizeof(err))))
        fprintf(stderr, "--cert: %s\n", err);
    else if (read_addresses(s, &o) == 0 && read_users(s, &who) == 0)
        status = serve(l, s, &o, t);
    tls_free(t);
    users_free(&who);
    policy_free(&peers);
    loop_free(l);
    return status;
}

static int begin(const settings *s)
{
    const char *why;
    log_level level = LOG_OFF;
    if (s->help) {
        puts("viaduct-turn: STUN and TURN server on UDP, TCP and TLS");
        config_help(OPTIONS, stdout);
        return 0;
    }
    if (s->version) {
        puts("viaduct-turn " VIADUCT_VERSION);
        return 0;
    }
    if ((why = contradiction(s)) != NULL) {
        fprintf(stderr, "%s\n", why);
        return 2;
    }
    if (s->log)
        (void)log_level_parse(str_of(s->log), &level); /* checked with the options */
    log_set_level(level);
    return run(s);
}

int main(int argc, char **argv)
{
    char err[512];
    settings s = {.lifetime = 600,
                  .max_lifetime = 3600,
                  .permission_lifetime = 300,
                  .channel_lifetime = 600,
                  .nonce_lifetime = 3600,
                  .user_quota = 100,
                  .max_connections = 10000};
    int status = 2;
    signal(SIGPIPE, SIG_IGN);
    if (config_args(OPTIONS, &s, argc, argv, err, sizeof(err)))
        fprintf(stderr, "%s\n", err);
    else
        status = begin(&s);
    config_free(OPTIONS, &s);
    return status;
}
