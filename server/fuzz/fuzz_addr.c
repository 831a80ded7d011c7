/* Any text as an address: what is accepted prints to a text that is accepted as the same address.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    addr a, b;
    char text[ADDR_TEXT];
    if (addr_parse(&a, (str){(const char *)p, n}))
        return 0;
    if (a.scope) /* prints as a number, which need not name an interface any more */
        return 0;
    if (addr_parse(&b, str_of(addr_print(&a, text))) || !addr_eq(&a, &b))
        abort();
    return 0;
}
