/* The viewer's page, as tools/viewer builds it, inside the program: viewer_page.h. */
    .section .rodata
    .global viewer_page_start
    .global viewer_page_end
viewer_page_start:
    .incbin "tools/viewer/page.html"
viewer_page_end:
    .section .note.GNU-stack,"",%progbits
