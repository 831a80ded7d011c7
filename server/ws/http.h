/* The head of an HTTP/1.x message (RFC 9112 sections 2 to 5, RFC 9110 section 5): strict parser,
 * questions to a parsed head, and the writer of responses. No bodies, no connections.
 *
 * Strict means: CRLF ends each line, a bare CR or LF is an error, no white space before a colon or
 * at the start of a line (no folded lines), names are tokens, values hold no control character but
 * HTAB. Empty lines before a request line are skipped (RFC 9112 section 2.2).
 *
 * Slices in a head point into the parsed bytes and live as long as these stay in place. */
#ifndef VIADUCT_WS_HTTP_H
#define VIADUCT_WS_HTTP_H

#include "base/buf.h"

enum {
    HTTP_HEAD_MAX = 32768,  /* bytes of a whole head */
    HTTP_TARGET_MAX = 8192, /* bytes of a request target */
    HTTP_HEADERS_MAX = 64,  /* header lines */
};

typedef enum http_error {
    HTTP_OK = 0,
    HTTP_E_LINE,        /* start line is not HTTP */
    HTTP_E_VERSION,     /* HTTP, but not 1.x */
    HTTP_E_TARGET,      /* byte in the target that may not be there */
    HTTP_E_TARGET_SIZE, /* target longer than HTTP_TARGET_MAX */
    HTTP_E_NAME,        /* header name is no token, or white space before the colon */
    HTTP_E_VALUE,       /* control character in a header value */
    HTTP_E_FOLD,        /* line starting with white space */
    HTTP_E_NEWLINE,     /* CR without LF, or LF without CR */
    HTTP_E_SIZE,        /* head longer than HTTP_HEAD_MAX */
    HTTP_E_COUNT,       /* more than HTTP_HEADERS_MAX header lines */
} http_error;

typedef struct http_header {
    str name;
    str value; /* without white space at its ends */
} http_header;

typedef struct http_head {
    str method; /* request: as written, case matters */
    str target; /* request: never empty */
    int minor;  /* the x of HTTP/1.x: 0..9 */
    int status; /* response: 100..999 */
    str reason; /* response: may be empty */
    size_t count;
    http_header headers[HTTP_HEADERS_MAX];
    http_error error; /* after a negative return: what is wrong ... */
    size_t at;        /* ... and the offset in the input where */
} http_head;

/* Parses the head at the start of in. Returns the bytes of the head, its empty line included (what
 * follows belongs to the body or the next protocol); 0 when more bytes are needed, to be called
 * again with all bytes so far and more; -1 when it is no acceptable head: error and at are set.
 * An error is reported as soon as the byte that causes it is there, and never taken back. */
long http_request(str in, http_head *h);
long http_response(str in, http_head *h);

int http_error_status(http_error e);       /* the status that answers it: 400, 414, 431 or 505 */
const char *http_error_text(http_error e); /* what is wrong, for a log or a body */

/* Could these first bytes begin an HTTP request? 1 yes, 0 more needed, -1 no. Yes when a method
 * token is followed by a target that no SIP request has: "/...", "* HTTP/", "http...", "ws...", or
 * anything after CONNECT. */
int http_looks_like(str in);

/* Value of the only header line of that name. Returns how many lines have the name; *value (may be
 * NULL) is the first one's, untouched when there is none. */
size_t http_header_get(const http_head *h, str name, str *value);

/* Walks the elements of a comma list over all lines of that name, in order, empty elements skipped
 * (RFC 9110 section 5.6.1), commas in quoted strings respected. */
typedef struct http_list {
    const http_head *h;
    str name;
    size_t line, at;
} http_list;
http_list http_list_of(const http_head *h, str name);
bool http_list_next(http_list *l, str *element); /* trimmed element, or false at the end */

bool http_has_token(const http_head *h, str name, str token); /* in that list, case folded */

bool http_is_token(str s);                 /* RFC 9110 section 5.6.2, at least one byte */
bool http_keeps_alive(const http_head *h); /* may another request follow on the connection? */

/* Length of the request's body. Returns 0 and the length, 0 when it has none; -1 when it has a
 * Transfer-Encoding or an invalid or contradictory Content-Length, which is answered with
 * 400 and Connection: close. */
int http_body_length(const http_head *h, uint64_t *length);

/* Parts of a request target. Origin form: path and query; absolute form: also the authority, which
 * then counts instead of Host (RFC 9112 section 3.2.2). "*" and the authority form give an empty
 * path. The query is without its "?". */
typedef struct http_target {
    str authority; /* from an absolute target, else from Host; empty when neither */
    str path;      /* starts with "/", percent-encoding untouched */
    str query;
} http_target;
/* Returns 0; or -1 when the target has no known form, a fragment, or (HTTP/1.1) when Host is
 * missing, repeated or malformed: answer 400. */
int http_target_of(const http_head *h, http_target *t);

/* Writes a response head: status line, header by header, end. */
void http_write_status(buf *out, int status); /* with its usual reason phrase */
void http_write_header(buf *out, str name, str value);
void http_write_number(buf *out, str name, uint64_t value);
void http_write_end(buf *out);

/* Ends a head that announces a short plain text, and appends the text (for HEAD: only the head). */
void http_write_text(buf *out, str text, bool head_only);

/* Writes a whole short response that ends the connection: status, Connection: close and the text.
 */
void http_write_refusal(buf *out, int status, str text, bool head_only);

#endif
