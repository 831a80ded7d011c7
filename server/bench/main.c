/* sip-load: offers REGISTERs, MESSAGEs or calls to a SIP server at a given rate, and counts.
 *
 * It opens one connection per user, registers all, prints "registered N", waits for a line on
 * standard input, runs, prints one line of JSON and holds the connections until standard input
 * ends. Whoever starts it measures the server in between. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/agent.h"

enum { EVENTS = 256, OUTSTANDING = 100 };
static const double give_up_after = 4.0; /* seconds for one operation */

struct run {
    struct load load;
    struct agent *agents;
    unsigned users, callers; /* the callers are agents 0..callers-1, each calls the agent `callers`
                                further on */
    int epoll;
    enum agent_op op;
    double rate;    /* operations per second */
    uint64_t count; /* operations in all */
    unsigned next;  /* where the search for an idle caller goes on */
    uint64_t started, late;
};

static void fatal(int status, const char *what, const char *why)
{
    fprintf(stderr, "sip-load: %s: %s\n", what, why);
    exit(status);
}

static void usage(FILE *to)
{
    fputs("Usage: sip-load --op register|message|call --from KIND:ADDRESS:PORT [--to "
          "KIND:ADDRESS:PORT]\n"
          "                [--users N] [--rate PER-SECOND] [--count N] [--domain NAME]\n"
          "KIND is udp, tcp, tls, ws or wss; ADDRESS is a loopback IPv4 address. --from is the "
          "side that\n"
          "calls, --to (the same when not given) the side that is called; half of the users are on "
          "each.\n",
          to);
}

static enum link_kind parse_endpoint(const char *text, struct sockaddr_in *server)
{
    char kind[8], address[32];
    unsigned port;
    *server = (struct sockaddr_in){.sin_family = AF_INET};
    if (sscanf(text, "%7[a-z]:%31[0-9.]:%u", kind, address, &port) != 3 || link_kind_of(kind) < 0 ||
        port > 65535 || inet_pton(AF_INET, address, &server->sin_addr) != 1)
        fatal(2, text, "not KIND:ADDRESS:PORT");
    if ((ntohl(server->sin_addr.s_addr) >> 24) != 127)
        fatal(2, text, "only loopback addresses are loaded");
    server->sin_port = htons((uint16_t)port);
    return (enum link_kind)link_kind_of(kind);
}

/* Handles what arrives within the given milliseconds. */
static void pump(struct run *run, int timeout)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(run->epoll, events, EVENTS, timeout);
    for (int i = 0; i < n; i++)
        if (agent_read(events[i].data.ptr))
            fatal(3, "connection", "closed by the server");
}

static unsigned expire(struct run *run, unsigned from, unsigned to)
{
    unsigned busy = 0;
    double now = agent_now();
    for (unsigned i = from; i < to; i++) {
        struct agent *agent = &run->agents[i];
        if (agent->busy && now - agent->started > give_up_after)
            agent_give_up(agent);
        busy += agent->busy;
    }
    return busy;
}

static void start(struct run *run, unsigned index, enum agent_op op)
{
    if (agent_start(&run->agents[index], op, index + run->callers))
        fatal(3, "send", strerror(errno));
}

static void register_all(struct run *run)
{
    for (unsigned i = 0; i < run->users; i++) {
        start(run, i, OP_REGISTER);
        while (i + 1 - (run->load.finished + run->load.failed) >= OUTSTANDING) {
            pump(run, 10);
            (void)expire(run, 0, i + 1);
        }
    }
    while (expire(run, 0, run->users))
        pump(run, 10);
    if (run->load.failed)
        fatal(3, "registration", "some users could not register");
}

static void offer(struct run *run)
{
    unsigned pool = run->op == OP_REGISTER ? run->users : run->callers;
    double begin = agent_now(), checked = begin;
    while (run->load.finished + run->load.failed < run->count) {
        double now = agent_now();
        uint64_t due = (uint64_t)((now - begin) * run->rate) + 1;
        while (run->started < due && run->started < run->count) {
            unsigned tried = 0;
            while (tried < pool && run->agents[run->next].busy) {
                run->next = (run->next + 1) % pool;
                tried++;
            }
            if (tried == pool) {
                run->late++;
                break;
            }
            start(run, run->next, run->op);
            run->next = (run->next + 1) % pool;
            run->started++;
        }
        pump(run, 1);
        if (now - checked > 0.5) {
            (void)expire(run, 0, run->users);
            checked = now;
        }
    }
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_result(struct run *run, double seconds)
{
    struct load *load = &run->load;
    qsort(load->latency, load->latencies, sizeof(load->latency[0]), by_value);
    uint32_t middle = load->latencies ? load->latency[load->latencies / 2] : 0;
    uint32_t high = load->latencies ? load->latency[load->latencies * 99 / 100] : 0;
    printf("{\"finished\": %llu, \"failed\": %llu, \"late\": %llu, \"seconds\": %.6f, \"p50_us\": "
           "%u, \"p99_us\": %u}\n",
           (unsigned long long)load->finished, (unsigned long long)load->failed,
           (unsigned long long)run->late, seconds, middle, high);
    fflush(stdout);
}

static void wait_for_line(void)
{
    int c;
    do
        c = getchar();
    while (c != EOF && c != '\n');
    if (c == EOF)
        exit(0);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"op", 1, 0, 'o'},     {"from", 1, 0, 'f'}, {"to", 1, 0, 't'},
        {"users", 1, 0, 'u'},  {"rate", 1, 0, 'r'}, {"count", 1, 0, 'c'},
        {"domain", 1, 0, 'd'}, {"help", 0, 0, 'h'}, {0, 0, 0, 0},
    };
    struct run run = {
        .load = {.domain = "viaduct.test"}, .users = 100, .rate = 1000, .count = 10000};
    const char *from = NULL, *to = NULL, *op = "register";
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'o': op = optarg; break;
        case 'f': from = optarg; break;
        case 't': to = optarg; break;
        case 'u': run.users = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'r': run.rate = strtod(optarg, NULL); break;
        case 'c': run.count = strtoull(optarg, NULL, 10); break;
        case 'd': run.load.domain = optarg; break;
        case 'h': usage(stdout); return 0;
        default: usage(stderr); return 2;
        }
    }
    if (!from || run.users < 2 || run.users > 200000 || run.rate <= 0 || run.count == 0) {
        usage(stderr);
        return 2;
    }
    run.op = strcmp(op, "call") == 0      ? OP_CALL
             : strcmp(op, "message") == 0 ? OP_MESSAGE
                                          : OP_REGISTER;
    if (run.op == OP_REGISTER && strcmp(op, "register") != 0)
        fatal(2, op, "not register, message or call");
    struct sockaddr_in server[2];
    enum link_kind kind[2] = {parse_endpoint(from, &server[0]),
                              parse_endpoint(to ? to : from, &server[1])};
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    struct rlimit files = {run.users + 64, run.users + 64};
    if (!tls || setrlimit(RLIMIT_NOFILE, &files))
        fatal(3, "limits", strerror(errno));

    run.callers = run.users / 2;
    run.users = run.callers * 2;
    run.agents = mem_zalloc(run.users, sizeof(*run.agents));
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    buf_init(&run.load.out, 65536);
    for (unsigned i = 0; i < run.users; i++) {
        struct agent *agent = &run.agents[i];
        int side = i >= run.callers;
        char why[128];
        if (link_open(&agent->link, kind[side], &server[side], tls, why, sizeof(why)))
            fatal(3, "connection", why);
        agent->load = &run.load;
        agent->index = i;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = agent};
        if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, agent->link.fd, &event))
            fatal(3, "epoll", strerror(errno));
    }
    register_all(&run);
    printf("registered %u\n", run.users);
    fflush(stdout);
    wait_for_line();

    run.load.finished = run.load.failed = 0;
    run.load.latency_max = (size_t)run.count;
    run.load.latency = mem_alloc(run.load.latency_max * sizeof(uint32_t));
    double begin = agent_now();
    offer(&run);
    print_result(&run, agent_now() - begin);
    wait_for_line();
    return 0;
}
