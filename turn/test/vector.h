/* The published test vectors: RFC 5769 2.1 to 2.4 and RFC 8489 B.1. The header of the latter is
 * printed with length 0x9c although 0x88 bytes follow, and its HMAC covers neither; here it has the
 * right length and the HMAC that follows from it. */
#ifndef VIADUCT_TURN_TEST_VECTOR_H
#define VIADUCT_TURN_TEST_VECTOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"

#define VECTOR_REQUEST                                                                             \
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74"             \
    "002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020"                     \
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
#define VECTOR_RESPONSE_V4                                                                         \
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"                     \
    "002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"                     \
    "80280004c07d4c96"
#define VECTOR_RESPONSE_V6                                                                         \
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"                     \
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"                                             \
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
#define VECTOR_LONG_TERM                                                                           \
    "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b90000"     \
    "0015001c662f2f3439396b3935346436 4f4c33346f4c39465354767936347341"                            \
    "0014000b6578616d706c652e6f72670000080014f67024656dd64a3e02b8e0712e85c9a28ca89666"
#define VECTOR_SHA256                                                                              \
    "000100882112a44278ad3433c6ad72c029da412e"                                                     \
    "001e00204a3cf38fef6992bda952c6780417da0f248194 15569e60b205c46e41407f1704"                    \
    "001500296f624d61744a6f7332414141 43662f2f3439396b3935346436 "                                 \
    "4f4c33346f4c3946535476793634734100"                                                           \
    "0000"                                                                                         \
    "0014000b6578616d706c652e6f726700001c0020"

#define VECTOR_USER "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9"

/* Bytes of hexadecimal text, blanks skipped; free with buf_free(). */
static inline buf vector_bytes(const char *hex)
{
    static const char digits[] = "0123456789abcdef";
    buf b;
    buf_init(&b, 1 << 20);
    int high = -1;
    for (; *hex; hex++) {
        const char *at = *hex == ' ' ? NULL : strchr(digits, *hex);
        if (!at)
            continue;
        int v = (int)(at - digits);
        if (high < 0) {
            high = v;
        } else {
            buf_byte(&b, (char)(high << 4 | v));
            high = -1;
        }
    }
    assert_int_equal(high, -1);
    return b;
}

#endif
