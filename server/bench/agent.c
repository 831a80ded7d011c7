#include "bench/agent.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "bench/text.h"

static const str sdp = {"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                        "m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n",
                        131};

double agent_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int flush(struct agent *agent)
{
    return link_send(&agent->link, buf_slice(&agent->load->out));
}

static bool is_ws(const struct agent *agent)
{
    return agent->link.kind == LINK_WS || agent->link.kind == LINK_WSS;
}

/* The host:port that Via and Contact name; a browser does not know its own (RFC 7118 appendix B).
 */
static void add_host(const struct agent *agent, buf *out)
{
    if (is_ws(agent))
        buf_printf(out, "u%u.invalid", agent->index);
    else
        buf_printf(out, "%s:%u", inet_ntoa(agent->link.local.sin_addr),
                   ntohs(agent->link.local.sin_port));
}

static void add_contact(const struct agent *agent, buf *out)
{
    buf_printf(out, "Contact: <sip:u%u@", agent->index);
    add_host(agent, out);
    if (is_ws(agent))
        buf_str(out, STR(";transport=ws"));
    else if (agent->link.kind != LINK_UDP)
        buf_str(out, STR(";transport=tcp"));
    buf_str(out, STR(">\r\n"));
}

/* Start line and the headers that every request has, from the request line's URI to the CSeq. */
static buf *request(struct agent *agent, const char *method, str uri, const char *call, unsigned to,
                    str to_value)
{
    buf *out = &agent->load->out;
    const char *domain = agent->load->domain;
    buf_clear(out);
    buf_printf(out, "%s %.*s SIP/2.0\r\nVia: SIP/2.0/%s ", method, STR_FMT(uri),
               link_token(agent->link.kind));
    add_host(agent, out);
    buf_printf(
        out, ";branch=z9hG4bK%u-%u-%s;rport\r\nMax-Forwards: 70\r\nFrom: <sip:u%u@%s>;tag=f%u\r\n",
        agent->index, agent->sequence, method, agent->index, domain, agent->index);
    if (to_value.n)
        buf_printf(out, "To: %.*s\r\n", STR_FMT(to_value));
    else
        buf_printf(out, "To: <sip:u%u@%s>\r\n", to, domain);
    buf_printf(out, "Call-ID: %s-%u", call, agent->index);
    if (agent->op != OP_REGISTER)
        buf_printf(out, "-%u", agent->sequence);
    buf_printf(out, "@load\r\nCSeq: %u %s\r\n", agent->sequence + (strcmp(method, "BYE") == 0),
               method);
    return out;
}

static void add_body(buf *out, str type, str body)
{
    if (body.n)
        buf_printf(out, "Content-Type: %.*s\r\n", STR_FMT(type));
    buf_printf(out, "Content-Length: %zu\r\n\r\n", body.n);
    buf_str(out, body);
}

int agent_start(struct agent *agent, enum agent_op op, unsigned to)
{
    char uri[128];
    buf target = {.p = uri, .cap = sizeof(uri), .max = sizeof(uri)};
    agent->busy = true;
    agent->answered = false;
    agent->op = op;
    agent->sequence += 2; /* the BYE of the call before took the number between */
    agent->started = agent_now();
    if (op == OP_REGISTER)
        buf_printf(&target, "sip:%s", agent->load->domain);
    else
        buf_printf(&target, "sip:u%u@%s", to, agent->load->domain);
    static const char *const method[] = {"REGISTER", "MESSAGE", "INVITE"};
    static const char *const call[] = {"r", "m", "c"};
    str none = {NULL, 0};
    unsigned whom = op == OP_REGISTER ? agent->index : to;
    buf *out = request(agent, method[op], buf_slice(&target), call[op], whom, none);
    if (op != OP_MESSAGE)
        add_contact(agent, out);
    if (op == OP_REGISTER)
        buf_str(out, STR("Expires: 3600\r\n"));
    add_body(out, op == OP_CALL ? STR("application/sdp") : STR("text/plain"),
             op == OP_CALL      ? sdp
             : op == OP_MESSAGE ? STR("a short message of forty-two bytes, no more")
                                : none);
    return flush(agent);
}

static void finish(struct agent *agent, bool good)
{
    struct load *load = agent->load;
    agent->busy = false;
    load->finished += good;
    load->failed += !good;
    if (good && load->latencies < load->latency_max)
        load->latency[load->latencies++] = (uint32_t)((agent_now() - agent->started) * 1e6);
}

void agent_give_up(struct agent *agent)
{
    finish(agent, false);
}

static int reply(struct agent *agent, str in, const char *status, bool dialog, str body)
{
    buf *out = &agent->load->out;
    buf_clear(out);
    buf_printf(out, "SIP/2.0 %s\r\n", status);
    text_copy(out, in, STR("Via"));
    if (dialog)
        text_copy(out, in, STR("Record-Route"));
    text_copy(out, in, STR("From"));
    str to = text_header(in, STR("To"), 0);
    buf_printf(out, "To: %.*s", STR_FMT(to));
    if (text_find(to, STR(";tag=")) == to.n)
        buf_printf(out, ";tag=t%u", agent->index);
    buf_str(out, STR("\r\n"));
    text_copy(out, in, STR("Call-ID"));
    text_copy(out, in, STR("CSeq"));
    if (dialog)
        add_contact(agent, out);
    add_body(out, STR("application/sdp"), body);
    return flush(agent);
}

/* Route of a caller: the Record-Route values in reverse order (RFC 3261 12.1.2), one line each. */
static void add_route_set(buf *out, str response)
{
    str values[16];
    size_t n = 0;
    for (size_t row = 0;; row++) {
        str line = text_header(response, STR("Record-Route"), row);
        if (!line.n)
            break;
        for (size_t at = 0; at < line.n && n < 16;) {
            size_t end = str_chr(line, '>', at);
            values[n++] = str_trim(str_sub(line, at, end + 1 - at));
            at = str_chr(line, ',', end) + 1;
        }
    }
    while (n) {
        n--;
        buf_printf(out, "Route: %.*s\r\n", STR_FMT(values[n]));
    }
}

static int in_dialog(struct agent *agent, str response, const char *method)
{
    str none = {NULL, 0};
    str target = text_uri(text_header(response, STR("Contact"), 0));
    buf *out = request(agent, method, target, "c", 0, text_header(response, STR("To"), 0));
    add_route_set(out, response);
    add_body(out, none, none);
    return flush(agent);
}

static int on_response(struct agent *agent, str in)
{
    str cseq = text_header(in, STR("CSeq"), 0);
    str number = str_sub(cseq, 0, str_chr(cseq, ' ', 0)),
        method = str_trim(str_sub(cseq, number.n, cseq.n));
    uint64_t n = 0;
    bool final = in.n > 8 && in.p[8] != '1', good = in.n > 8 && in.p[8] == '2';
    if (!agent->busy || !final || str_u64(number, UINT32_MAX, &n) || n < agent->sequence)
        return 0; /* a late copy of something that has ended */
    if (!good || !str_eq(method, STR("INVITE"))) {
        finish(agent, good);
        return 0;
    }
    bool again = agent->answered;
    agent->answered = true;
    int gone = in_dialog(agent, in, "ACK");
    return gone || again ? gone : in_dialog(agent, in, "BYE");
}

struct reading {
    struct agent *agent;
    int gone;
};

static void on_message(void *ctx, struct link *link, str in)
{
    (void)link;
    struct reading *reading = ctx;
    struct agent *agent = reading->agent;
    str none = {NULL, 0};
    if (str_starts(in, STR("SIP/2.0 ")))
        reading->gone |= on_response(agent, in);
    else if (str_starts(in, STR("INVITE "))) {
        reading->gone |= reply(agent, in, "180 Ringing", true, none);
        reading->gone |= reply(agent, in, "200 OK", true, sdp);
    } else if (!str_starts(in, STR("ACK ")))
        reading->gone |= reply(agent, in, "200 OK", false, none);
}

int agent_read(struct agent *agent)
{
    struct reading reading = {agent, 0};
    return link_read(&agent->link, on_message, &reading) || reading.gone ? -1 : 0;
}
